"""The newest rows of a fleet, and for each viewer which of them it has not been told yet.

A viewer has no queue: what is written is each row's newest state, so that what waits for a slow one is bounded by the
number of rows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from msgspec.structs import replace

from lockdeck.backend.hosts.frames import FrameError, Rows, SessionName, encoded, row_name
from lockdeck.backend.model.delta import Change, difference
from lockdeck.backend.model.fleet import FleetSnapshot, LockView, SessionView
from lockdeck.backend.system.text import safe

ROWS_AT_ONCE = 200
"""A frame has so many sessions, and so many locks, at most."""
Name = TypeVar("Name")
View = TypeVar("View", SessionView, LockView)


class Outbox:
    """What one viewer has not been told yet: names of rows, in the order in which they changed first."""

    def __init__(self) -> None:
        self.sessions: dict[SessionName, None] = {}
        self.locks: dict[str, None] = {}
        self.woken = False
        """Who waits for it is to look up once."""
        self.whole = True
        """Roots, notes and incidents are to be told too."""

    @property
    def waiting(self) -> bool:
        """Return whether there is anything to tell."""
        return bool(self.whole or self.sessions or self.locks)


class Board:
    """Rows by name. `take` is called in the collector's thread, everything else in that of a viewer."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._snapshot: FleetSnapshot | None = None
        self._sessions: dict[SessionName, SessionView] = {}
        self._locks: dict[str, LockView] = {}
        self._outboxes: set[Outbox] = set()

    def take(self, snapshot: FleetSnapshot) -> None:
        """Take in a snapshot; what changed is new for every viewer."""
        with self._changed:
            last = self._snapshot
            if last is None or snapshot.delta is None or snapshot.sequence != last.sequence + 1:
                sessions = difference(self._sessions.values(), snapshot.sessions)
                locks = difference(self._locks.values(), snapshot.locks)
            else:
                sessions, locks = snapshot.delta.sessions, snapshot.delta.locks
            changed_sessions = _updated(self._sessions, sessions, row_name)
            changed_locks = _updated(self._locks, locks, _path)
            self._snapshot = snapshot
            for outbox in self._outboxes:
                outbox.sessions.update(changed_sessions)
                outbox.locks.update(changed_locks)
                outbox.whole = True
            self._changed.notify_all()

    @contextmanager
    def outbox(self) -> Iterator[Outbox]:
        """Give a viewer its outbox, with everything in it; what changes is added until the block ends."""
        outbox = Outbox()
        with self._changed:
            outbox.sessions = dict.fromkeys(self._sessions)
            outbox.locks = dict.fromkeys(self._locks)
            self._outboxes.add(outbox)
        try:
            yield outbox
        finally:
            with self._changed:
                self._outboxes.discard(outbox)

    def wake(self) -> None:
        """Let every viewer look whether it is to end, or to tell anything else."""
        with self._changed:
            for outbox in self._outboxes:
                outbox.woken = True
            self._changed.notify_all()

    def newest(self, patience_s: float) -> FleetSnapshot | None:
        """Return the newest snapshot; None where the first is not there within so long (seconds)."""
        with self._changed:
            self._changed.wait_for(lambda: self._snapshot is not None, patience_s)
            return self._snapshot

    def next_frames(self, outbox: Outbox, patience_s: float) -> list[bytes]:
        """Wait until there is something to tell; return it as frames, none when the time is over or `wake` was called."""
        with self._changed:
            if not outbox.woken and (self._snapshot is None or not outbox.waiting):
                self._changed.wait(patience_s)
            outbox.woken = False
            if self._snapshot is None or not outbox.waiting:
                return []
            rows = self._taken(self._snapshot, outbox)
        return list(_frames(rows))

    def _taken(self, snapshot: FleetSnapshot, outbox: Outbox) -> Rows:
        sessions, gone_sessions = _split(_first(outbox.sessions), self._sessions)
        locks, gone_locks = _split(_first(outbox.locks), self._locks)
        whole, outbox.whole = outbox.whole, False
        return Rows(
            generated_at=snapshot.generated_at,
            roots=snapshot.roots if whole else None,
            notes=snapshot.notes if whole else None,
            incidents=snapshot.incidents if whole else None,
            sessions=sessions,
            gone_sessions=gone_sessions,
            locks=locks,
            gone_locks=gone_locks,
            more=outbox.waiting,
        )


def _updated(
    views: dict[Name, View], changes: Iterable[Change[View]], name_of: Callable[[View], Name]
) -> dict[Name, None]:
    """Take changes into the views; return the names of what changed."""
    names: dict[Name, None] = {}
    for change in changes:
        if change.old is not None and views.pop(name_of(change.old), None) is not None:
            names[name_of(change.old)] = None
    for change in changes:
        if change.new is not None:
            views[name_of(change.new)] = change.new
            names[name_of(change.new)] = None
    return names


def _path(view: LockView) -> str:
    return view.record.path


def _first(names: dict[Name, None]) -> list[Name]:
    """Take the oldest names out."""
    taken = [name for name, _ in zip(names, range(ROWS_AT_ONCE), strict=False)]
    for name in taken:
        del names[name]
    return taken


def _split(names: list[Name], views: Mapping[Name, View]) -> tuple[tuple[View, ...], tuple[Name, ...]]:
    """Return the views of the names that are there, and the names that are not."""
    there = tuple(views[name] for name in names if name in views)
    return there, tuple(name for name in names if name not in views)


def _frames(rows: Rows) -> Iterator[bytes]:
    """Yield rows as frames that are short enough; what is too long alone is withheld, by its name."""
    try:
        yield encoded(rows)
        return
    except FrameError:
        parts = _halves(rows)
    if not parts:
        names = [view.key for view in rows.sessions] + [view.record.path for view in rows.locks]
        withheld = safe(names[0] if names else "its roots and notes", 200)
        yield encoded(Rows(rows.generated_at, more=rows.more, withheld=(withheld,)))
    for part in parts:
        yield from _frames(part)


def _halves(rows: Rows) -> list[Rows]:
    """Return the rows in two parts, only the last of which may end a picture; none where they can't be parted."""
    names_only = replace(rows, roots=None, notes=None, incidents=None, sessions=(), locks=())
    if rows.roots is not None and (rows.sessions or rows.locks):
        first = replace(rows, sessions=(), locks=(), gone_sessions=(), gone_locks=(), more=True)
        return [first, replace(rows, roots=None, notes=None, incidents=None)]
    if len(rows.sessions) + len(rows.locks) < 2:
        return []
    sessions, locks = (len(rows.sessions) + 1) // 2, len(rows.locks) // 2
    first = replace(names_only, sessions=rows.sessions[:sessions], locks=rows.locks[:locks], more=True)
    rest = Rows(
        rows.generated_at, sessions=rows.sessions[sessions:], locks=rows.locks[locks:], more=rows.more
    )
    return [first, rest]
