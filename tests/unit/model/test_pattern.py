"""Regular expressions that are compiled when they are first asked."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import lockdeck.backend
from lockdeck.backend.model.pattern import LatePattern, late_pattern


def test_a_late_pattern_matches_as_the_regular_expression_does():
    late = late_pattern(r"(\d+)ms", re.IGNORECASE)
    assert late.findall("1ms 2MS") == ["1", "2"]
    match = late_pattern(rb"a(?P<rest>.)").match(b"ab")
    assert match is not None
    assert match["rest"] == b"b"
    assert late.pattern == r"(\d+)ms"


def test_it_is_compiled_once_and_only_when_it_is_asked(monkeypatch):
    compiled, compile_ = [], re.compile
    monkeypatch.setattr(re, "compile", lambda *given: compiled.append(given) or compile_(*given))
    late = late_pattern(r"late")
    assert compiled == []
    assert late.match("late")
    assert late.match("later")
    assert compiled == [("late", 0)]


def test_every_pattern_of_the_backend_is_a_regular_expression():
    names = [m.name for m in pkgutil.walk_packages(lockdeck.backend.__path__, "lockdeck.backend.")]
    late = [
        (name, value)
        for name in names
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, LatePattern)
    ]
    assert len(late) > 50
    for name, value in late:
        try:
            re.compile(value._source, value._flags)
        except re.error as error:
            pytest.fail(f"{name}: {value._source!r}: {error}")
