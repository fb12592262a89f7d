from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.releases.version import Version

IN_ORDER = [
    "2026.2.9",
    "2026.3.13",
    "2026.4.5",
    "2026.4.10",
    "2026.4.29",
    "2026.5.7",
    "2026.7.1",
    "2026.7.1-2",
    "2026.7.1-10",
    "2026.7.35",
    "2026.8.1-alpha.2",
    "2026.8.1-beta.1",
    "2026.8.1-beta.2",
    "2026.8.1",
    "2026.10.1",
    "2027.1.0",
]


def at(text: str) -> Version:
    version = Version.parse(text)
    assert version is not None
    return version


def test_versions_sort_as_they_were_released() -> None:
    parsed = [at(text) for text in reversed(IN_ORDER)]
    assert [str(version) for version in sorted(parsed)] == IN_ORDER


@pytest.mark.parametrize("text", IN_ORDER)
def test_a_version_prints_as_it_was_written(text: str) -> None:
    assert str(at(text)) == text
    assert at(f" v{text}\n") == at(text)


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026.4", "4.5.1.2", "2026.4.5.6", "2026.4.x", "latest", None, 20264, "２０２６.4.5" * 20],
)
def test_what_is_no_version_is_none(text: object) -> None:
    assert Version.parse(text) is None


@given(st.text())
def test_no_text_makes_the_parser_raise(text: str) -> None:
    version = Version.parse(text)
    assert version is None or Version.parse(str(version)) == version
