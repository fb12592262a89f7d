"""The header: gateways, counts, freshness and what is wrong, in a few lines. All pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from lockdeck.backend.model.fleet import FleetSnapshot, RootView, Severity, State
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.words import duration, times, zoned_time
from lockdeck.backend.system.text import SafeText
from lockdeck.tui.view.counts import FleetCounts
from lockdeck.tui.view.hosts import hosts_line
from lockdeck.tui.view.lines import Line, Span, cut_in_the_middle, fit, join, line, sides, span, width_of
from lockdeck.tui.view.notes import header_rows, note_count, where
from lockdeck.tui.view.severity import (
    LIFE,
    LOCK_WORDS,
    SEVERITY_STYLE,
)
from lockdeck.tui.view.sources import header_parts
from lockdeck.tui.view.symbols import Symbols

STALE_AFTER_S = 8.0
"""A picture older than this (seconds) is shown as old news, unless the source is slower by configuration."""
_CRUMB = 24
"""A crumb has at most so many cells."""
_NAME_AND_CLOCK = 36
"""Cells that the first line keeps for other words than its counts."""
MOST_ROOTS = 3
"""So many gateways are named; the rest are counted."""


class HeaderState(Struct, frozen=True):
    """Everything but the fleet that the header shows: what the person set, and how the source fares.

    `now` and `news_at` (when the newest snapshot was made) are epoch seconds. `crumbs` are the screens that
    led here, this one last. `rows` of a table that are shown, and all there are; `hidden_urgent` of
    them are a warning or worse, and the filter hides them. `demo`: the fleet is
    simulated.
    """

    now: float
    read_only: bool = False
    in_browser: bool = False
    demo: bool = False
    frozen: bool = False
    paused: bool = False
    hidden_changes: int = 0
    filter_text: str = ""
    hidden_urgent: int = 0
    marked: int = 0
    marked_hidden: int = 0
    failure: SafeText | None = None
    news_at: float | None = None
    stale_after_s: float = STALE_AFTER_S
    crumbs: tuple[str, ...] = ()
    rows: tuple[int, int] = (0, 0)


def is_stale(state: HeaderState) -> bool:
    """Return whether the picture must look old."""
    if state.failure is not None:
        return True
    return state.news_at is not None and state.now - state.news_at > state.stale_after_s


def stale_after(rescan_s: float) -> float:
    """Return when a picture is old news: after three looks that told nothing (seconds), 8 at least."""
    return max(STALE_AFTER_S, 3 * rescan_s)


def header(
    snapshot: FleetSnapshot | None, counts: FleetCounts, state: HeaderState, symbols: Symbols, width: int
) -> list[Line]:
    """Return the header's lines for a width in cells."""
    mark = symbols.ellipsis
    name = line(span(" lockdeck  ", "heading"), *([span("DEMO  ", "notice")] if state.demo else []))
    if snapshot is None:
        waiting = line(span("looking for the first time", "dim")) if state.failure is None else ()
        return [
            sides((*name, *waiting), _freshness(None, state), width, ellipsis=mark),
            *_failure(state, width),
        ]
    between = span(f" {symbols.dot} ", "dim")
    rows = [
        sides(
            (*name, *_counts(counts, symbols, width - _NAME_AND_CLOCK)),
            _freshness(snapshot, state),
            width,
            ellipsis=mark,
        ),
        sides(
            (span(" "), *_where(snapshot, state.now, between)),
            join(
                (*_switches(state, symbols, note_count(snapshot)), _crumbs(state, symbols, width)), span("  ")
            ),
            width,
            ellipsis=mark,
        ),
    ]
    return [*rows, *_failure(state, width), *header_rows(snapshot, symbols, width)]


