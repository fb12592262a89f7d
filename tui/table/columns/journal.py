"""The columns of the journal table, and what else the filter can ask of an entry. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import Severity
from lockdeck.tui.table.column import Column, Field, Width
from lockdeck.tui.table.journalentry import Entry
from lockdeck.tui.view.lines import line, span
from lockdeck.tui.view.severity import SEVERITY_STYLE

OWN = "this deck"
"""Stands in the place of a host for what lockdeck wrote here."""
_SEVERITY = {
    "released": Severity.OK,
    "recovered": Severity.NOTICE,
    "cancelled": Severity.OK,
    "refused": Severity.WARNING,
    "never-begun": Severity.WARNING,
    "end-not-known": Severity.CRITICAL,
    "ask-refused": Severity.WARNING,
    "cancel-refused": Severity.WARNING,
    "failed": Severity.CRITICAL,
    "unfinished": Severity.CRITICAL,
    "repair": Severity.NOTICE,
}


def _style(entry: Entry) -> str:
    """Return the style of what was done; of the end of an ask, that of how it ended."""
    ended = str(entry.facts.get("status")) if entry.kind in ("answered", "ask-end") else entry.kind
    return SEVERITY_STYLE[_SEVERITY[ended]] if ended in _SEVERITY else "dim"


def _whose(entry: Entry) -> str:
    return entry.host or OWN


HOST: Column[Entry] = Column(
    name="host",
    title="HOST",
    width=Width(12, flex=1, max_cells=20, brief_cells=9, full_from=110),
    cell=lambda entry, _context: line(span(_whose(entry), "dim")),
    sort=None,
    field=Field("host", _whose, quoted_whole=True, rank=0),
    names=True,
    meaning=f"the host in whose journal it stands; {OWN}: in our own",
)
COLUMNS: tuple[Column[Entry], ...] = (
    Column(
        name="time",
        meaning="when it happened, in local time",
        title="TIME",
        width=Width(19),
        cell=lambda entry, _context: line(span(entry.time, "dim")),
        sort=None,
        field=Field(
            "time",
            lambda entry: entry.time,
            suggestions=lambda entry: (entry.time[:10],),  # the day
            rank=20,
        ),
    ),
    Column(
        name="command",
        meaning="the command that left this entry",
        title="COMMAND",
        width=Width(12, from_table=100),
        cell=lambda entry, _context: line(span(entry.command, "dim")),
        sort=None,
        field=Field("command", lambda entry: entry.command),
    ),
    Column(
        name="what",
        meaning="what was done, or refused",
        title="WHAT",
        width=Width(15),
        cell=lambda entry, _context: line(span(entry.kind, _style(entry))),
        sort=None,
        field=Field("what", lambda entry: entry.kind),
    ),
    Column(
        name="about",
        names=True,
        meaning="the session or lock it is about",
        title="ABOUT",
        width=Width(14, flex=2, max_cells=56),
        cell=lambda entry, _context: line(span(entry.subject)),
        sort=None,
        field=Field("about", lambda entry: entry.subject),
    ),
    Column(
        name="sentence",
        meaning="what came of it",
        title="SENTENCE",
        width=Width(12, flex=4, from_table=78),
        cell=lambda entry, _context: line(span(entry.sentence, "dim")),
        sort=None,
        field=Field("sentence", lambda entry: entry.sentence),
    ),
)
RELEASE = Field[Entry]("release", lambda entry: entry.release_id)
