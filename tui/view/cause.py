"""What several rows have in common, in lines: one above the table, and all that it is known from. All pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from lockdeck.backend.model.fleet import FleetSnapshot, SessionView
from lockdeck.backend.model.words import times
from lockdeck.tui.view.lines import EMPTY, Line, ListItem, join, line, sides, span, width_of, wrap
from lockdeck.tui.view.names import session_name
from lockdeck.tui.view.printed.incidents import incident_tellings, incident_text
from lockdeck.tui.view.severity import state_line
from lockdeck.tui.view.symbols import Symbols

_MARK = 3
MOST_CAUSES = 2
"""So many causes get a line each; the rest are counted."""


def cause_rows(
    snapshot: FleetSnapshot, now: float, hint: Line, symbols: Symbols, width: int
) -> Iterator[Line]:
    """Yield a line for each of the widest causes; `hint` says by which keys it is opened and cancelled."""
    for number, incident in enumerate(snapshot.incidents[:MOST_CAUSES]):
        more = len(snapshot.incidents) - MOST_CAUSES
        rest = line(span(f"+{more} more ", "dim")) if more > 0 and number else ()
        tellings = [
            line(span(f" {symbols.problem} ", "critical"), span(one, "critical", 4096))
            for one in incident_tellings(incident, now)
        ]
        yield from _with_end(tellings, rest if number else hint, width)


def _with_end(tellings: Sequence[Line], end: Line, width: int) -> Iterator[Line]:
    """Yield the longest telling that has room; the keys lose their words for the shortest one, and then give way to it."""
    for kept in (end, _keys_alone(end), EMPTY):
        room = width - (width_of(kept) + 1 if kept else 0)
        telling = next((one for one in tellings if width_of(one) <= room), None)
        if telling is not None:
            yield sides(telling, kept, width)
            return
    yield from wrap(tellings[-1], width, indent=_MARK)


def _keys_alone(hint: Line) -> Line:
    return join(((part,) for part in hint if part.style == "accent"), span(" "))


def cause_page(snapshot: FleetSnapshot, now: float, symbols: Symbols) -> Iterator[Line | ListItem]:
    """Yield every cause whole, with its evidence and its sessions."""
    sessions = {view.identity: view for view in snapshot.sessions}
    for number, incident in enumerate(snapshot.incidents):
        if number:
            yield EMPTY
        yield line(span(incident_text(incident, now), "critical", 4096))
        yield EMPTY
        yield line(span("Known from", "heading"))
        yield from (
            line(span(f" {symbols.dot} ", "dim"), span(one, "text", 4096)) for one in incident.evidence
        )
        yield EMPTY
        yield line(span(f"Concerns {times(len(incident.members), 'session')}", "heading"))
        for view in (sessions[one] for one in incident.members if one in sessions):
            yield ListItem(partial(_state, view, symbols), session_name(view))


def _state(view: SessionView, symbols: Symbols) -> Line:
    return (span(" "), *state_line(view, symbols))
