"""Past rotations rebuilt from logs: one pass over each, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.cancel import LATE_S, Cancel
from lockdeck.backend.model.incidents.past import happening_of, past_incidents
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.moments import LogEnd, is_dated, iso
from lockdeck.backend.model.runs.events import FailoverDecision, GatewayRefused
from lockdeck.backend.model.runs.fix import would_stop
from lockdeck.backend.model.runs.fold import PAST, RunBook
from lockdeck.backend.model.runs.history import PastOccupation, occupations_from_runs
from lockdeck.backend.model.runs.joins import key_of, session_keys, unjoined
from lockdeck.backend.model.runs.life import RunOutcome
from lockdeck.backend.model.runs.past.timeline import Happening, timeline_of
from lockdeck.backend.model.runs.rotation import kept_out_sentence
from lockdeck.backend.model.runs.run import Run, all_lives
from lockdeck.backend.model.runs.selection import Selection
from lockdeck.backend.model.runs.sources import LogSource, events_of, sources_of
from lockdeck.backend.openclaw.log.inputs.collection import collect
from lockdeck.backend.openclaw.log.scan import LineCounts
from lockdeck.backend.watch.logs.past import PastLogs, ReadingProgress, kinds_of, read_past
from lockdeck.backend.watch.logs.told_apart import told_apart

EVERYTHING = Selection()
NO_CANCELS: Mapping[str, Cancel] = {}


class Decision(Struct, frozen=True):
    """One logged decision, and whether the fix of openclaw#62351 would have ended the run instead."""

    event: FailoverDecision
    fix_would_stop: bool


class PastRun(Struct, frozen=True):
    """One run of the past with its session, where the log or nothing tells it.

    `locked` says how many candidates failed on a lock and who held it; None where none did.
    """

    run: Run
    session_key: str | None
    decisions: tuple[Decision, ...]
    locked: str | None = None


class Replay(Struct, frozen=True):
    """The past as log files tell it.

    `timeline` holds what happened beside the attempts, and the occupations among it; it and the runs are whole since
    `whole_since` (a moment), None where nothing had to be left out.

    `lines` are per file, without those that are no log, `left_out` of which were met in folders; `kinds` counts the
    events by what they are; `unjoined` lines name no run; `refused_starts` are the newest gateways that were
    refused; `sources` are the logs, by the OpenClaw that wrote them, as far as the ids in them tell, and `names` that of
    each run's, where there are several; `cancels` are ours, by run id; `problems` say which file could not be read and why, and from when on what is
    told is whole. `interrupted`: not all was read. `incidents` are what several sessions had
    in common, oldest first.
    """

    lines: dict[str, LineCounts]
    kinds: dict[str, int]
    runs: tuple[PastRun, ...]
    occupations: tuple[PastOccupation, ...]
    unjoined: int
    problems: tuple[str, ...]
    refused_starts: tuple[GatewayRefused, ...] = ()
    left_out: int = 0
    interrupted: bool = False
    sources: tuple[LogSource, ...] = ()
    timeline: tuple[Happening, ...] = ()
    whole_since: float | None = None
    names: Mapping[str, str] = {}
    cancels: Mapping[str, Cancel] = {}
    incidents: tuple[Incident, ...] = ()

    @property
    def totals(self) -> LineCounts:
        """Counts of all files together."""
        totals = LineCounts()
        for counts in self.lines.values():
            totals.add(counts)
        return totals

    def cancel_of(self, run: Run | PastOccupation) -> Cancel | None:
        """Return our cancel of a run, or of what it occupied; None of a run that went on, or had its answer."""
        cancel = self.cancels.get(run.run_id)
        # A local run has its session's id as its own, each time.
        if cancel is None or run.outcome is RunOutcome.OK or run.run_id == run.session_id:
            return None
        at = run.last_activity if isinstance(run, Run) else run.until
        return cancel if is_dated(at) and at <= cancel.at + LATE_S else None

    def source_of(self, run_id: str) -> str | None:
        """Return the name of the source of a run; None where there is only one source."""
        return self.names.get(run_id)


def replay(
    words: Iterable[str],
    selection: Selection = EVERYTHING,
    report: Callable[[ReadingProgress], None] | None = None,
    cancels: Mapping[str, Cancel] = NO_CANCELS,
) -> Replay:
    """Read the logs that the words mean (time orders the events) and rebuild runs and occupations, source by source.

    All is read, whatever the `selection`: what is told of it is as true as without. `report` is told how far the
    reading is. `cancels` are those of ours, by run id: such a run was aborted, whatever its last line.
    """
    return _rebuilt(read_past(collect(words), PAST, report), selection, cancels)


