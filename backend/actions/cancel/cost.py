"""The cost of ending a gateway: the other sessions whose runs end with it, as far as that can be known."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from lockdeck.backend.actions.cancel.ladder import EndingCost
from lockdeck.backend.actions.cancel.log import recent_events
from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.model.moments import is_dated
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.openclaw.gateway.rows import SessionRow
from lockdeck.backend.openclaw.locks.lockfile import read_lock
from lockdeck.backend.openclaw.log.place import LogPlace
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.environment import real
from lockdeck.backend.openclaw.roots.layout import lock_kind, locks_in
from lockdeck.backend.openclaw.roots.sessionsdirs import sessions_dirs
from lockdeck.backend.openclaw.store import read_store
from lockdeck.backend.openclaw.storeindex import StoreIndex
from lockdeck.backend.system.openfiles import files_open_for_writing
from lockdeck.backend.system.text import safe


def cost_files(
    pid: int, root: str, config: Config, key: str, lock_path: str, rows: Iterable[SessionRow] = ()
) -> EndingCost:
    """Return the cost of ending a process: all its sessions but the one to cancel, by that one's key and lock.

    They are those whose locks it has open in whatever root, those of this root whose locks name it, and those that
    its gateway says run (`rows`).
    """
    sessions = {session for session in _sessions_held(pid, root, config, lock_path) if session != key}
    sessions.update(row.key for row in rows if row.active and row.key != key)
    return EndingCost(tuple(sorted(sessions)), "no other session of this process holds a lock now")


def with_open_locks(cost: EndingCost, pid: int, root: str, config: Config, key: str) -> EndingCost:
    """Add the sessions whose locks a process has open in whatever root: it need not only be what its gateway tells of."""
    sessions = {*cost.sessions, *_names_of(_open_locks(pid), root, config)} - {key}
    return replace(cost, sessions=tuple(sorted(sessions)))


def cost_sqlite(rows: Iterable[SessionRow], key: str, doubt: str = "") -> EndingCost:
    """Return the cost of ending a gateway, by its own rows."""
    active = tuple(sorted(row.key for row in rows if row.active and row.key != key))
    return EndingCost(active, "no other session of this gateway has an active run now", doubt)


def cost_by_log(logs: Sequence[LogPlace], key: str, run_id: str | None, since: float) -> EndingCost:
    """Return the cost of ending a gateway that can't be asked, by the runs that go on in its log.

    A run of which nothing was logged after `since` (epoch seconds) is over: an answer is not logged. Runs that
    answer at once are never logged, so this is the least that there is. One that has no date may go on.
    """
    events = recent_events(logs)
    if events is None:
        return EndingCost(
            (), "how many other runs end with it can't be known: neither access nor a log tells"
        )
    sessions: set[str] = set()
    for run in fold_all(RunBook(), events).runs.values():
        over = run.ended_at is not None or (is_dated(run.last_activity) and run.last_activity < since)
        if over or run_id in (run.run_id, run.session_id):
            continue
        if run.attempts and run.session_key != key:
            sessions.add(run.session_key or f"a run that names no session ({safe(run.run_id, 60)})")
    return EndingCost(
        tuple(sorted(sessions)),
        "the log tells of no other run that goes on",
        "runs without trouble are not in the log: how many more end with it can't be known without access",
    )


def _sessions_held(pid: int, root: str, config: Config, lock_path: str) -> Iterator[str]:
    """Yield the sessions whose locks a process has open or is named by."""
    directories = (directory.path for directory in sessions_dirs(root, config))
    named = {path for directory in directories for path in _locks_naming(pid, root, directory)}
    yield from _names_of((named | _open_locks(pid)) - {real(lock_path)}, root, config)


def _open_locks(pid: int) -> set[str]:
    return {real(file.path) for file in files_open_for_writing(pid, ".jsonl.lock") or ()}


def _names_of(paths: Iterable[str], root: str, config: Config) -> Iterator[str]:
    """Yield the keys of the sessions of some locks, with their directory outside the root; a lock's name where no store tells."""
    stores = {directory.path: directory.store_path for directory in sessions_dirs(root, config)}
    by_directory: dict[str, list[str]] = {}
    for path in sorted(paths):
        if lock_kind(path) is LockKind.SESSION:
            by_directory.setdefault(os.path.dirname(path), []).append(path)
    for directory, locks in by_directory.items():
        store = stores.get(directory, os.path.join(directory, "sessions.json"))
        index = StoreIndex.build(read_store(store).entries, directory)
        elsewhere = "" if directory in stores else f" in {directory}"
        for path in locks:
            entry = index.find(path)
            yield safe(entry.key if entry else os.path.basename(path), 120) + safe(elsewhere, 400)


def _locks_naming(pid: int, root: str, directory: str) -> Iterator[str]:
    """Yield the session locks of a directory that name this process."""
    try:
        paths = locks_in(directory)
    except OSError:
        return
    for path in paths:
        payload = read_lock(path, root, None, LockKind.SESSION).payload
        if payload is not None and payload.pid == pid:
            yield path
