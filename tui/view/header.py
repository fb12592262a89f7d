"""The header: gateways, counts, freshness and what is wrong, in a few lines. All pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from lockdeck.backend.model.fleet import FleetSnapshot, RootView, Severity, State, every_lock
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.words import duration, times
from lockdeck.backend.system.text import SafeText
from lockdeck.tui.view.lines import Line, Span, fit, join, line, sides, span, width_of
from lockdeck.tui.view.notes import header_rows, where
from lockdeck.tui.view.severity import LIFE, SEVERITY_STYLE, STATE_ORDER, VERDICT_SEVERITY
from lockdeck.tui.view.sources import header_parts
from lockdeck.tui.view.symbols import Symbols

STALE_AFTER_S = 8.0
"""A picture older than this (seconds) is shown as old news, unless the source is slower by configuration."""
_CRUMB = 24
"""A crumb has at most so many cells."""
MOST_ROOTS = 3
"""So many gateways are named; the rest are counted."""


class HeaderState(Struct, frozen=True):
    """Everything but the fleet that the header shows: what the person set, and how the source fares.

    `now` and `news_at` (when the newest snapshot was made) are epoch seconds. `crumbs` are the screens that
    led here, this one last.
    """

    now: float
    read_only: bool = False
    frozen: bool = False
    paused: bool = False
    hidden_changes: int = 0
    filter_text: str = ""
    marked: int = 0
    marked_hidden: int = 0
    failure: SafeText | None = None
    news_at: float | None = None
    stale_after_s: float = STALE_AFTER_S
    crumbs: tuple[str, ...] = ()


def is_stale(state: HeaderState) -> bool:
    """Return whether the picture must look old."""
    if state.failure is not None:
        return True
    return state.news_at is not None and state.now - state.news_at > state.stale_after_s


def stale_after(rescan_s: float) -> float:
    """Return when a picture is old news: after three looks that told nothing (seconds), 8 at least."""
    return max(STALE_AFTER_S, 3 * rescan_s)


def header(snapshot: FleetSnapshot | None, state: HeaderState, symbols: Symbols, width: int) -> list[Line]:
    """Return the header's lines for a width in cells."""
    mark = symbols.ellipsis
    name = line(span(" lockdeck  ", "heading"))
    if snapshot is None:
        waiting = line(span("looking for the first time", "dim")) if state.failure is None else ()
        return [
            sides((*name, *waiting), _freshness(None, state, symbols), width, ellipsis=mark),
            *_failure(state, width),
        ]
    between = span(f" {symbols.dot} ", "dim")
    rows = [
        sides(
            (*name, *join(_states(snapshot, symbols), between)),
            _freshness(snapshot, state, symbols),
            width,
            ellipsis=mark,
        ),
        sides(
            (span(" locks  ", "dim"), *join(_locks(snapshot), between)),
            join(_switches(state), span("  ")),
            width,
            ellipsis=mark,
        ),
        sides(
            (span(" "), *join(_gateways(snapshot, state.now), between)),
            _crumbs(state, symbols, width),
            width,
            ellipsis=mark,
        ),
    ]
    return [*rows, *_failure(state, width), *header_rows(snapshot, symbols, width)]


def _states(snapshot: FleetSnapshot, symbols: Symbols) -> Iterator[Line]:
    counts = Counter((view.state, view.severity) for view in snapshot.sessions)
    if not counts:
        yield line(span("no sessions", "dim"))
    states = {state: sum(n for (which, _), n in counts.items() if which is state) for state in STATE_ORDER}
    for state, number in states.items():
        if number:
            worst = max(severity for which, severity in counts if which is state)
            style = "dim" if state is State.IDLE and worst is Severity.OK else SEVERITY_STYLE[worst]
            yield line(span(f"{symbols.states[state]} {number} {state}", style))


def _locks(snapshot: FleetSnapshot) -> Iterator[Line]:
    counts = Counter(lock.judgement.verdict for lock in every_lock(snapshot))
    blocked = sum(view.blocked.count for view in snapshot.sessions)
    if not counts:
        yield line(span("no locks", "dim"))
    for verdict in Verdict:
        if counts[verdict]:
            severity = VERDICT_SEVERITY[verdict]
            style = "dim" if severity is Severity.OK else SEVERITY_STYLE[severity]
            yield line(span(f"{counts[verdict]} {verdict}", style))
    if blocked:
        yield line(span(times(blocked, "blocked caller"), "warning"))


def _gateways(snapshot: FleetSnapshot, now: float) -> Iterator[Line]:
    """Yield the gateway of each root, and how fresh the log and its own word are."""
    for root in snapshot.roots[:MOST_ROOTS]:
        parts = (line(_gateway(root)), *header_parts(root.sources, now))
        yield (*where(root, snapshot), *join(parts, span(", ", "dim")))
    if len(snapshot.roots) > MOST_ROOTS:
        yield line(span(f"{len(snapshot.roots) - MOST_ROOTS} more roots", "dim"))


def _gateway(root: RootView) -> Span:
    gateway = root.gateway
    if gateway is None:
        version = f" (OpenClaw {root.version})" if root.version else ""
        return span(f"no gateway seen{version}", "dim")
    facts = f"gateway {gateway.version or root.version or '?'} pid {gateway.pid}"
    port = f" port {gateway.port}" if gateway.port else ""
    word, style = LIFE[gateway.alive]
    return span(f"{facts}{port}{word}", style)


def _crumbs(state: HeaderState, symbols: Symbols, width: int) -> Line:
    """Return the screens that led here, as many of the last ones as half of a row has room for."""
    row: Line = (span(" "),)
    for number, crumb in enumerate(reversed(state.crumbs)):
        text = span(crumb, "dim" if number else "accent", 200)
        part = fit(line(text), min(width_of((text,)), _CRUMB), ellipsis=symbols.ellipsis)
        longer = (*part, span(f" {symbols.arrow} ", "dim"), *row) if number else (*part, *row)
        if number and width_of(longer) > width // 2:
            break
        row = longer
    return row


def _switches(state: HeaderState) -> Iterator[Line]:
    if state.filter_text:
        yield line(span(f"/ {state.filter_text}", "accent", 40))
    if state.marked:
        hidden = f", {state.marked_hidden} of them filtered out" if state.marked_hidden else ""
        yield line(span(f"{state.marked} MARKED{hidden}", "accent"))
    if state.frozen:
        yield line(span("ORDER FROZEN", "accent"))
    if state.paused:
        yield line(span(f"PAUSED, {state.hidden_changes} changes hidden", "warning"))
    if state.read_only:
        yield line(span("READ-ONLY", "notice"))


def _freshness(snapshot: FleetSnapshot | None, state: HeaderState, symbols: Symbols) -> Line:
    if state.failure is not None:
        return line(span("NOT WATCHING ", "critical"))
    if snapshot is None:
        return ()
    age = state.now - (state.news_at or snapshot.generated_at)
    if is_stale(state):
        return line(span(f"STALE, last news {duration(age)} ago ", "critical"))
    live = all(root.watch == "live" for root in snapshot.roots) and bool(snapshot.roots)
    mode = span("live" if live else "polling", "ok" if live else "notice")
    return line(mode, span(f" {symbols.dot} {duration(age)} ago ", "dim"))


def _failure(state: HeaderState, width: int) -> list[Line]:
    if state.failure is None:
        return []
    return [fit(line(span(f" watching stopped: {state.failure}", "critical")), width)]
