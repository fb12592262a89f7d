"""What is said above the journals: where ours is, which hosts tell theirs, and, loudly, what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lockdeck.backend.actions.journal_chain import JournalReading
from lockdeck.backend.hosts.journals import HostJournal
from lockdeck.backend.hosts.told import JournalTold
from lockdeck.backend.model.hosts import HostView, Phase
from lockdeck.backend.model.words import minute, times
from lockdeck.tui.view.lines import Line, line, span

MOST_LINES = 4
"""So many lines are about single hosts; the rest are counted."""


def state_lines(reading: JournalReading | None, problem: str, path: str) -> Iterable[Line]:
    """Yield where our own journal is and, loudly, what is wrong with it."""
    yield line(span(f" {path}", "dim", 1000))
    if problem:
        yield line(span(f" {problem}", "critical"))
    if reading is None:
        return
    if reading.broken_at is not None:
        yield line(span(_broken("", reading), "critical"))
    for note in reading.notes:
        yield line(span(f" {note}", "notice"))


def hosts_lines(hosts: Sequence[HostView], journals: Mapping[str, HostJournal], now: float) -> Iterable[Line]:
    """Yield how many hosts tell their journals, and, the worst first, what is wrong with some; `now` in epoch seconds."""
    silent = [(host.name, reason) for host in hosts if (reason := why_not_told(host, journals, now))]
    readings = [
        (host.name, reading)
        for host in hosts
        if host.name in journals and (reading := journals[host.name].reading) is not None
    ]
    pending = len(hosts) - len(readings) - len(silent)
    asking = f", asking {pending}" if pending else ""
    yield line(span(f" journals of {times(len(hosts), 'host')}: {len(readings)} told{asking}", "dim"))
    lines = [
        *(
            line(span(_broken(name, reading), "critical", 1000))
            for name, reading in readings
            if reading.broken_at
        ),
        *(
            line(span(f" {name} does not tell its journal: {reason}", "warning", 1000))
            for name, reason in silent
        ),
        *(
            line(span(f" {name}: {note}", "notice", 1000))
            for name, reading in readings
            for note in reading.notes
        ),
    ]
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield line(span(f" and {len(lines) - MOST_LINES} more of such", "warning"))


def why_not_told(host: HostView, journals: Mapping[str, HostJournal], now: float) -> str:
    """Return why a host does not tell its journal; empty where it does, or may still."""
    journal = journals.get(host.name)
    if journal is not None and journal.reading is not None:
        return ""
    if host.phase in (Phase.LOST, Phase.REFUSED):
        since = "" if host.lost_since is None else f", not seen since {minute(host.lost_since, now)}"
        return f"{host.problem or 'it is lost'}{since}"
    return "" if journal is None else journal.problem


def _broken(host: str, reading: JournalReading | JournalTold) -> str:
    name = f"{host}: " if host else ""
    return f" {name}CHAIN BROKEN at line {reading.broken_at}: {reading.problem}. Entries were changed or removed."
