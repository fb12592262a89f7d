"""Completion of a filter while it is typed: names of fields, and values that are in the fleet now. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct

from lockdeck.backend.system.text import safe
from lockdeck.tui.table.column import Field
from lockdeck.tui.table.filter import Fields, FilterError, field_of, parse, words
from lockdeck.tui.view.lines import Line, Span, fit, span, width_of

MAX_COMPLETIONS = 40
"""So many completions are offered at most."""
ValuesOf = Callable[[Field[Any]], Collection[str]]
"""Gives the values that a field has now, in lower case."""


class Completion(Struct, frozen=True):
    """One way to complete the word at the cursor. `start` is where that word begins, `cursor` where it ends now."""

    label: str
    text: str
    start: int
    cursor: int


def complete(text: str, cursor: int, fields: Fields, values_of: ValuesOf) -> tuple[Completion, ...]:
    """Return the ways to complete the word that ends at the cursor; those that begin as it was typed come first.

    All other words stay as they are. A value that the filter could not read back, or that could not be
    shown as it is, is not offered.
    """
    try:
        word = next((word for word in words(text) if word.start() < cursor <= word.end()), None)
    except FilterError:
        return ()
    start = cursor if word is None else word.start()
    if (word is not None and word.end() != cursor) or not _is_separate(text, start, cursor):
        return ()
    completions = (
        Completion(label, text[:start] + completed + text[cursor:], start, start + len(completed))
        for label, completed in _labelled_words(word, fields, values_of)
        if completed != text[start:cursor]
    )
    return tuple(islice(completions, MAX_COMPLETIONS))


def _is_separate(text: str, start: int, end: int) -> bool:
    """Return whether blanks, or the ends of the text, surround a part of it."""
    return not text[:start][-1:].strip() and not text[end:][:1].strip()


def _labelled_words(
    word: re.Match[str] | None, fields: Fields, values_of: ValuesOf
) -> Iterator[tuple[str, str]]:
    """Yield label and completed word of each completion; for no word all fields."""
    no, name, quoted, bare = word.group("no", "field", "quoted", "bare") if word else ("", None, None, "")
    field = field_of(name, fields) if name is not None else None
    if field is not None:
        typed = (bare if quoted is None else quoted).lower()
        for value in _matching(typed, values_of(field)):
            completed = _spelled(no, field, value, fields)
            if completed is not None:
                yield value, completed
    elif name is None and quoted is None:
        for field in fields:
            if field.name.startswith(bare.lower()):
                yield f"{field.name}:", f"{no}{field.name}:"


def _matching(typed: str, values: Collection[str]) -> list[str]:
    """Return the values that hold what was typed, those that begin with it first."""
    matches = [value for value in values if value and typed in value]
    return sorted(matches, key=lambda value: (not value.startswith(typed), value))


def _spelled(no: str, field: Field[Any], value: str, fields: Fields) -> str | None:
    """Return the word that asks for a value, in quotes where it needs them; None where nothing does."""
    if safe(value) != value:
        return None
    for word in (f"{no}{field.name}:{value}", f'{no}{field.name}:"{value}"'):
        try:
            terms = parse(word, fields).terms
        except FilterError:
            continue
        if [(term.value, term.fields, term.inverse) for term in terms] == [(value, (field,), bool(no))]:
            return word
    return None


def completions_line(completions: Sequence[Completion], current: int, width: int, ellipsis: str) -> Line:
    """List completions on one line, the current one (-1: none) marked and always in sight."""
    labels = [
        span(completion.label, "accent" if index == current else "dim")
        for index, completion in enumerate(completions)
    ]
    more, first = span(f" {ellipsis}", "dim"), 0
    while first < current and width_of((more, *_spaced(labels[first : current + 1]))) > width:
        first += 1
    row = _spaced(labels[first:])
    return fit((more, *row) if first else row, width, ellipsis=ellipsis)


def _spaced(labels: Sequence[Span]) -> Line:
    blank = span(" ")
    return tuple(part for label in labels for part in (blank, label, blank))
