"""The filter language: words, `!` for the opposite, `field:value`. All terms must hold. Pure.

`stuck`, `!idle`, `agent:silas`, `!lock:held`, `"exact words"`, `holder:"openclaw gateway"`. Each table has
fields of its own.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

FIELDS = ("state", "agent", "lock", "root", "key", "holder")
"""What a term may name of sessions and locks; each is compared as text, in any case, anywhere in the value."""

_TERM = re.compile(
    r"""(?P<no>!?)(?:(?P<field>[A-Za-z_]+):)?(?:"(?P<quoted>[^"]*)(?P<end>"?)|(?P<bare>\S*))"""
)


class FilterError(ValueError):
    """The filter can't be understood; the message says why and what is known."""


class Term(Struct, frozen=True):
    """One condition: `value` occurs in the field (in any field where None), or, `inverse`, does not."""

    value: str
    field: str | None = None
    inverse: bool = False

    def holds(self, facts: Mapping[str, str]) -> bool:
        """Return whether the condition holds for a row's facts (values in lower case, one per field)."""
        if self.field == "holder" and self.value.isdigit():
            # A whole pid: 39 is not 396.
            return (self.value in facts.get("holder", "").split()) is not self.inverse
        texts = facts.values() if self.field is None else (facts.get(self.field, ""),)
        return any(self.value in text for text in texts) is not self.inverse


class Query(Struct, frozen=True):
    """A parsed filter."""

    terms: tuple[Term, ...] = ()

    def matches(self, facts: Mapping[str, str]) -> bool:
        """Return whether all conditions hold."""
        return all(term.holds(facts) for term in self.terms)


def parse(text: str, fields: Sequence[str] = FIELDS) -> Query:
    """Parse a filter; raises FilterError with a sentence for the person who typed it."""
    return Query(tuple(_term(found, fields) for found in words(text)))


def words(text: str) -> Iterator[re.Match[str]]:
    """Yield the words of a filter, each with its groups no, field, quoted, end and bare; raises FilterError."""
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        found = _TERM.match(text, position)
        if found is None or found.end() == position:
            raise FilterError(f"can't read {text[position:]!r}")
        yield found
        position = found.end()


def _term(found: re.Match[str], fields: Sequence[str]) -> Term:
    field, quoted = found["field"], found["quoted"]
    if quoted is not None and not found["end"]:
        raise FilterError('a " is not closed')
    if field is not None and field.lower() not in fields:
        near = difflib.get_close_matches(field.lower(), fields, 1)
        hint = f"; did you mean {near[0]}:" if near else ""
        raise FilterError(
            f'no field {field!r}{hint} (known: {", ".join(fields)}; put text with ":" in quotes)'
        )
    value = quoted if quoted is not None else found["bare"]
    if not value:
        raise FilterError(f"{found[0]!r} says nothing to look for")
    return Term(value.lower(), field.lower() if field else None, bool(found["no"]))
