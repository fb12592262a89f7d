"""The filter language: words, `!` for the opposite, `field:value`. All terms must hold. Pure.

`stuck`, `!idle`, `agent:silas`, `!lock:held`, `"exact words"`, `holder:"openclaw gateway"`. Each table has
fields of its own.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from lockdeck.tui.table.column import Field

Fields = Sequence[Field[Any]]

_TERM = re.compile(
    r"""(?P<no>!?)(?:(?P<field>[A-Za-z_]+):)?(?:"(?P<quoted>[^"]*)(?P<end>"?)|(?P<bare>\S*))"""
)


class FilterError(ValueError):
    """The filter can't be understood; the message says why, and which fields there are."""


class Term(Struct, frozen=True):
    """One condition: `value` occurs in one of the fields, or, `inverse`, in none; as a `whole_word`, or `whole`, if so said."""

    value: str
    fields: tuple[Field[Any], ...]
    inverse: bool = False
    whole_word: bool = False
    whole: bool = False

    def holds(self, item: Any) -> bool:
        """Return whether the condition holds for an item."""
        return any(map(self._occurs_in, (field.text(item) for field in self.fields))) is not self.inverse

    def _occurs_in(self, text: str) -> bool:
        text = text.lower()
        if self.whole:
            return self.value == text
        return self.value in (text.split() if self.whole_word else text)


class Query(Struct, frozen=True):
    """A parsed filter."""

    terms: tuple[Term, ...] = ()

    def matches(self, item: Any) -> bool:
        """Return whether all conditions hold for an item."""
        return all(term.holds(item) for term in self.terms)


def parse(text: str, fields: Fields) -> Query:
    """Parse a filter; raises FilterError with a sentence for the person who typed it."""
    return Query(tuple(_term(word, fields) for word in words(text)))


def words(text: str) -> Iterator[re.Match[str]]:
    """Yield the words of a filter, each with its groups no, field, quoted, end and bare; raises FilterError."""
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        word = _TERM.match(text, position)
        if word is None or word.end() == position:
            raise FilterError(f"can't read {text[position:]!r}")
        yield word
        position = word.end()


def field_of(name: str, fields: Fields) -> Field[Any] | None:
    """Return the field of a name, in any case."""
    return next((field for field in fields if field.name == name.lower()), None)


def _term(word: re.Match[str], fields: Fields) -> Term:
    quoted = word["quoted"]
    if quoted is not None and not word["end"]:
        raise FilterError('a " is not closed')
    field = None if word["field"] is None else _field(word["field"], fields)
    value = quoted if quoted is not None else word["bare"]
    if not value:
        raise FilterError(f"{word[0]!r} says nothing to look for")
    inverse = bool(word["no"])
    if field is None:
        return Term(value.lower(), tuple(fields), inverse)
    whole_word = field.whole_numbers and value.isdigit()
    return Term(value.lower(), (field,), inverse, whole_word, field.quoted_whole and quoted is not None)


def _field(name: str, fields: Fields) -> Field[Any]:
    field = field_of(name, fields)
    if field is None:
        names = [field.name for field in fields]
        closest = difflib.get_close_matches(name.lower(), names, 1)
        hint = f"; did you mean {closest[0]}:" if closest else ""
        raise FilterError(f'no field {name!r}{hint} (known: {", ".join(names)}; put text with ":" in quotes)')
    return field
