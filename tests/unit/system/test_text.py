"""The door for text from outside: nothing that steers a terminal or hides comes through."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.system.text import LIMIT, SafeText, safe

ANY_TEXT = st.text(alphabet=st.characters(), max_size=600) | st.text(
    alphabet=st.sampled_from("\x1b\x07\n\r\t\x7f\x85\x9b\u202e\u2066\u200b\u200d\ufe0f\ud800\U000e0041ab[]"),
    max_size=50,
)
VISIBLE_FORMAT = set("\u06dd\u070f\u08e2\u0890\u0891\U000110bd\U000110cd") | {
    chr(c) for c in range(0x600, 0x606)
}
"""Signs that Unicode calls format characters although they are drawn."""


def steers(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs", "Cf", "Zl", "Zp"} and char not in VISIBLE_FORMAT


@given(ANY_TEXT)
def test_no_control_surrogate_or_format_character_comes_through(text):
    assert not [char for char in safe(text) if steers(char)]


def test_no_single_character_of_unicode_steers_or_gets_longer():
    shown = [safe(chr(code)) for code in range(0x110000)]
    assert max(map(len, shown)) == 1
    assert not [char for char in shown if char and steers(char)]


@given(ANY_TEXT, st.integers(1, 500))
def test_the_result_is_never_longer_than_the_limit(text, limit):
    assert len(safe(text, limit)) <= limit


@given(ANY_TEXT)
def test_safe_text_stays_as_it_is(text):
    assert safe(safe(text)) == safe(text)


@given(ANY_TEXT)
def test_the_result_can_always_be_encoded(text):
    assert safe(text).encode("utf-8").decode("utf-8") == safe(text)


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=LIMIT))
def test_plain_text_is_unchanged(text):
    assert safe(text) == text
    assert type(safe(text)) is SafeText


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred", "\u241b[31mred"),
        ("a\nb\rc\td\x00e", "a\u240ab\u240dc\u2409d\u2400e"),
        ("\x7f", "\u2421"),
        ("\x9b31m", "\ufffd31m"),
        ("agent\u202egpj", "agent\ufffdgpj"),
        ("ma\u200bin\ufeff\u2060\u00ad", "main"),
        ("ok\ufe0f\u034f", "ok"),
        ("\u3164\u115f\uffa0", "\ufffd\ufffd\ufffd"),
        ("\udc80", "\ufffd"),
        ("line\u2028next", "line\u2424next"),
        ("tag\U000e0041", "tag\ufffd"),
        ("[red]x[/red]", "[red]x[/red]"),
        ("Größe 漢字 🦞", "Größe 漢字 🦞"),
    ],
)
def test_what_each_kind_of_character_becomes(raw, shown):
    assert safe(raw) == shown


def test_longer_text_ends_in_an_ellipsis():
    assert safe("x" * 401) == "x" * 399 + "\u2026"
    assert safe("x" * 400) == "x" * 400
    assert safe("abc", 1) == "\u2026"


def test_a_number_too_long_for_python_to_print_is_named_instead():
    assert safe(16**5000) == "<int too large to show>"


def test_an_endlessly_nested_value_is_named_instead():
    nested: list = []
    for _ in range(100_000):
        nested = [nested]
    assert safe(nested) == "<list too large to show>"


@pytest.mark.parametrize("value", [None, 3, 1.5, True, b"\x1b", ["a"], {"k": "\x1b"}])
def test_any_value_becomes_text(value):
    assert isinstance(safe(value), SafeText)