def _counts(fleet: FleetCounts, symbols: Symbols, width: int) -> Line:
    """Return how many rows say what, most urgent first; without the words where there is no room for them."""
    counts = list(fleet.by_word().items())
    if not counts and not fleet.unseen:
        return line(span("no sessions", "dim"))
    counts.sort(key=lambda item: -item[1][1])
    parts = [_count(told, number, severity, symbols) for told, (number, severity) in counts]
    if fleet.unseen:
        unknown = symbols.states[State.UNKNOWN]
        parts.insert(0, line(span(f"{unknown} {fleet.unseen} not seen", "warning")))
    callers = [line(span(times(fleet.blocked, "blocked caller"), "warning"))] if fleet.blocked else []
    whole = join([*parts, *callers], span("  "))
    if width_of(whole) <= width:
        return whole
    return join(
        [(Span(SafeText(" ".join(part[0].text.split()[:2])), part[0].style),) for part in parts], span("  ")
    )


def _count(told: State | Verdict, number: int, severity: Severity, symbols: Symbols) -> Line:
    glyph = symbols.verdicts[told] if isinstance(told, Verdict) else symbols.states[told]
    word = LOCK_WORDS[told] if isinstance(told, Verdict) else str(told)
    style = "dim" if told is State.IDLE and severity is Severity.OK else SEVERITY_STYLE[severity]
    return line(span(f"{glyph} {number} {word}", style))


def _where(snapshot: FleetSnapshot, now: float, between: Span) -> Line:
    """Return how the hosts are seen where there are any, else the gateway of each root."""
    return hosts_line(snapshot.hosts, now) or join(_gateways(snapshot, now), between)


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
    if len(state.crumbs) < 2:
        return ()
    row: Line = (span(" "),)
    for number, crumb in enumerate(reversed(state.crumbs)):
        name = (
            cut_in_the_middle(crumb, _CRUMB, symbols.ellipsis)
            if width_of(line(span(crumb))) > _CRUMB
            else crumb
        )
        part = line(span(name, "dim" if number else "text", 200))
        longer = (*part, span(f" {symbols.arrow} ", "dim"), *row) if number else (*part, *row)
        if number and width_of(longer) > width // 2:
            break
        row = longer
    return row


def _switches(state: HeaderState, symbols: Symbols, notes: int) -> Iterator[Line]:
    if state.read_only:
        yield line(span("READ-ONLY, IN A BROWSER" if state.in_browser else "READ-ONLY", "notice"))
    if state.paused:
        yield line(span(f"PAUSED, {state.hidden_changes} changes hidden", "warning"))
    if state.frozen:
        yield line(span("ORDER FROZEN", "notice"))
    if state.marked:
        hidden = f", {state.marked_hidden} of them filtered out" if state.marked_hidden else ""
        yield line(span(f"{state.marked} MARKED{hidden}", "accent"))
    if state.filter_text:
        hidden = f" hides {times(state.hidden_urgent, 'urgent row')}" if state.hidden_urgent else ""
        yield line(span(f"/ {state.filter_text}", "accent", 40), span(hidden, "warning"))
    if state.rows[1]:
        yield line(span(f"{state.rows[0]} of {state.rows[1]}", "dim"))
    if notes:
        yield line(span(f"{symbols.problem} {times(notes, 'note')} ", "dim"))


def _freshness(snapshot: FleetSnapshot | None, state: HeaderState) -> Line:
    now = span(f" {zoned_time(state.now)} ", "dim")
    if state.failure is not None:
        return line(span("NOT WATCHING ", "critical"), now)
    if snapshot is None:
        return ()
    age = state.now - (state.news_at or snapshot.generated_at)
    if is_stale(state):
        return line(span(f"STALE, last news {duration(age)} ago ", "critical"), now)
    live = all(root.watch == "live" for root in snapshot.roots) and bool(snapshot.roots)
    return line(span("live", "ok") if live else span("polling", "notice"), span(" "), now)


def _failure(state: HeaderState, width: int) -> list[Line]:
    if state.failure is None:
        return []
    return [fit(line(span(f" watching stopped: {state.failure}", "critical")), width)]
