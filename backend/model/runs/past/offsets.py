"""Two logs of one gateway whose clocks are apart: by how much, as the decisions tell that both of them hold.

A run's id is its own, and what OpenClaw decides on its attempts does not come again within it. So where two logs tell the
same decisions of the same runs, by the same time apart, each of them was made once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from msgspec import Struct

from lockdeck.backend.model.moments import Telling, same_scale, telling_of
from lockdeck.backend.model.runs.events import Event, FailoverDecision, ModelFallbackDecision
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.life import RETRY
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.runs.sorted_facts import TOLD_AGAIN_S, are_alike, is_record

SAME_OFFSET_S = 2.0
"""Tellings of two logs are apart by the same time, within so many seconds."""
ENOUGH = 2
"""So many decisions that differ have to be told by both: a single one may look like another."""
MOST_RUNS = 20
MOST_DECISIONS = 64
"""Runs, and decisions of each, by which two logs are compared: more tell nothing else."""

_Decisions = Sequence[Event]
_Pair = tuple[Event, Event]


class ClockShift(Struct, frozen=True):
    """Seconds that are added to the times of one clock, of which `moment` is one."""

    moment: float
    seconds: float

    def of(self, moment: float) -> float:
        """Return a moment as the other clock tells it, to the millisecond, which is all that lines tell; others as they are."""
        return round(moment + self.seconds, 3) if same_scale(moment, self.moment) else moment

    @property
    def back(self) -> ClockShift:
        """What puts the times of the other clock to this one."""
        return ClockShift(self.of(self.moment), -self.seconds)


def shift_to(one: RunBook, other: RunBook) -> ClockShift | None:
    """Return what puts the times of a book to the clock of another one, by what both tell; None where that is not known.

    None also where they are no further apart than a record and the console's words for it may be.
    """
    runs = list(_common(one, other))
    best: Sequence[_Pair] = ()
    for candidate in sorted(set(_candidates(runs)), key=abs):
        pairs = _pairs(runs, candidate)
        if len(pairs) > len(best):
            best = pairs
    if not best:
        return None
    seconds = median(same.at - event.at for event, same in best)
    return ClockShift(best[0][0].at, seconds) if abs(seconds) > TOLD_AGAIN_S else None


def told_again(one: RunBook, other: RunBook) -> Iterator[Event]:
    """Yield what a book tells without any time of the runs of which another book tells the same, with times.

    Of such a run the other has to tell every decision, in the same order.
    """
    for run_id in one.runs.keys() & other.runs.keys():
        facts = [fact for fact in one.runs[run_id].facts if telling_of(fact.at) is Telling.ORDER]
        timed = [fact for fact in other.runs[run_id].facts if telling_of(fact.at) is not Telling.ORDER]
        if facts and timed and _are_in(_decisions(facts), _decisions(timed)):
            yield from (fact for fact in facts if any(are_alike(fact, same) for same in timed))


def _are_in(decisions: _Decisions, others: _Decisions) -> bool:
    """Return whether enough decisions stand among others in their order."""
    left = iter(others)
    pairs = [(event, same) for event in decisions if (same := _next_like(event, left)) is not None]
    return len(pairs) == len(decisions) and _are_enough(pairs)


def _next_like(event: Event, events: Iterator[Event]) -> Event | None:
    return next((same for same in events if are_alike(event, same)), None)


def _common(one: RunBook, other: RunBook) -> Iterator[tuple[_Decisions, _Decisions]]:
    """Yield the decisions of both books on each run that both know."""
    pairs = [
        (_decisions(run.facts), _decisions(other.runs[run_id].facts))
        for run_id, run in sorted(one.runs.items())
        if run_id in other.runs and _is_one_of_its_kind(run, other.runs[run_id])
    ]
    told = sorted(filter(all, pairs), key=lambda pair: -min(map(len, pair)))
    yield from told[:MOST_RUNS]


def _is_one_of_its_kind(run: Run, same: Run) -> bool:
    """Return whether no other run can be meant: a local agent goes by its session's id, each time.

    And where both are told in one form, one after the other, they may be parts of one log, whose retries look alike.
    """
    is_local = run.run_id in (run.session_id, same.session_id)
    if (
        not run.facts
        or not same.facts
        or Telling.ORDER in (telling_of(run.facts[0].at), telling_of(same.facts[0].at))
    ):
        return False
    if not same_scale(run.facts[0].at, same.facts[0].at):
        return not is_local
    if run.facts[0].at <= same.last_activity and same.facts[0].at <= run.last_activity:
        return True
    of_record, of_words = (any(map(is_record, each.facts)) for each in (run, same))
    return of_record is not of_words and not is_local


def _decisions(facts: Sequence[Event]) -> _Decisions:
    decisions = [
        fact
        for fact in facts
        if isinstance(fact, FailoverDecision | ModelFallbackDecision) and fact.decision != RETRY
    ]
    return decisions[-MOST_DECISIONS:]


def _candidates(runs: Sequence[tuple[_Decisions, _Decisions]]) -> Iterator[float]:
    """Yield by how much the books may be apart: where the later one begins, it tells what the other tells too."""
    for one, other in runs:
        yield from (same.at - one[0].at for same in other if are_alike(one[0], same))
        yield from (other[0].at - same.at for same in one if are_alike(other[0], same))


def _pairs(runs: Sequence[tuple[_Decisions, _Decisions]], offset: float) -> Sequence[_Pair]:
    """Return the tellings of the same decisions if the books are so far apart; none where that can't be.

    Each decision that one tells while the other tells any has to be told by that, too.
    """
    pairs: list[_Pair] = []
    for one, other in runs:
        left: list[Event] = list(other)
        for event in one:
            twin = next((same for same in left if _is_twin(event, same, offset)), None)
            if twin is not None:
                left.remove(twin)
                pairs.append((event, twin))
            elif other[0].at + SAME_OFFSET_S < event.at + offset < other[-1].at - SAME_OFFSET_S:
                return ()
        begin, end = one[0].at + offset + SAME_OFFSET_S, one[-1].at + offset - SAME_OFFSET_S
        if any(begin < event.at < end for event in left):
            return ()
    return pairs if _are_enough(pairs) else ()


def _is_twin(event: Event, same: Event, offset: float) -> bool:
    return abs(same.at - event.at - offset) <= SAME_OFFSET_S / 2 and are_alike(event, same)


def _are_enough(pairs: Sequence[_Pair]) -> bool:
    different: list[Event] = []
    for event, _ in pairs:
        if not any(event.run_id == other.run_id and are_alike(event, other) for other in different):
            different.append(event)
            if len(different) >= ENOUGH:
                return True
    return False
