"""Callers that failed on a session's lock or waited in its lane, counted from what the log tells of them.

A caller is one run, however many of its candidates failed, or one message that waited in the lane.  A local
agent uses its session id as run id each time: each life of such a run is a caller.  Lines that no run explains
(lane errors, and errors that quote a lock timeout) are counted by time: those within half a second of each
other tell of as many callers as the most telling kind of line counts, and a lane's task that began when
another failed is that caller's next candidate.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from lockdeck.backend.model.runs.events import CallerFailure, LaneWait
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.records import NOBODY_BLOCKED, Blocked
from lockdeck.backend.model.runs.run import Run, all_lives
from lockdeck.backend.model.words import duration, held_by, times

SAME_CALLER_S = 0.5
"""One failed candidate writes up to three lines (lane main, lane session, candidate) within this many seconds."""


def failures_by_subject(book: RunBook) -> dict[str, tuple[CallerFailure, ...]]:
    """Return what was told of failed callers, by lock path, else by session key, oldest first; for `blocked_on`."""
    by_subject: dict[str, list[CallerFailure]] = {}
    named = (failure for run in book.runs.values() for failure in failures_of(run))
    for failure in (*_unnamed(book), *named):
        if failure.subject is not None:
            by_subject.setdefault(failure.subject, []).append(failure)
    return {
        subject: tuple(sorted(failures, key=lambda f: (f.at, f.source)))
        for subject, failures in by_subject.items()
    }


def waits_by_key(book: RunBook) -> dict[str, tuple[LaneWait, ...]]:
    """Return the messages that waited behind another, by session key, oldest first."""
    by_key: dict[str, list[LaneWait]] = {}
    for event in book.notices:
        if isinstance(event, LaneWait) and event.session_key:
            by_key.setdefault(event.session_key, []).append(event)
    return {key: tuple(waits) for key, waits in by_key.items()}


def blocked_on(
    failures: Iterable[CallerFailure] = (), waits: Iterable[LaneWait] = (), since: float | None = None
) -> Blocked:
    """Count the callers of one session since a time (epoch seconds), usually the start of its occupation."""
    failed = [failure for failure in failures if since is None or failure.at >= since]
    waited = [wait for wait in waits if since is None or wait.at >= since]
    if not failed and not waited:
        return NOBODY_BLOCKED
    callers, candidates = callers_in(failed)
    sentences = _failed_sentences(failed, callers, candidates) if failed else []
    if waited:
        longest = max(wait.waited_ms or 0 for wait in waited)
        sentences.append(
            f"{times(len(waited), 'message')} waited in the lane, up to {duration(longest / 1000)}"
        )
    last = max([failure.at for failure in failed] + [wait.at for wait in waited])
    return Blocked(callers + len(waited), last, tuple(sentences))


def callers_in(failed: Sequence[CallerFailure]) -> tuple[int, int]:
    """Count the callers that some lines tell of, and the candidates of those runs that are named."""
    candidates = _candidates(failed)
    callers = len({candidate.caller for candidate in candidates})
    return callers + _unexplained(failed, candidates), len(candidates)


def _failed_sentences(failed: Sequence[CallerFailure], callers: int, candidates: int) -> list[str]:
    holder = held_by(failure.timeout.pid for failure in failed if failure.timeout is not None)
    sentences = [f"{times(callers, 'caller')} failed on the lock{holder}"]
    if candidates > 1:
        sentences.append(
            f"{times(candidates, 'candidate')} failed on one lock{holder}: these are no failures of a model"
        )
    return sentences


def _candidates(failed: Sequence[CallerFailure]) -> list[CallerFailure]:
    """Return one line for each candidate that failed, of the runs that are named."""
    last: dict[str, CallerFailure] = {}
    candidates = []
    for failure in failed:
        if failure.caller is None:
            continue
        previous = last.get(failure.caller)
        if previous is None or not _same_candidate(previous, failure):
            candidates.append(failure)
        last[failure.caller] = failure
    return candidates


def _same_candidate(previous: CallerFailure, failure: CallerFailure) -> bool:
    if None not in (previous.number, failure.number) and previous.number != failure.number:
        return False
    return failure.at - previous.at <= SAME_CALLER_S


def _unexplained(failed: Sequence[CallerFailure], candidates: Sequence[CallerFailure]) -> int:
    """Count the callers that only lines without a run tell of: each candidate explains one line of each kind."""
    ends = [failure.at for failure in failed]
    unexplained: list[CallerFailure] = []
    for source in {failure.source for failure in failed if failure.caller is None}:
        free = [candidate.at for candidate in candidates]
        for failure in failed:
            if failure.caller is not None or failure.source != source or _goes_on(failure, ends):
                continue
            nearest = bisect_left(free, failure.at - SAME_CALLER_S)
            if nearest < len(free) and free[nearest] <= failure.at + SAME_CALLER_S:
                del free[nearest]
            else:
                unexplained.append(failure)
    return _by_time(sorted(unexplained, key=lambda failure: failure.at))


def _goes_on(failure: CallerFailure, ends: Sequence[float]) -> bool:
    """Return whether a lane's task began when another failed: then it is the next candidate of the same caller.

    The second task was seen to begin 9 ms after the decision on the first (2026.4.5).
    """
    if failure.began is None:
        return False
    nearest = bisect_left(ends, failure.began - SAME_CALLER_S)
    return nearest < len(ends) and ends[nearest] <= failure.began


def _by_time(failures: Iterable[CallerFailure]) -> int:
    groups: list[list[CallerFailure]] = []
    for failure in failures:
        if not groups or failure.at - groups[-1][0].at > SAME_CALLER_S:
            groups.append([])
        groups[-1].append(failure)
    return sum(max(Counter(failure.source for failure in group).values()) for group in groups)


def _unnamed(book: RunBook) -> Iterator[CallerFailure]:
    return (failure for event in book.notices if (failure := event.caller_failure()) is not None)


def failures_of(run: Run) -> Iterator[CallerFailure]:
    """Yield what was told of a run's own failures to get its session, with the run and its life as the caller."""
    failures = [failure for fact in run.facts if (failure := fact.caller_failure()) is not None]
    if not failures:
        return
    ends = [life.ended_at for life in all_lives(run)[:-1] if life.ended_at is not None]
    for failure in failures:
        yield replace(failure, caller=f"{run.run_id} {bisect_left(ends, failure.at)}")
