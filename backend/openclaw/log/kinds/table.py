"""The one table of log lines: what one entry holds, and how a record finds its entry.

A pattern must match at the start of the message (after up to three `[subsystem]` tags), so that text quoted inside
another line never becomes an event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.log.framing.pieces import IN_NUMBERS, may_be_part
from lockdeck.backend.openclaw.log.markers import MarkerScan, Marks
from lockdeck.backend.openclaw.log.records import LogRecord

FieldsReader = Callable[[LogRecord], Event | None]
TextReader = Callable[[LogRecord, re.Match[str]], Event | None]

_TAGS = r"(?:\[[^\]\n]{1,60}\] ?){0,3}"
_LITERAL = late_pattern(r"(?:[^\\.^$*+?{}\[\]|()](?![*+?{]))*")
"""What a pattern begins with and every text that it matches holds."""
MAX_SELECTIONS = 1024
_DECLARED = ("handling", "sentence", "take")


class LineKind(Struct, frozen=True, kw_only=True):
    """One kind of log line.

    `event` is the class that it becomes; `markers` the bytes of which every such line holds at least one, in its JSON
    and its console form: lines without any marker are never decoded. `pattern` (alternatives in a group) and `text` read its message; `name` and
    `fields` read the record that carries fields, by its `event` name. Where several patterns match, the first kind of
    the table reads the line.
    """

    event: type[Event]
    markers: tuple[str, ...]
    pattern: str | None = None
    text: TextReader | None = None
    name: str | None = None
    fields: FieldsReader | None = None

    def __post_init__(self) -> None:
        title = self.event.__name__
        if not self.markers or not all(marker.strip() for marker in self.markers):
            raise ValueError(f"{title}: a line without a marker is never read")
        if (self.pattern is None) != (self.text is None) or (self.name is None) != (self.fields is None):
            raise ValueError(f"{title}: a pattern needs its text reader, a name its fields reader")
        if self.text is None and self.fields is None:
            raise ValueError(f"{title}: nothing reads the line")
        for part in _DECLARED:
            if getattr(getattr(self.event, part), "__isabstractmethod__", False):
                raise TypeError(f"{title} does not declare its {part}")


class _TextForm(NamedTuple):
    """How one kind reads a message: by a pattern, which matches nothing without its `literal`."""

    literal: str
    pattern: re.Pattern[str]
    read: TextReader


def _literal(pattern: str) -> str:
    match = _LITERAL.match(pattern)
    return "" if match is None else match[0]


class KindTable:
    """Kinds of lines, and everything that follows from the list: markers of the scan, readers of records."""

    __slots__ = ("_by_marks", "_by_name", "_texts", "hidden", "kinds", "scan")

    def __init__(self, kinds: Iterable[LineKind]) -> None:
        self.kinds = tuple(kinds)
        markers = dict.fromkeys(marker for kind in self.kinds for marker in kind.markers)
        self.scan = MarkerScan([*(marker.encode() for marker in markers), *IN_NUMBERS], may_be_part)
        """Finds the lines that can become an event: each holds at least one marker."""
        self.hidden = range(len(markers), len(markers) + len(IN_NUMBERS))
        """Marks of lines whose words, and so whose markers, are written as numbers."""
        self._by_name = {k.name: k.fields for k in self.kinds if k.name is not None and k.fields is not None}
        index = {marker: place for place, marker in enumerate(markers)}
        self._texts = tuple(
            (
                frozenset(index[marker] for marker in kind.markers),
                _TextForm(_literal(kind.pattern), late_pattern(_TAGS + kind.pattern), kind.text),
            )
            for kind in self.kinds
            if kind.pattern is not None and kind.text is not None
        )
        self._by_marks: dict[Marks, tuple[_TextForm, ...]] = {}

    def read(self, record: LogRecord, marks: Marks) -> Event | None:
        """Return the event that a record tells, by its fields or else by its message; None when it tells none.

        Only the kinds of which its line holds a marker are asked for the message.
        """
        name = record.meta.get("event") if record.meta else None
        fields = self._by_name.get(name) if isinstance(name, str) else None
        event = None if fields is None else fields(record)
        if event is not None:
            return event
        message = record.message
        for literal, pattern, read in self._by_marks.get(marks) or self._select(marks):
            match = pattern.match(message) if literal in message else None
            if match is not None:
                return read(record, match)
        return None

    def quoted(self, text: str, marks: Marks) -> Event | None:
        """Return the event that some words inside a text would tell if they stood alone."""
        for literal, pattern, reader in self._by_marks.get(marks) or self._select(marks):
            match = pattern.search(text) if literal in text else None
            words = text[match.start() :] if match is not None else ""
            alone = pattern.match(words)
            event = None if match is None or alone is None else reader(LogRecord(0.0, words), alone)
            if event is not None:
                return event
        return None

    def _select(self, marks: Marks) -> tuple[_TextForm, ...]:
        """Return what reads the messages of lines with these markers, in the order of the table."""
        selected = tuple(form for needed, form in self._texts if not needed.isdisjoint(marks))
        if len(self._by_marks) < MAX_SELECTIONS:  # a hostile log may hold any combination
            self._by_marks[marks] = selected
        return selected
