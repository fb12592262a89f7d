"""What happened beside the attempts, in order of time: who waited or was refused, what OpenClaw said and did about it.

What several lines tell at once is told once, and a happening that goes on is one with its number. Nothing is joined
by guessing: a run stood before a caller only where both are known to be of one session.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from lockdeck.backend.model.runs.events import About, Event, LaneTaskError, LaneWait
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.history import OccupationEnd, PastOccupation
from lockdeck.backend.model.runs.past.happenings import Ongoing, kind_of
from lockdeck.backend.model.runs.past.sessions import SessionFinder, SessionRef
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.runs.trace_joins import is_of_trace, unnamed
from lockdeck.backend.model.words import time_taken, times

SAME_MOMENT_S = 0.5
"""The lines about the end of one attempt, and those of both lanes, stand within this many seconds."""
OCCUPIED = "occupied"
_ENDS = {
    OccupationEnd.WENT_ON: "the run went on later",
    OccupationEnd.LOG_ENDS: "the log ends before its end",
}


class Happening(Struct, frozen=True):
    """One thing that happened to a session, a lock or a gateway, `count` times from `at` to `until` (moments).

    `kind` is as in the counts, or `occupied` for the attempts of a run; `sentence` is that of the last time. `run_id` is
    the run it happened to, `before_run` the one that had the session of a caller; `source` its log, where there are several.
    """

    at: float
    until: float
    kind: str
    sentence: str
    subject: SessionRef = SessionRef()
    run_id: str | None = None
    before_run: str | None = None
    bad: bool = False
    count: int = 1
    source: str | None = None


def timeline_of(
    book: RunBook, keys: Mapping[str, str], occupations: Sequence[PastOccupation]
) -> tuple[Happening, ...]:
    """Return all happenings of one source, the oldest first; its `occupations` stand among them."""
    subjects = SessionFinder(keys)
    happenings: list[Ongoing] = []
    latest: dict[str | None, Ongoing] = {}
    for event, run in _visible(book):
        subject = subjects.of(event, run)
        ongoing = latest.get(subject.name)
        if ongoing is None or not ongoing.goes_on(event):
            ongoing = latest[subject.name] = Ongoing(kind_of(event), event.at, event.at)
            happenings.append(ongoing)
        ongoing.add(event, _named(run), subject)
    by_session = _by_session(occupations)
    told = [_happening(ongoing, by_session.get(ongoing.subject.name, ())) for ongoing in happenings]
    told += [_occupied(past) for past in occupations]
    return tuple(sorted(told, key=lambda h: (h.at, h.subject.name or "", h.kind, h.sentence)))


def _named(run: Run | None) -> str | None:
    return None if run is None or is_of_trace(run.run_id) else run.run_id


def _visible(book: RunBook) -> Iterator[tuple[Event, Run | None]]:
    """Yield in order what no attempt tells of, each with its run."""
    pairs = [(fact, run) for run in book.runs.values() for fact in run.facts]
    loose = [*book.notices, *unnamed(book.waiting, book.traces), *book.refused_starts]
    everything: list[tuple[Event, Run | None]] = [*pairs, *((event, None) for event in loose)]
    everything.sort(key=lambda pair: (pair[0].at, pair[0].handling.order, repr(pair[0])))
    ends = sorted(a.ended_at for run in book.runs.values() for a in run.attempts if a.ended_at is not None)
    lanes = _lanes(event for event in loose if isinstance(event, LaneWait | LaneTaskError))
    for event, run in everything:
        if not _is_told_elsewhere(event, ends, lanes):
            yield event, run


def _is_told_elsewhere(event: Event, attempt_ends: Sequence[float], lanes: Mapping[str, list[float]]) -> bool:
    if isinstance(event, LaneWait | LaneTaskError) and event.session_key is None:
        of_session = lanes.get(event.sentence(), ())
        if _is_near(of_session, event.at):
            return True
    if event.lock_timeouts or event.caller_failure() is not None:
        return False
    if isinstance(event, LaneTaskError):
        return _is_near(attempt_ends, event.at)
    return event.handling.of_attempt or event.handling.about is About.TRACE


def _lanes(events: Iterable[LaneWait | LaneTaskError]) -> dict[str, list[float]]:
    """Return when the lanes of sessions told something, by its sentence: the lane of all sessions repeats it."""
    by_sentence: dict[str, list[float]] = {}
    for event in sorted(events, key=lambda event: event.at):
        if event.session_key is not None:
            by_sentence.setdefault(event.sentence(), []).append(event.at)
    return by_sentence


def _is_near(moments: Sequence[float], at: float) -> bool:
    """Return whether one of the sorted moments is close to another moment."""
    place = bisect_left(moments, at - SAME_MOMENT_S)
    return place < len(moments) and moments[place] <= at + SAME_MOMENT_S


def _by_session(occupations: Iterable[PastOccupation]) -> dict[str | None, list[PastOccupation]]:
    by_session: dict[str | None, list[PastOccupation]] = {}
    for past in occupations:
        if past.session_key or past.session_id:
            by_session.setdefault(past.session_key or past.session_id, []).append(past)
    return by_session


def _happening(ongoing: Ongoing, occupations: Sequence[PastOccupation]) -> Happening:
    before = None
    if ongoing.waits_for_session:
        begin = ongoing.at - ongoing.waited_s - SAME_MOMENT_S
        runs = (p.run_id for p in reversed(occupations) if p.since <= ongoing.until and p.until >= begin)
        before = next((run_id for run_id in runs if run_id not in ongoing.run_ids), None)
    return Happening(
        at=ongoing.at,
        until=ongoing.until,
        kind=ongoing.kind,
        sentence=ongoing.sentence,
        subject=ongoing.subject,
        run_id=next(iter(ongoing.run_ids)) if len(ongoing.run_ids) == 1 else None,
        before_run=before,
        bad=ongoing.bad,
        count=ongoing.count,
    )


def _occupied(past: PastOccupation) -> Happening:
    timeouts = sum(attempt.by_timeout for attempt in past.attempts)
    lasted = time_taken(None if past.ms is None else past.ms / 1000, assumed=past.since_assumed)
    end = past.outcome.value if past.outcome else _ENDS.get(past.ending, "end not logged")
    return Happening(
        at=past.since,
        until=past.until,
        kind=OCCUPIED,
        sentence=f"occupied for {lasted}: {times(len(past.attempts), 'attempt')}, {timeouts} by timeout; {end}",
        subject=SessionRef(past.session_key, past.session_id),
        run_id=past.run_id,
    )
