"""Blocked callers: who failed or waited on a session's lock, counted per lock path and per session key.

One caller that fails leaves several lines (two lane errors, one decision per candidate): they count once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from backend.model.events import Event, LaneTaskError, LaneWait, LockTimeout
from backend.model.runfold import RunBook
from backend.model.runs import NOBODY_BLOCKED, Blocked
from backend.model.sentences import times

SAME_CALLER_S = 2.0
"""Lines about one lock within this many seconds, with no other run named, are of one caller."""
WITHOUT_OCCUPATION_S = 300.0
"""Where nothing occupies the session any more, callers blocked this long ago (seconds) still count."""


@dataclass(frozen=True, slots=True)
class Blockings:
    """When callers were blocked, epoch seconds: by lock path (failed), by session key (waited in the lane)."""

    failed: dict[str, tuple[float, ...]] = field(default_factory=dict)
    waited: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def on(self, lock_path: str | None, key: str, since: float | None, now: float) -> Blocked:
        """Return the callers blocked by one session since its occupation began, or lately without one."""
        start = now - WITHOUT_OCCUPATION_S if since is None else since
        failed = [at for at in self.failed.get(lock_path or "", ()) if at >= start]
        waited = [at for at in self.waited.get(key, ()) if at >= start]
        if not failed and not waited:
            return NOBODY_BLOCKED
        sentences = []
        if failed:
            sentences.append(f"{times(len(failed), 'caller')} gave up waiting for the lock")
        if waited:
            sentences.append(f"{times(len(waited), 'message')} waited in the session's lane")
        return Blocked(len(failed) + len(waited), max([*failed, *waited]), tuple(sentences))


def blockings(book: RunBook) -> Blockings:
    """Count the blocked callers that a book tells of."""
    failed: dict[str, list[float]] = {}
    of_runs: dict[str, list[float]] = {}
    for run in book.runs.values():
        for path, at in _last_per_path(run.facts).items():
            of_runs.setdefault(path, []).append(at)
    for path, ats in of_runs.items():
        failed[path] = sorted(ats)
    for path, at in sorted(_timeouts(book.notices), key=lambda told: told[1]):
        known = failed.setdefault(path, [])
        if not any(abs(at - other) <= SAME_CALLER_S for other in known):
            known.append(at)
    waited: dict[str, list[float]] = {}
    for notice in book.notices:
        if isinstance(notice, LaneWait) and notice.session_key is not None:
            waited.setdefault(notice.session_key, []).append(notice.at)
    return Blockings(
        {path: tuple(sorted(ats)) for path, ats in failed.items()},
        {key: tuple(ats) for key, ats in waited.items()},
    )


def _last_per_path(facts: Iterable[Event]) -> dict[str, float]:
    return dict(_timeouts(facts))


def _timeouts(events: Iterable[Event]) -> Iterator[tuple[str, float]]:
    for event in events:
        found = getattr(event, "lock_timeout", None)
        every = (found,) if isinstance(found, LockTimeout) else getattr(event, "lock_timeouts", ())
        if isinstance(event, LaneTaskError) and event.session_key is None and event.lane == "main":
            continue  # the session's own lane tells the same failure again
        for timeout in every:
            yield timeout.path, event.at
