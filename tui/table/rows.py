"""Rows of the fleet table: which there are, in which order, and what their cells say. All pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RunHolder, SessionView, Severity, State
from lockdeck.backend.model.locks import LockKind, Verdict
from lockdeck.tui.table.fitting import Column
from lockdeck.tui.view.figures import bar, dots, duration, time_of_day
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.sparkline import Beat, callers_line, holds_line
from lockdeck.tui.view.symbols import Symbols

Row = SessionView | LockView
RowKey = tuple[str, str, str]
"""`("session", root, key)` or `("lock", root, path)`: what names a row through any re-sort."""
Rank = tuple[int, int, float, str, str]

COLUMNS = (
    Column("STATE", 12, name="state"),
    Column("AGENT", 5, flex=1, most=18, name="agent"),
    Column("SESSION", 13, flex=4, most=56, name="session"),
    Column("ATTEMPTS", 9, from_width=56, name="attempts"),
    Column("OCCUPIED", 8, right=True, name="occupied"),
    Column("", 10, from_width=136, name="progress"),
    Column("HOLDER", 8, flex=3, most=28, from_width=108, name="holder", at_ease=20),
    Column("LOCK", 12, from_width=78, name="lock"),
    Column("CHURN", 5, from_width=118, name="churn"),
    Column("CALLERS", 7, from_width=78, right=True, name="callers"),
    Column("TREND", 5, from_width=118, name="trend"),
    Column("FREE BY", 14, from_width=98, name="free_by"),
)

_STATE_ORDER = {
    state: place
    for place, state in enumerate(
        (
            State.STUCK,
            State.FAILED,
            State.ROTATING,
            State.CANCELLING,
            State.COMPACTING,
            State.RUNNING,
            State.UNKNOWN,
            State.IDLE,
        )
    )
}
SEVERITY_STYLE = {
    Severity.OK: "ok",
    Severity.NOTICE: "notice",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "critical",
}
VERDICT_SEVERITY = {
    Verdict.CREATING: Severity.OK,
    Verdict.HELD: Severity.OK,
    Verdict.LEAKED: Severity.CRITICAL,
    Verdict.RECYCLED: Severity.WARNING,
    Verdict.DEAD: Severity.WARNING,
    Verdict.REMOVED: Severity.CRITICAL,
    Verdict.FOREIGN: Severity.NOTICE,
    Verdict.UNREADABLE: Severity.WARNING,
    Verdict.LITTER: Severity.OK,
}


class Place(Struct, frozen=True):
    """What decides a row's place: its value in the column sorted by, None for none, and how urgent it is."""

    value: Any
    urgency: Rank


class Order(Struct, frozen=True):
    """By what rows are ordered: a value, ties by urgency; rows without a value come last either way."""

    value: Callable[[Row], Any]
    reverse: bool = False

    def sorted(self, places: Mapping[RowKey, Place]) -> tuple[RowKey, ...]:
        """Return the keys in order."""
        keys = sorted(places, key=lambda key: places[key].urgency)
        valued = [key for key in keys if places[key].value is not None]
        valued.sort(key=lambda key: places[key].value, reverse=self.reverse)
        return (*valued, *(key for key in keys if places[key].value is None))


class Arrangement(Struct, frozen=True):
    """The rows of one snapshot by key, what decides the place of each, and the keys in their order."""

    items: Mapping[RowKey, Row] = field(default_factory=dict)
    places: Mapping[RowKey, Place] = field(default_factory=dict)
    order: tuple[RowKey, ...] = ()


def arrange(
    snapshot: FleetSnapshot, before: Arrangement | None = None, order: Order | None = None
) -> Arrangement:
    """Return the rows of a snapshot; `before` must have been made with the same order."""
    items: dict[RowKey, Row] = {("session", view.root, view.key): view for view in snapshot.sessions}
    for lock in lonely_locks(snapshot):
        items["lock", lock.record.root, lock.record.path] = lock
    return settle(items, before or Arrangement(), order)


def settle(items: Mapping[RowKey, Row], before: Arrangement, order: Order | None = None) -> Arrangement:
    """Order rows, most urgent first by default; those that are the very same object keep their place's value."""
    by = order or Order(rank)
    old_items, old = before.items, before.places
    places = {
        key: old[key] if old_items.get(key) is item else Place(by.value(item), rank(item))
        for key, item in items.items()
    }
    return Arrangement(items, places, before.order if places == old else by.sorted(places))


def lonely_locks(snapshot: FleetSnapshot) -> tuple[LockView, ...]:
    """Return the locks that no session row shows, so that nothing is hidden; a gateway at work is in the header."""
    shown = {view.lock.record.path for view in snapshot.sessions if view.lock is not None}
    return tuple(
        lock for lock in snapshot.locks if lock.record.path not in shown and not _is_gateway_at_work(lock)
    )


def _is_gateway_at_work(lock: LockView) -> bool:
    return lock.record.kind is LockKind.GATEWAY and lock.judgement.verdict is Verdict.HELD


def rank(row: Row) -> Rank:
    """Return what a row is sorted by: urgency, then the longest first. Holds no clock, so rows keep still."""
    if isinstance(row, LockView):
        severity = VERDICT_SEVERITY[row.judgement.verdict]
        return (-severity, 99, row.record.created_at or 0.0, row.record.agent or "", row.record.path)
    since = row.since if row.since is not None and row.state is not State.IDLE else 0.0
    return (-row.severity, _STATE_ORDER[row.state], since, row.agent, row.key)


