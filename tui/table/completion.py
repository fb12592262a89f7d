"""Completion of a filter while it is typed: names of fields, and values that are in the fleet now. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice

from msgspec import Struct

from lockdeck.backend.system.text import safe
from lockdeck.tui.table.filter import FilterError, Query, Term, parse, words
from lockdeck.tui.view.lines import Line, Span, fit, span, width_of

MOST = 40
"""So many candidates are offered at most."""
Values = Callable[[str], Collection[str]]
"""Gives the values that a field has now, in lower case."""


class Candidate(Struct, frozen=True):
    """One way to complete the word at the cursor. `start` is where that word begins, `cursor` where it ends now."""

    label: str
    text: str
    start: int
    cursor: int


def complete(text: str, cursor: int, fields: Sequence[str], values: Values) -> tuple[Candidate, ...]:
    """Return the ways to complete the word that ends at the cursor; those that begin as it was typed come first.

    All other words stay as they are. A value that the filter could not read back, or that could not be
    shown as it is, is not offered.
    """
    try:
        word = next((word for word in words(text) if word.start() < cursor <= word.end()), None)
    except FilterError:
        return ()
    start = cursor if word is None else word.start()
    if (word is not None and word.end() != cursor) or not _stands_apart(text, start, cursor):
        return ()
    made = (
        Candidate(label, text[:start] + whole + text[cursor:], start, start + len(whole))
        for label, whole in _offered(word, fields, values)
        if whole != text[start:cursor]
    )
    return tuple(islice(made, MOST))


def _stands_apart(text: str, start: int, end: int) -> bool:
    """Return whether blanks, or the ends of the text, surround a part of it."""
    before, after = text[:start], text[end:]
    return (not before or before[-1].isspace()) and (not after or after[0].isspace())


def _offered(word: re.Match[str] | None, fields: Sequence[str], values: Values) -> Iterator[tuple[str, str]]:
    """Yield what to list, and the whole word, for each candidate; for no word all fields."""
    no, field, quoted, bare = word.group("no", "field", "quoted", "bare") if word else ("", None, None, "")
    if field is not None and field.lower() in fields:
        typed = (bare if quoted is None else quoted).lower()
        for value in _matching(typed, values(field.lower())):
            whole = _spelled(no, field.lower(), value, fields)
            if whole is not None:
                yield value, whole
    elif field is None and quoted is None:
        for name in fields:
            if name.startswith(bare.lower()):
                yield f"{name}:", f"{no}{name}:"


def _matching(typed: str, values: Collection[str]) -> list[str]:
    """Return the values that hold what was typed, those that begin with it first."""
    found = [value for value in values if value and typed in value]
    return sorted(found, key=lambda value: (not value.startswith(typed), value))


def _spelled(no: str, field: str, value: str, fields: Sequence[str]) -> str | None:
    """Return the word that asks for a value, in quotes where it needs them; None where nothing does."""
    if safe(value) != value:
        return None
    wanted = Query((Term(value, field, bool(no)),))
    for word in (f"{no}{field}:{value}", f'{no}{field}:"{value}"'):
        try:
            if parse(word, fields) == wanted:
                return word
        except FilterError:
            continue
    return None


def choices_line(candidates: Sequence[Candidate], at: int, width: int, ellipsis: str) -> Line:
    """List candidates on one line, the one at an index (-1: none) marked and always in sight."""
    labels = [
        span(candidate.label, "accent" if index == at else "dim")
        for index, candidate in enumerate(candidates)
    ]
    more, first = span(f" {ellipsis}", "dim"), 0
    while first < at and width_of((more, *_beside(labels[first : at + 1]))) > width:
        first += 1
    row = _beside(labels[first:])
    return fit((more, *row) if first else row, width, ellipsis=ellipsis)


def _beside(labels: Sequence[Span]) -> Line:
    blank = span(" ")
    return tuple(part for label in labels for part in (blank, label, blank))
