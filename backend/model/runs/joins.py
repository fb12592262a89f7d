"""Runs joined to sessions, and events to runs; what no id ties together stays apart."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from typing import cast

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.runs.events import Event, FailoverDecision, LaneTaskError, ProfileTimedOut
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.lane_joins import keys_by_lane
from lockdeck.backend.model.runs.profiles import profile_hash
from lockdeck.backend.model.runs.run import Run, recency
from lockdeck.backend.model.runs.trace_joins import unnamed

_LOCK_NAME = late_pattern(r"([^/\\]+)\.jsonl\.lock\Z")
PROFILE_JOIN_S = 2.0
"""A profile's timeout line belongs to a decision on that profile that follows within this many seconds."""
PROFILE_TWIN_S = 0.05
"""The JSON log and the console tell a profile's timeout in equal words within this many seconds."""


def key_of(run: Run, keys: Mapping[str, str]) -> str | None:
    """Return the session key of a run: as its own events name it, or by its ids from `keys` (`session_keys`)."""
    if run.session_key is not None:
        return run.session_key
    by_session = None if run.session_id is None else keys.get(run.session_id)
    return by_session or keys.get(run.run_id)


def session_keys(book: RunBook, stored: Mapping[str, str]) -> Mapping[str, str]:
    """Return session key by session id, and by run id where only lanes or traces tie a run to its session.

    What the session store says (`stored`: key by session id) wins; it may be very long, and is not copied.
    """
    keys = {**keys_by_lock_name(book), **keys_by_lock(book), **keys_by_lane(book), **keys_by_trace(book)}
    for event in book.notices:
        if event.session_id and event.session_key:
            keys[event.session_id] = event.session_key
    for run in sorted(book.runs.values(), key=recency):
        if run.session_id and run.session_key:
            keys[run.session_id] = run.session_key
    return ChainMap(cast(dict[str, str], stored), keys)


def keys_by_lock_name(book: RunBook) -> dict[str, str]:
    """Return session key by session id, where a lane's error names the key and a lock that is called after the id."""
    keys: dict[str, set[str]] = {}
    for event in book.notices:
        session_id = session_of_lock(event.lock_path) if isinstance(event, LaneTaskError) else None
        if session_id is not None and event.session_key is not None:
            keys.setdefault(session_id, set()).add(event.session_key)
    return {session_id: next(iter(of_id)) for session_id, of_id in keys.items() if len(of_id) == 1}


def session_of_lock(path: str | None) -> str | None:
    """Return the id of the session whose transcript a lock protects, as its name tells."""
    match = _LOCK_NAME.search(path or "")
    return match[1] if match is not None else None


def keys_by_lock(book: RunBook) -> dict[str, str]:
    """Return session key by run id through the lock that a run failed on: its lane's error names key and lock."""
    keys: dict[str, set[str]] = {}
    for event in book.notices:
        timeout = event.lock_timeout if isinstance(event, LaneTaskError) else None
        if timeout is not None and event.session_key and timeout.path and not timeout.is_of_store:
            keys.setdefault(timeout.path, set()).add(event.session_key)
    for timeout in (timeout for run in book.runs.values() for timeout in run.lock_timeouts):
        if timeout.session_key is not None:
            keys[timeout.session_key] = {timeout.session_key}
    return _sole_keys(
        book,
        keys,
        lambda run: {name for t in run.lock_timeouts if (name := t.path or t.session_key) is not None},
    )


def keys_by_trace(book: RunBook) -> dict[str, str]:
    """Return session key by run id through the trace id that a run's lines share (seen on 2026.7.35, 2026.9.6)."""
    keys: dict[str, set[str]] = {}
    for event in (*book.notices, *book.waiting):
        if event.trace_id and event.session_key:
            keys.setdefault(event.trace_id, set()).add(event.session_key)
    return _sole_keys(book, keys, lambda run: {fact.trace_id for fact in run.facts if fact.trace_id})


def _sole_keys(
    book: RunBook, keys: Mapping[str, set[str]], marks: Callable[[Run], Iterable[str]]
) -> dict[str, str]:
    """Return session key by run id, for runs whose marks all belong to one session; `keys` are by mark."""
    sole: dict[str, str] = {}
    for run in book.runs.values() if keys else ():
        of_run = set().union(*(keys.get(mark, set()) for mark in marks(run)))
        if len(of_run) == 1:
            sole[run.run_id] = of_run.pop()
    return sole


def runs_by_key(book: RunBook, stored: Mapping[str, str]) -> dict[str, tuple[Run, ...]]:
    """Return the runs of each session key, the most recently active last; runs without a key are left out."""
    keys = session_keys(book, stored)
    runs: dict[str, list[Run]] = {}
    for run in sorted(book.runs.values(), key=recency):
        key = key_of(run, keys)
        if key is not None:
            runs.setdefault(key, []).append(run)
    return {key: tuple(of_key) for key, of_key in runs.items()}


def runs_without_session(book: RunBook, stored: Mapping[str, str]) -> tuple[Run, ...]:
    """Return the runs that no event and no store ties to a session, the most recently active last."""
    keys = session_keys(book, stored)
    return tuple(run for run in sorted(book.runs.values(), key=recency) if key_of(run, keys) is None)


def unjoined(book: RunBook) -> tuple[Event, ...]:
    """Return the events that name no run and belong to none, oldest first.

    A profile's timeout line belongs to the decision that carries the profile's hash and follows within 2 s.
    """
    free = _decision_times(book)
    joined: dict[str, float] = {}  # by profile, the last of its lines that belongs to a decision
    loose: list[Event] = []
    for event in unnamed(book.waiting, book.traces):
        if not isinstance(event, ProfileTimedOut):
            loose.append(event)
        elif _use_up(free.get(profile_hash(event.profile), []), event.at):
            joined[event.profile] = event.at
        elif event.at - joined.get(event.profile, -math.inf) > PROFILE_TWIN_S:
            loose.append(event)
    return tuple(loose)


def _decision_times(book: RunBook) -> dict[str, list[float]]:
    """Times of the decisions on each profile, soonest first."""
    times: dict[str, list[float]] = {}
    for run in book.runs.values():
        for fact in run.facts:
            if isinstance(fact, FailoverDecision) and fact.profile_hash is not None:
                times.setdefault(fact.profile_hash, []).append(fact.at)
    return {profile: sorted(of_profile) for profile, of_profile in times.items()}


def _use_up(times: list[float], at: float) -> bool:
    """Use up the first decision within 2 s after `at`; False when there is none."""
    index = bisect_left(times, at)
    if index < len(times) and times[index] - at <= PROFILE_JOIN_S:
        del times[index]
        return True
    return False