def cells(
    row: Row, now: float, symbols: Symbols, root_label: str = "", beats: Sequence[Beat] = ()
) -> tuple[Line, ...]:
    """Return the cells of a row, one line per column of COLUMNS; `beats` are those of its last minutes."""
    if isinstance(row, LockView):
        return _lock_cells(row, now, symbols, root_label)
    quiet = row.state is State.IDLE and row.severity is Severity.OK
    word = "dim" if quiet else "text"
    return (
        state_line(row, symbols),
        _agent(row.agent, root_label, word),
        line(span(short_key(row), word)),
        dots(row.rotation, row.attempt, symbols, most=5) if row.rotation else EMPTY,
        _occupied(row, now),
        _way_to_freedom(row, now, symbols),
        holder_line(row.lock) if row.lock else run_holder_line(row.holder),
        verdict_line(row.lock, symbols) if row.lock else EMPTY,
        holds_line(beats, symbols),
        line(span(row.blocked.count, "warning")) if row.blocked.count else EMPTY,
        callers_line(beats, symbols),
        free_by_line(row, now),
    )


def state_line(row: SessionView, symbols: Symbols) -> Line:
    """Return symbol and word of a session's state, in the style of its severity."""
    quiet = row.state is State.IDLE and row.severity is Severity.OK
    style = "dim" if quiet else SEVERITY_STYLE[row.severity]
    return line(span(f"{symbols.states[row.state]} {row.state}", style))


def verdict_line(lock: LockView, symbols: Symbols) -> Line:
    """Return symbol and word of a lock's verdict."""
    verdict = lock.judgement.verdict
    severity = VERDICT_SEVERITY[verdict]
    style = "dim" if severity is Severity.OK else SEVERITY_STYLE[severity]
    return line(span(f"{symbols.verdicts[verdict]} {verdict}", style))


def holder_line(lock: LockView | None) -> Line:
    """Return pid and name of the holder; of the process the payload names where nobody holds the lock."""
    if lock is None:
        return EMPTY
    holder, payload = lock.judgement.holder, lock.record.payload
    if holder is not None:
        return line(span(holder.pid), span(f" {holder.name}", "dim"))
    return line(span(f"{payload.pid} named", "dim")) if payload else EMPTY


def run_holder_line(holder: RunHolder | None) -> Line:
    """Return pid and model of what holds a session without a lock file: the gateway's active run."""
    if holder is None:
        return EMPTY
    pid = "gateway" if holder.pid is None else str(holder.pid)
    return line(span(pid), span(f" {holder.model}", "dim")) if holder.model else line(span(pid))


def short_key(view: SessionView) -> str:
    """Return the session key without the part that only repeats the agent."""
    prefix = f"agent:{view.agent}:"
    return view.key.removeprefix(prefix)


def occupied_s(row: SessionView, now: float) -> float | None:
    """Return for how many seconds callers have found the session's lock taken, None when it is free."""
    if row.occupation is not None and not row.occupation.over(now):
        return max(0.0, now - row.occupation.since)
    if row.occupation is None and row.lock is not None and row.lock.record.created_at is not None:
        return max(0.0, now - row.lock.record.created_at)
    return None


def free_by_line(row: SessionView, now: float) -> Line:
    """Return when the session is free at the latest, and how long that is from now."""
    moment = row.rotation.free_by if row.rotation and not row.rotation.finished else None
    if moment is None:
        return EMPTY
    if moment < now:
        return line(span(f"late {duration(now - moment)}", "critical"))
    return line(span(time_of_day(moment)[:5]), span(f" +{duration(moment - now)}", "dim"))


def _agent(agent: str, root_label: str, style: str) -> Line:
    return line(span(agent, style), span(f" {root_label}", "dim")) if root_label else line(span(agent, style))


def _occupied(row: SessionView, now: float) -> Line:
    seconds = occupied_s(row, now)
    if seconds is None:
        return EMPTY
    return line(span(duration(seconds), SEVERITY_STYLE[row.severity] if row.severity else "text"))


def _way_to_freedom(row: SessionView, now: float, symbols: Symbols) -> Line:
    """Draw how much of the way to free-by is gone. Without a forecast there is no bar."""
    moment = row.rotation.free_by if row.rotation and not row.rotation.finished else None
    seconds = occupied_s(row, now)
    if moment is None or seconds is None:
        return EMPTY
    whole = seconds + max(moment - now, 0.0)
    return bar(seconds / whole if whole else 1.0, 10, symbols, "critical" if moment < now else "bar")


def _lock_cells(lock: LockView, now: float, symbols: Symbols, root_label: str) -> tuple[Line, ...]:
    severity = VERDICT_SEVERITY[lock.judgement.verdict]
    style = "dim" if severity is Severity.OK else SEVERITY_STYLE[severity]
    created = lock.record.created_at
    return (
        line(span(f"{symbols.dot} lock only", style)),
        _agent(lock.record.agent or "", root_label, "text"),
        line(span(lock.record.path.rpartition("/")[2])),
        EMPTY,
        line(span(duration(now - created))) if created is not None else EMPTY,
        EMPTY,
        holder_line(lock),
        verdict_line(lock, symbols),
        EMPTY,
        EMPTY,
        EMPTY,
        EMPTY,
    )
