"""Durations, times of day and short names are spelled in one module each, for both front ends."""

from __future__ import annotations

import ast

import pytest

from lockdeck.backend.model.fleet import SessionView
from lockdeck.tui.view.names import file_name, root_label, session_name, short_key
from tests.folders import REPOSITORY

MODULES = {
    str(path.relative_to(REPOSITORY)): path.read_text()
    for folder in ("backend", "tui", "themes")
    for path in (REPOSITORY / folder).rglob("*.py")
}
WORDS = "backend/model/words.py"
NAMES = "tui/view/names.py"


def test_local_times_are_written_in_one_module() -> None:
    assert [path for path, text in MODULES.items() if "strftime(" in text] == [WORDS]


@pytest.mark.parametrize("name", ["duration", "time_of_day", "short_key", "session_name", "file_name"])
def test_each_spelling_has_one_function(name: str) -> None:
    modules = [
        path
        for path, text in MODULES.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    assert len(modules) == 1


def test_the_front_ends_cut_names_in_one_module() -> None:
    cuts = ('rpartition("/")[2]', "rpartition('/')[2]", 'removeprefix(f"agent:', "basename(")
    found = {
        path for path, text in MODULES.items() if path.startswith("tui/") and any(cut in text for cut in cuts)
    }
    assert found == {NAMES}


def test_short_names_leave_out_what_repeats_itself() -> None:
    session = SessionView("/home/a/.openclaw-work", "main", "agent:main:telegram:1", None)
    assert (short_key(session), session_name(session)) == ("telegram:1", "main telegram:1")
    assert file_name("/a/b/0001.jsonl.lock") == "0001.jsonl.lock"
    assert [root_label(path) for path in ("/home/a/.openclaw-work/", "/home/a/.openclaw")] == [
        "work",
        "openclaw",
    ]
