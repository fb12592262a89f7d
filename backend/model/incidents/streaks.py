"""Streaks: failed calls on one provider (or one model of it) that no answer of it has interrupted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from msgspec import Struct

from lockdeck.backend.model.identity import Identity
from lockdeck.backend.model.incidents.calls import Call
from lockdeck.backend.model.moments import same_scale

GAP_S = 120.0
"""Failures with more time (seconds) between them, in which nobody asked, are not of one streak: nobody knows what was then."""
FEW = 2
"""So few failures are a claim only where they overlap: two sessions that wait in vain at the same time."""


class Streak(Struct, frozen=True):
    """Failed calls in the order of their begin. `answered_at`: the answer that ended it, None where none is known."""

    failures: tuple[Call, ...]
    answered_at: float | None = None

    @property
    def since(self) -> float:
        """The begin of the first call."""
        return min(call.begins for call in self.failures)

    @property
    def until(self) -> float:
        """The end of the last one."""
        return max(call.ended_at or call.begins for call in self.failures)

    @property
    def sessions(self) -> frozenset[Identity]:
        """The sessions whose calls failed."""
        return frozenset(call.session for call in self.failures)

    @property
    def is_claim(self) -> bool:
        """Return whether it says more than that one session fails."""
        if len(self.sessions) < 2:
            return False
        if len(self.failures) > FEW:
            return True
        first, second = self.failures
        return second.begins < (first.ended_at or first.begins)


def streaks_of(calls: Iterable[Call]) -> Iterator[Streak]:
    """Yield the streaks of calls on one subject, oldest first. A call during which another was answered counts for nothing."""
    calls = tuple(calls)
    answers = sorted(call.ended_at for call in calls if call.answered and call.ended_at is not None)
    failures = sorted((call for call in calls if call.failed), key=_order)
    streak: list[Call] = []
    answered, reach = 0, 0.0
    for call in failures:
        ended_at = call.ended_at if call.ended_at is not None else call.begins
        before = bisect_right(answers, call.begins)
        if bisect_left(answers, ended_at) > before:
            continue
        if streak and (before != answered or not follows(call.begins, reach)):
            yield Streak(tuple(streak), _at(answers, answered))
            streak = []
        reach = max(reach, ended_at) if streak else ended_at
        answered = before
        streak.append(call)
    if streak:
        yield Streak(tuple(streak), _at(answers, answered))


def _order(call: Call) -> tuple[float, float, Identity]:
    return (call.begins, call.ended_at or call.begins, call.session)


def follows(begins: float, reach: float) -> bool:
    """Return whether a call that begins at one moment goes on with a streak that reaches to another."""
    return same_scale(begins, reach) and begins - reach <= GAP_S


def _at(answers: list[float], index: int) -> float | None:
    return answers[index] if index < len(answers) else None