def _rebuilt(past: PastLogs, selection: Selection, cancels: Mapping[str, Cancel]) -> Replay:
    """Rebuild what logs tell, source by source."""
    sources = sources_of(past.books)
    forgotten = [source.book.forgotten_at for source in sources if source.book.forgotten_at is not None]
    past.problems += _problems(sources, forgotten)
    parts = [_part(source.book, selection, _ends(source, past)) for source in sources]
    runs = [run for part in parts for run in part.runs]
    occupations = [occupation for part in parts for occupation in part.occupations]
    refused = [start for part in parts for start in part.refused_starts]
    incidents = _incidents(sources, selection)
    kinds = sum((part.kinds for part in parts), Counter[str]()) if selection else past.kinds
    return Replay(
        lines=past.lines,
        kinds=dict(sorted(kinds.items())),
        runs=tuple(sorted(runs, key=lambda p: (p.run.facts[0].at if p.run.facts else 0.0, p.run.run_id))),
        occupations=tuple(sorted(occupations, key=lambda past: (past.since, past.run_id))),
        unjoined=sum(part.unjoined for part in parts),
        problems=tuple(past.problems),
        refused_starts=tuple(sorted(refused, key=lambda start: start.at)),
        left_out=past.left_out,
        interrupted=past.interrupted,
        sources=sources,
        timeline=_timeline(sources, parts, incidents),
        whole_since=max(forgotten, default=None),
        names=_names_by_run(sources),
        cancels=cancels,
        incidents=incidents,
    )


def _problems(sources: Sequence[LogSource], forgotten: Sequence[float]) -> Iterator[str]:
    """Yield why what is told may not be all, or too much."""
    for at in forgotten:
        yield _not_whole(at)
    for source in sources:
        yield from told_apart(source)


def _incidents(sources: Sequence[LogSource], selection: Selection) -> tuple[Incident, ...]:
    """Return what all sessions tell together, as far as it concerns the selection."""
    found = past_incidents({source.name: source.book for source in sources}) if selection.run is None else ()
    return tuple(
        incident
        for incident in found
        if selection.session in (None, *incident.sessions)
        and selection.takes_time(incident.since or 0.0, incident.until or incident.since or 0.0)
    )


def _timeline(
    sources: Sequence[LogSource], parts: Sequence[_Part], incidents: Iterable[Incident]
) -> tuple[Happening, ...]:
    """Put the timelines of all sources together, each happening with its source where there are several."""
    several = len(sources) > 1
    happenings = [
        replace(happening, source=source.name) if several else happening
        for source, part in zip(sources, parts, strict=True)
        for happening in part.timeline
    ]
    return tuple(sorted([*map(happening_of, incidents), *happenings], key=lambda happening: happening.at))


class _Part(Struct):
    """What one source tells of a selection."""

    runs: list[PastRun]
    occupations: list[PastOccupation]
    refused_starts: list[GatewayRefused]
    unjoined: int
    kinds: Counter[str]
    timeline: list[Happening]


def _names_by_run(sources: Sequence[LogSource]) -> dict[str, str]:
    """Return the name of the source of each run, where there are several."""
    apart = sources if len(sources) > 1 else ()
    return {run_id: source.name for source in apart for run_id in source.book.runs}


def _ends(source: LogSource, past: PastLogs) -> list[LogEnd]:
    return [
        reduce(
            lambda moved, shift: replace(moved, moment=shift.of(moved.moment)),
            source.moved.get(part, ()),
            end,
        )
        for part in source.parts
        for end in past.ends[part]
    ]


def _part(book: RunBook, selection: Selection, log_ends: Sequence[LogEnd]) -> _Part:
    keys = session_keys(book, {})
    lives = [(life, key_of(life, keys)) for run in book.runs.values() for life in all_lives(run)]
    starts, loose = ((), ()) if selection.of_one else (book.refused_starts, unjoined(book))
    occupations = occupations_from_runs(book, log_ends=log_ends)
    events = (event for event in events_of(book) if selection.takes_event(event, book.runs, keys))
    return _Part(
        runs=[
            PastRun(life, key, _decisions(life), kept_out_sentence(life))
            for life, key in lives
            if selection.takes_run(life, key)
        ],
        occupations=[
            past
            for past in occupations
            if selection.names(past.run_id, past.session_id, past.session_key)
            and selection.takes_time(past.since, past.until)
        ],
        refused_starts=[start for start in starts if selection.takes_time(start.at, start.at)],
        unjoined=sum(selection.takes_time(event.at, event.at) for event in loose),
        kinds=Counter(name for event in events for name in kinds_of(event)) if selection else Counter(),
        timeline=[h for h in timeline_of(book, keys, occupations) if _takes(selection, h)],
    )


def _takes(selection: Selection, happening: Happening) -> bool:
    """Return whether a happening is told: also of the callers that a meant run has kept waiting."""
    subject = happening.subject
    runs = (happening.run_id or "", happening.before_run or "")
    meant = any(selection.names(run_id, subject.session_id, subject.session_key) for run_id in runs)
    return meant and selection.takes_time(happening.at, happening.until)


def _decisions(run: Run) -> tuple[Decision, ...]:
    return tuple(Decision(event, would_stop(event)) for event in run.decisions)


def _not_whole(moment: float) -> str:
    date = iso(moment)
    before = f"happened before {date}" if date else "stands first in logs without a date"
    kept = f"{PAST.runs} runs, {PAST.facts} events of each, {PAST.notices} beside them, {PAST.refused_starts} refused starts"
    more = f"the logs tell more than is kept at once ({kept})"
    return f"{more}: what {before} is not complete; give fewer logs to see it whole"
