"""The table of sessions as text: on a terminal as wide as that is, in a pipe with full keys and cut to no width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from msgspec import Struct

from lockdeck.backend.model.fleet import FleetSnapshot, SessionView, Severity, State
from lockdeck.backend.model.needs import lock_needs_person
from lockdeck.backend.model.words import UNKNOWN, duration, time_of_day, zoned_time
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.tui.view.answer import answer
from lockdeck.tui.view.names import short_key
from lockdeck.tui.view.printed.commands import with_command
from lockdeck.tui.view.printed.wrapping import labelled_lines
from lockdeck.tui.view.symbols import ASCII

WHOLE = 4096
"""Nothing is longer than this (characters), not even where nothing is cut."""
LEAST_NAME = 12
"""A session's name keeps so many cells, its end: that tells it from others."""
_UNDER_ROW = 5
"""What stands under a row is indented by so many cells."""


class _Column(Struct, frozen=True):
    """A column: its title, and what it says of a session at a time (epoch seconds)."""

    title: str
    cell: Callable[[SessionView, float], str]


def table_lines(
    snapshot: FleetSnapshot,
    sessions: Sequence[SessionView],
    width: int | None,
    *,
    wide: bool = False,
    host_options: Sequence[str] = (),
) -> Iterator[SafeText]:
    """Render sessions in rows, and under those that need a person the answer, with key, lock path and release id.

    `width` is the terminal's in cells; None: nothing is cut. `host_options`: words that name another host in a command. `wide` adds root, lock and release id to every row.
    """
    now = snapshot.generated_at
    columns: Sequence[_Column] = (*_COLUMNS, *_WIDE) if wide else _COLUMNS
    room = None if wide else width
    clean = _cells(columns, sessions, now, full=room is None)
    if room is not None and _total(clean) > room:
        columns = _NARROW
        clean = _cells(columns, sessions, now, full=False)
        name = columns.index(_SESSION)
        left = room - (_total(clean) - max(len(row[name]) for row in clean))
        for row in clean:
            row[name] = _end_of(row[name], left)
    widths = [max(len(row[i]) for row in clean) for i in range(len(columns))]
    for index, row in enumerate(clean):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield SafeText(line.rstrip())
        if index and not wide:
            yield from _under(sessions[index - 1], now, width, host_options)


def needs_words(session: SessionView) -> bool:
    """Return whether a session is worth more than its row: it needs a person, or soon may."""
    of_lock = session.lock is not None and lock_needs_person(session.lock)
    return of_lock or session.severity >= Severity.WARNING or session.state is State.STUCK


def _under(
    session: SessionView, now: float, width: int | None, host_options: Sequence[str]
) -> Iterator[SafeText]:
    for reason in session.reasons:
        yield safe(f"{'':{_UNDER_ROW}}{reason}", WHOLE)
    if not needs_words(session):
        return
    told = answer(session, now)
    rows = [("key", safe(session.key, WHOLE))]
    how = partial(with_command, session=session, host_options=host_options)
    rows += [row for row in told.rows(how) if row[0] != "why"]
    if session.lock is not None:
        release_id = session.lock.release_id
        name = f"  release id {release_id}" if release_id else ""
        rows.append(("lock", safe(f"{session.lock.record.path}{name}", WHOLE)))
    yield from labelled_lines(rows, width, _UNDER_ROW)


def _cells(
    columns: Sequence[_Column], sessions: Sequence[SessionView], now: float, *, full: bool
) -> list[list[SafeText]]:
    """Return titles and rows; `full`: with whole keys."""
    rows = [[column.title for column in columns]]
    rows += [
        [
            short_key(session) if column is _SESSION and not full else column.cell(session, now)
            for column in columns
        ]
        for session in sessions
    ]
    return [[safe(cell, WHOLE) for cell in row] for row in rows]


def _total(rows: Sequence[Sequence[str]]) -> int:
    """Return how many cells wide rows are, with the blanks between their columns."""
    return sum(max(len(row[i]) for row in rows) + 2 for i in range(len(rows[0]))) - 2


def _end_of(name: SafeText, room: int) -> SafeText:
    """Cut a name at its beginning, where there is no room for it."""
    if len(name) <= max(room, LEAST_NAME):
        return name
    return SafeText(f"{ASCII.ellipsis}{name[-max(room, LEAST_NAME) + 1 :]}")


def attempt_text(session: SessionView) -> str:
    """Return `3/5 beta` for the running attempt; `-` when none is known."""
    attempt = session.attempt
    if attempt is None:
        return "-"
    total = session.rotation.total if session.rotation else None
    of = f"/{total}" if total else ""
    return f"{attempt.index}{of} {attempt.profile or attempt.model or ''}".rstrip()


def _lasts(session: SessionView, now: float) -> str:
    since = session.occupation.since if session.occupation else session.since
    return duration(now - since) if since else UNKNOWN


def _holder(session: SessionView, _now: float) -> str:
    """Name the process with the lock; without a lock file the gateway with its active run."""
    of_lock = session.lock.judgement.holder if session.lock else None
    if of_lock is not None:
        return f"{of_lock.pid} {of_lock.name}"
    holder = session.holder
    return "-" if holder is None else f"{holder.pid or 'gateway'} {holder.model or ''}".rstrip()


def free_by_text(session: SessionView, now: float) -> str:
    """Return until when a session is occupied at worst, and since when that is over."""
    if session.rotation is None:
        return UNKNOWN
    passed = session.rotation.free_by_passed and session.rotation.free_by is not None
    ago = f", passed {duration(now - (session.rotation.free_by or now))} ago" if passed else ""
    return f"{time_of_day(session.rotation.free_by, now)}{ago}"


def _short_holder(session: SessionView, now: float) -> str:
    return _holder(session, now).replace("openclaw-", "")


_SESSION = _Column("SESSION", lambda session, _: session.key)
_COLUMNS = (
    _Column("", lambda session, _: ASCII.states[session.state]),
    _Column("STATE", lambda session, _: session.state.value),
    _Column("AGENT", lambda session, _: session.agent),
    _SESSION,
    _Column("FOR", _lasts),
    _Column("ATTEMPT", lambda session, _: attempt_text(session)),
    _Column("LOCK", lambda session, _: session.lock.judgement.verdict.value if session.lock else "-"),
    _Column("HOLDER", _holder),
    _Column("BLOCKED", lambda session, _: str(session.blocked.count or "-")),
    _Column("FREE BY", free_by_text),
)
_ATTEMPT = _Column("ATT", lambda session, _: attempt_text(session).partition(" ")[0])
_NARROW = tuple(
    {"ATTEMPT": _ATTEMPT, "HOLDER": _Column("HOLDER", _short_holder)}.get(column.title, column)
    for column in _COLUMNS
    if column.title != "LOCK"
)
"""The columns where there is no room for all: the lock stands below its row."""
_WIDE = (
    _Column("SINCE", lambda session, now: zoned_time(session.since, now)),
    _Column("ROOT", lambda session, _: session.root),
    _Column("LOCK FILE", lambda session, _: session.lock.record.path if session.lock else "-"),
    _Column("RELEASE ID", lambda session, _: (session.lock.release_id if session.lock else None) or "-"),
)
