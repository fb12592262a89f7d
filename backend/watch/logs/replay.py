"""Past rotations rebuilt from log files: one pass over each, in bounded memory."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from lockdeck.backend.model.runs.events import Event, FailoverDecision, GatewayRefused
from lockdeck.backend.model.runs.fix import would_stop
from lockdeck.backend.model.runs.fold import PAST, RunBook, fold_all
from lockdeck.backend.model.runs.history import PastOccupation, occupations_from_runs
from lockdeck.backend.model.runs.joins import key_of, session_keys, unjoined
from lockdeck.backend.model.runs.rotation import lock_failure_sentence
from lockdeck.backend.model.runs.run import Run, all_lives
from lockdeck.backend.model.wire import iso
from lockdeck.backend.openclaw.log.scan import LineCounts
from lockdeck.backend.openclaw.log.stream import read_events

BATCH = 4096
"""Events folded at once."""


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

    `lines` are per file, without those that are no log; `kinds` counts the events by what they are; `unjoined` lines name no run;
    `refused_starts` are the newest gateways that were refused; `problems` say which file could not be read
    and why, and from when on what is told is whole.
    """

    lines: dict[str, LineCounts]
    kinds: dict[str, int]
    runs: tuple[PastRun, ...]
    occupations: tuple[PastOccupation, ...]
    unjoined: int
    problems: tuple[str, ...]
    refused_starts: tuple[GatewayRefused, ...] = ()

    @property
    def totals(self) -> LineCounts:
        """Counts of all files together."""
        totals = LineCounts()
        for counts in self.lines.values():
            totals.add(counts)
        return totals


def replay(paths: Sequence[str]) -> Replay:
    """Read the files in the order given (time orders the events) and rebuild runs and occupations.

    A file that is given twice, under whatever name, is read once.
    """
    book, kinds = RunBook(limits=PAST), Counter[str]()
    lines: dict[str, LineCounts] = {}
    problems: list[str] = []
    for path in _each_once(paths):
        counts, events = LineCounts(), kinds.total()
        lines[path] = counts
        try:
            for batch in _batches(read_events(path, counts)):
                kinds.update(name for event in batch for name in kinds_of(event))
                book = fold_all(book, batch)
        except OSError as error:
            del lines[path]
            problems.append(f"{path} can't be read: {error.strerror or error}")
        else:
            if kinds.total() == events and not counts.of_log:
                del lines[path]
                problems.append(f"{path} is no log: no line has a time or a tag in front, or is a record")
    keys = session_keys(book, {})
    runs = [life for run in book.runs.values() for life in all_lives(run)]
    past = [PastRun(run, key_of(run, keys), _decisions(run), lock_failure_sentence(run)) for run in runs]
    if book.forgotten_at is not None:
        problems.append(
            f"the logs tell more than is kept at once ({PAST.runs} runs): what happened before "
            f"{iso(book.forgotten_at)} is not complete; give fewer logs to see it whole"
        )
    return Replay(
        lines=lines,
        kinds=dict(sorted(kinds.items())),
        runs=tuple(sorted(past, key=lambda p: (p.run.facts[0].at if p.run.facts else 0.0, p.run.run_id))),
        occupations=occupations_from_runs(book),
        unjoined=len(unjoined(book)),
        problems=tuple(problems),
        refused_starts=book.refused_starts,
    )


def _each_once(paths: Iterable[str]) -> list[str]:
    """Return the paths without further names of the same files."""
    by_file: dict[str, str] = {}
    for path in paths:
        by_file.setdefault(os.path.realpath(path), path)
    return list(by_file.values())


def kinds_of(event: Event) -> Iterator[str]:
    """Name the kind of an event, in OpenClaw's own words; a line that names a lock timeout is that as well."""
    yield event.counted_as
    if event.lock_timeouts:
        yield "lines naming a lock timeout"


def _decisions(run: Run) -> tuple[Decision, ...]:
    return tuple(Decision(event, would_stop(event)) for event in run.decisions)


def _batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    batch: list[Event] = []
    for event in events:
        batch.append(event)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
