"""One entry of the journal: its command, its subject and its sentence, and all its facts as lines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from lockdeck.backend.model.words import date_and_time
from lockdeck.tui.commands import command_that_leaves
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.names import file_name

_HIDDEN = frozenset({"at", "kind", "prev"})
_MAX_DEPTH = 6
"""Facts within facts are shown down to this depth."""


class Entry(Struct, frozen=True):
    """One line of a journal; `number` counts from 1, the oldest that is known.

    `host`: whose journal it is, empty for our own; its clock is so much ahead of ours (`ahead_s`, seconds).
    """

    number: int
    facts: Mapping[str, Any]
    host: str = ""
    ahead_s: float = 0.0

    @property
    def moment(self) -> float | None:
        """When it was written, by our clock (epoch seconds); None where that is no time."""
        try:
            return datetime.fromisoformat(str(self.facts.get("at", ""))).timestamp() - self.ahead_s
        except (ValueError, OverflowError):
            return None

    @property
    def kind(self) -> str:
        """The step it notes: release-begin, released, refused, cancel-begin and more."""
        return str(self.facts.get("kind", "?"))

    @property
    def time(self) -> str:
        """The moment it was written, in local time, to the second; as it stands there where it is none."""
        written = str(self.facts.get("at", ""))
        try:
            return date_and_time(datetime.fromisoformat(written).timestamp())
        except (ValueError, OverflowError):
            return written[:19]

    @property
    def command(self) -> str:
        """The name of the command that leaves such an entry, from a dashboard or a command line."""
        asked_for = self.facts.get("op")
        if asked_for in ("release", "cancel"):
            return str(asked_for)
        command = command_that_leaves(self.kind)
        return "" if command is None else command.name

    @property
    def subject(self) -> str:
        """The session key, or the file name of the lock."""
        key, path = self.facts.get("key"), self.facts.get("path")
        return str(key) if key is not None else file_name(str(path or ""))

    @property
    def sentence(self) -> str:
        """Its first sentence or reason, else its outcome; of an ask who was asked, or asks, and how it ended."""
        parts = (*self._ask_parts(), self._outcome)
        return ": ".join(part for part in parts if part)

    def _ask_parts(self) -> Iterator[str]:
        """Yield who was asked, or asks, and how the ask ended; nothing of what was done without being asked for."""
        if "nonce" not in self.facts:
            return
        host, by, status = (self.facts.get(name) for name in ("host", "by", "status"))
        yield f"{host} is asked" if self.kind == "asked" else str(host or "")
        yield f"asked by {by}" if by and self.kind != "ask-end" else ""
        yield str(status or "")

    @property
    def _outcome(self) -> str:
        """Its first sentence or reason, else its outcome."""
        for name in ("sentences", "reasons"):
            sentences = self.facts.get(name)
            if isinstance(sentences, list) and sentences:
                return str(sentences[0])
        for name in ("outcome", "result", "does"):
            if name in self.facts:
                fact = self.facts[name]
                return str(fact.get("sentence", "")) if isinstance(fact, Mapping) else str(fact)
        return ""

    @property
    def release_id(self) -> str:
        """The hold it is about, empty where it names none."""
        return str(self.facts.get("releaseId") or "")


def entry_lines(entry: Entry) -> Iterator[Line]:
    """Yield all facts of one entry."""
    whose = f"from the journal of {entry.host}" if entry.host else f"line {entry.number} of the journal"
    yield line(span(f"{entry.kind}  ", "heading"), span(whose, "dim"))
    yield EMPTY
    if entry.command:
        yield line(span("command  ", "dim"), span(entry.command))
    yield line(span("at  ", "dim"), span(entry.facts.get("at", "not known")))
    for name, value in entry.facts.items():
        if name not in _HIDDEN:
            yield from _fact(name, value, 0)
    yield EMPTY
    yield line(span("hash of the line before  ", "dim"), span(entry.facts.get("prev", "none"), "dim"))


def _fact(name: str, value: object, depth: int) -> Iterator[Line]:
    lead = "  " * depth
    if isinstance(value, Mapping) and value and depth < _MAX_DEPTH:
        yield line(span(f"{lead}{name}", "dim"))
        for inner, deeper in value.items():
            yield from _fact(str(inner), deeper, depth + 1)
    elif isinstance(value, list) and value and depth < _MAX_DEPTH:
        yield line(span(f"{lead}{name}", "dim"))
        for item in value:
            yield from _fact("-", item, depth + 1)
    else:
        words = "none" if value is None or value == [] or value == {} else value
        yield line(span(f"{lead}{name}  ", "dim"), span(words, "text", 2000))
