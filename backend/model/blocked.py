"""Callers that failed on a session's lock or waited in its lane, counted from what the log tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backend.model.events import (
    FailoverDecision,
    LaneTaskError,
    LaneWait,
    LockBlocked,
    LockTimeout,
    ModelFallbackDecision,
)
from backend.model.runfold import RunBook
from backend.model.runs import NOBODY_BLOCKED, Blocked
from backend.model.sentences import duration, times

SAME_CALLER_S = 0.5
"""One failed caller writes up to three lines (lane main, lane session, candidate) within this many seconds."""


@dataclass(frozen=True, slots=True)
class _Failure:
    at: float
    source: str
    timeout: LockTimeout


def failures_by_path(book: RunBook) -> dict[str, tuple[_Failure, ...]]:
    """Return what was told of failed callers, by lock path, oldest first; for use with `blocked_on`."""
    found: dict[str, list[_Failure]] = {}
    for failure in _failures(book):
        found.setdefault(failure.timeout.path, []).append(failure)
    return {path: tuple(sorted(failures, key=lambda f: (f.at, f.source))) for path, failures in found.items()}


def waits_by_key(book: RunBook) -> dict[str, tuple[LaneWait, ...]]:
    """Return the messages that waited behind another, by session key, oldest first."""
    found: dict[str, list[LaneWait]] = {}
    for event in book.notices:
        if isinstance(event, LaneWait) and event.session_key:
            found.setdefault(event.session_key, []).append(event)
    return {key: tuple(waits) for key, waits in found.items()}


def blocked_on(
    failures: Iterable[_Failure] = (), waits: Iterable[LaneWait] = (), since: float | None = None
) -> Blocked:
    """Count the callers of one session since a time (epoch seconds), usually the start of its occupation."""
    callers = _callers([f for f in failures if since is None or f.at >= since])
    waited = [wait for wait in waits if since is None or wait.at >= since]
    if not callers and not waited:
        return NOBODY_BLOCKED
    sentences = []
    if callers:
        holders = sorted({f.timeout.pid for f, _ in callers if f.timeout.pid is not None})
        whose = f" held by pid {' and '.join(map(str, holders))}" if holders else ""
        sentences.append(f"{times(sum(n for _, n in callers), 'caller')} failed on the lock{whose}")
    if waited:
        longest = max(wait.waited_ms or 0 for wait in waited)
        sentences.append(
            f"{times(len(waited), 'message')} waited in the lane, up to {duration(longest / 1000)}"
        )
    last = max([f.at for f, _ in callers] + [wait.at for wait in waited])
    return Blocked(sum(n for _, n in callers) + len(waited), last, tuple(sentences))


def _failures(book: RunBook) -> Iterator[_Failure]:
    for event in book.notices:
        if isinstance(event, LaneTaskError) and event.lock_timeout is not None:
            source = "session lane" if event.session_key else "other lane"
            yield _Failure(event.at, source, event.lock_timeout)
        elif isinstance(event, LockBlocked):
            yield _Failure(event.at, "line", event.lock_timeout)
    for run in book.runs.values():
        for fact in run.facts if run.lock_timeouts else ():
            if isinstance(fact, (ModelFallbackDecision, FailoverDecision, LockBlocked)) and fact.lock_timeout:
                yield _Failure(fact.at, type(fact).__name__, fact.lock_timeout)


def _callers(failures: list[_Failure]) -> list[tuple[_Failure, int]]:
    """Join the lines that tell of the same callers: as many callers as the most telling kind of line counts."""
    callers: list[tuple[_Failure, int]] = []
    group: list[_Failure] = []
    for failure in [*failures, None]:
        if group and (failure is None or failure.at - group[0].at > SAME_CALLER_S):
            sources = [f.source for f in group]
            callers.append((group[0], max(sources.count(source) for source in sources)))
            group = []
        if failure is not None:
            group.append(failure)
    return callers
