"""The journal's entries as rows, newest first, and one entry's facts as lines. All pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from lockdeck.backend.model.fleet import Severity
from lockdeck.tui.table.fitting import Column
from lockdeck.tui.table.rows import SEVERITY_STYLE
from lockdeck.tui.view.lines import EMPTY, Line, line, span

COLUMNS = (
    Column("TIME (UTC)", 19, name="time"),
    Column("COMMAND", 12, from_width=100, name="command"),
    Column("WHAT", 15, name="what"),
    Column("ABOUT", 14, flex=2, most=56, name="about"),
    Column("SENTENCE", 12, flex=4, from_width=78, name="sentence"),
)
FIELDS = ("command", "what", "about", "sentence", "release", "time")
"""What a filter may name of an entry."""
_SEVERITY = {
    "released": Severity.OK,
    "recovered": Severity.NOTICE,
    "refused": Severity.WARNING,
    "cancel-refused": Severity.WARNING,
    "failed": Severity.CRITICAL,
    "unfinished": Severity.CRITICAL,
    "repair": Severity.NOTICE,
}
_HIDDEN = frozenset({"at", "kind", "prev"})
_DEEP = 6
"""Facts within facts are shown down to this depth."""


class Entry(Struct, frozen=True):
    """One line of the journal; `number` counts from 1, the oldest."""

    number: int
    facts: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """What was done: release-begin, released, refused, cancel-begin and more."""
        return str(self.facts.get("kind", "?"))


def entry_cells(entry: Entry) -> tuple[Line, ...]:
    """Return the cells of one entry, one line per column of COLUMNS."""
    style = SEVERITY_STYLE[_SEVERITY[entry.kind]] if entry.kind in _SEVERITY else "dim"
    return (
        line(span(_at(entry.facts), "dim")),
        line(span(_command(entry), "dim")),
        line(span(entry.kind, style)),
        line(span(_about(entry.facts))),
        line(span(_sentence(entry.facts), "dim")),
    )


def entry_facts(entry: Entry) -> dict[str, str]:
    """Return an entry's facts by field of the filter, in lower case."""
    found = {
        "command": _command(entry),
        "what": entry.kind,
        "about": _about(entry.facts),
        "sentence": _sentence(entry.facts),
        "release": str(entry.facts.get("releaseId") or ""),
        "time": _at(entry.facts),
    }
    return {field: value.lower() for field, value in found.items()}


def entry_values(entry: Entry, field: str) -> Iterator[str]:
    """Yield what could be asked of a field to find this entry: of its time the day."""
    value = entry_facts(entry)[field]
    yield value[:10] if field == "time" else value


def entry_lines(entry: Entry) -> Iterator[Line]:
    """Yield all facts of one entry."""
    yield line(span(f"{entry.kind}  ", "heading"), span(f"line {entry.number} of the journal", "dim"))
    yield EMPTY
    command = _command(entry)
    if command:
        yield line(span("command  ", "dim"), span(command))
    yield line(span("at  ", "dim"), span(entry.facts.get("at", "not known")))
    for name, value in entry.facts.items():
        if name not in _HIDDEN:
            yield from _fact(name, value, 0)
    yield EMPTY
    yield line(span("hash of the line before  ", "dim"), span(entry.facts.get("prev", "none"), "dim"))


def _fact(name: str, value: object, depth: int) -> Iterator[Line]:
    lead = "  " * depth
    if isinstance(value, Mapping) and value and depth < _DEEP:
        yield line(span(f"{lead}{name}", "dim"))
        for inner, deeper in value.items():
            yield from _fact(str(inner), deeper, depth + 1)
    elif isinstance(value, list) and value and depth < _DEEP:
        yield line(span(f"{lead}{name}", "dim"))
        for item in value:
            yield from _fact("-", item, depth + 1)
    else:
        shown = "none" if value is None or value == [] or value == {} else value
        yield line(span(f"{lead}{name}  ", "dim"), span(shown, "text", 2000))


def _command(entry: Entry) -> str:
    """Return the name of the command that leaves such an entry, from a dashboard or a command line."""
    from lockdeck.tui.commands.act import Cancel, Release

    return next((command.name for command in (Release, Cancel) if entry.kind in command.leaves), "")


def _at(facts: Mapping[str, Any]) -> str:
    return str(facts.get("at", ""))[:19].replace("T", " ")


def _about(facts: Mapping[str, Any]) -> str:
    """Name the session or the lock that an entry is about."""
    key, path = facts.get("key"), facts.get("path")
    return str(key) if key is not None else str(path or "").rpartition("/")[2]


def _sentence(facts: Mapping[str, Any]) -> str:
    for name in ("sentences", "reasons"):
        told = facts.get(name)
        if isinstance(told, list) and told:
            return str(told[0])
    for name in ("outcome", "result", "does", "after"):
        if name in facts:
            told = facts[name]
            return str(told.get("sentence", told)) if isinstance(told, Mapping) else str(told)
    return ""
