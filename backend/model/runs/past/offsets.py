"""Two logs of one gateway whose clocks are apart: by how much, as the decisions tell that both of them hold.

A run's id is its own, and what OpenClaw decides on its attempts does not come again within it. So where two logs tell the
same decisions of the same runs, by the same time apart, each of them was made once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from msgspec import Struct

from lockdeck.backend.model.moments import Telling, is_dated, same_scale, telling_of
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
MOST_CANDIDATES = 100
"""Runs, decisions of each, and offsets by which two logs are compared: more tell nothing else, and may be hostile."""

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


def shift_to(book: RunBook, reference: RunBook) -> ClockShift | None:
    """Return what puts the times of a book to the clock of another one, by what both tell; None where that is not known.

    None also where they are no further apart than a record and the console's words for it may be.
    """
    runs = list(_common(book, reference))
    best: Sequence[_Pair] = ()
    candidates = {round(seconds, 1) for seconds in _candidates(runs)}
    for candidate in sorted(candidates, key=abs)[:MOST_CANDIDATES]:
        pairs = _pairs(runs, candidate)
        if len(pairs) > len(best):
            best = pairs
    if not best:
        return None
    from statistics import median

    seconds = median(same.at - event.at for event, same in best)
    return ClockShift(best[0][0].at, seconds) if abs(seconds) > TOLD_AGAIN_S else None


def told_by(book: RunBook, reference: RunBook) -> Iterator[Event]:
    """Yield what a book tells of runs that another book of the same clock tells too, and no less fully."""
    for run_id in book.runs.keys() & reference.runs.keys():
        facts = reference.runs[run_id].facts
        for fact in book.runs[run_id].facts:
            low = bisect_left(facts, fact.at - TOLD_AGAIN_S, key=_at)
            high = bisect_right(facts, fact.at + TOLD_AGAIN_S, key=_at)
            if any(are_alike(fact, same) and is_record(same) >= is_record(fact) for same in facts[low:high]):
                yield fact


def _at(event: Event) -> float:
    return event.at


def told_again(book: RunBook, reference: RunBook) -> Iterator[Event]:
    """Yield what a book tells without any time of the runs of which another book tells the same, with times.

    Of such a run the other has to tell every decision, in the same order.
    """
    for run_id in book.runs.keys() & reference.runs.keys():
        if not book.runs[run_id].facts or is_dated(book.runs[run_id].facts[0].at):
            continue  # what has no date stands first
        facts = [fact for fact in book.runs[run_id].facts if telling_of(fact.at) is Telling.ORDER]
        timed = [fact for fact in reference.runs[run_id].facts if telling_of(fact.at) is not Telling.ORDER]
        if facts and timed and _are_in(_decisions(facts), _decisions(timed)):
            yield from (fact for fact in facts if any(are_alike(fact, same) for same in timed))


def _are_in(decisions: _Decisions, every: _Decisions) -> bool:
    """Return whether enough decisions stand among all of them in their order."""
    rest = iter(every)
    pairs = [(event, same) for event in decisions if (same := _next_like(event, rest)) is not None]
    return len(pairs) == len(decisions) and _are_enough(pairs)


def _next_like(event: Event, events: Iterator[Event]) -> Event | None:
    return next((same for same in events if are_alike(event, same)), None)


def _common(book: RunBook, reference: RunBook) -> Iterator[tuple[_Decisions, _Decisions]]:
    """Yield the decisions of both books on each run that both know."""
    pairs = [
        (_decisions(run.facts), _decisions(reference.runs[run_id].facts))
        for run_id, run in sorted(book.runs.items())
        if run_id in reference.runs and _is_one_of_its_kind(run, reference.runs[run_id])
    ]
    yield from sorted(filter(all, pairs), key=lambda pair: -min(map(len, pair)))[:MOST_RUNS]


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
    for moved, still in runs:
        yield from (same.at - moved[0].at for same in still if are_alike(moved[0], same))
        yield from (still[0].at - same.at for same in moved if are_alike(still[0], same))


def _pairs(runs: Sequence[tuple[_Decisions, _Decisions]], offset: float) -> Sequence[_Pair]:
    """Return the tellings of the same decisions if the books are so far apart; none where that can't be.

    Each decision that one tells while the other tells any has to be told by that, too.
    """
    pairs: list[_Pair] = []
    for moved, still in runs:
        rest: list[Event] = list(still)
        for event in moved:
            twin = next((same for same in rest if _is_twin(event, same, offset)), None)
            if twin is not None:
                rest.remove(twin)
                pairs.append((event, twin))
            elif still[0].at + SAME_OFFSET_S < event.at + offset < still[-1].at - SAME_OFFSET_S:
                return ()
        begin, end = moved[0].at + offset + SAME_OFFSET_S, moved[-1].at + offset - SAME_OFFSET_S
        if any(begin < event.at < end for event in rest):
            return ()
    return pairs if _are_enough(pairs) else ()


def _is_twin(event: Event, same: Event, offset: float) -> bool:
    return abs(same.at - event.at - offset) <= SAME_OFFSET_S / 2 and are_alike(event, same)


def _are_enough(pairs: Sequence[_Pair]) -> bool:
    different: list[Event] = []
    for event, _ in pairs:
        if not any(event.run_id == same.run_id and are_alike(event, same) for same in different):
            different.append(event)
            if len(different) >= ENOUGH:
                return True
    return False
