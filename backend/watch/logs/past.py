"""Logs of the past, read in one pass over each: what each of them tells, and what could not be read."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import count

from msgspec import Struct, field

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.runs.fold import Limits, RunBook, fold_all
from lockdeck.backend.openclaw.log.inputs.collection import Collection, LogSet
from lockdeck.backend.openclaw.log.inputs.opening import OpenInput
from lockdeck.backend.openclaw.log.inputs.reading import SetReader
from lockdeck.backend.openclaw.log.inputs.words import is_stdin, label
from lockdeck.backend.openclaw.log.scan import NO_LOG_FILE, LineCounts

BATCH = 4096
"""Events folded at once."""


class ReadingProgress(Struct, frozen=True):
    """How far the reading is: the file that is read, bytes of all files, and how many there are where that is known."""

    path: str
    done: int
    total: int | None


class PastLogs(Struct):
    """What was read: a book for each log and the last moments that it tells, counts for each file that is a log.

    `left_out` files are no logs although a folder or a pattern led to them. `interrupted`: somebody pressed ctrl+c, as who
    reads a pipe that goes on has to.
    """

    limits: Limits
    problems: list[str]
    left_out: int
    books: dict[str, RunBook] = field(default_factory=dict)
    ends: dict[str, tuple[float, ...]] = field(default_factory=dict)
    lines: dict[str, LineCounts] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    interrupted: bool = False


def read_past(
    collection: Collection, limits: Limits, report: Callable[[ReadingProgress], None] | None = None
) -> PastLogs:
    """Read all logs of a collection; `report` is told how far it is."""
    past = PastLogs(limits, list(collection.problems), collection.left_out)
    pass_ = _Pass(past, collection, report)
    for log in collection.sets:
        if not past.interrupted:
            pass_.read(log)
    return past


class _Pass:
    """One pass over the logs."""

    def __init__(
        self, past: PastLogs, collection: Collection, report: Callable[[ReadingProgress], None] | None
    ) -> None:
        self._past = past
        self._searched = collection.searched
        self._report = report
        self._done = 0
        self._numbers = count()
        self._total = _total(path for log in collection.sets for path in log.paths)

    def read(self, log: LogSet) -> None:
        """Read the files of one log; what could be read before a fault counts."""
        reader, folding = SetReader(self._numbers), _Folding(self._past)
        for path in log.paths:
            events, counts = self._past.kinds.total(), LineCounts()
            try:
                with closing(OpenInput(path)) as source:
                    folding.take(reader.read(source, counts, self._note(path)))
                    if path == log.paths[-1]:
                        folding.take(reader.finish())
                    self._done += source.done
                if source.problem:
                    self._past.problems.append(f"{label(path)} {source.problem}")
                    if not counts.bytes:
                        continue
            except OSError as error:
                self._past.problems.append(f"{label(path)} can't be read: {error.strerror or error}")
                folding.take(reader.finish())
                if not counts.lines:
                    continue
            except KeyboardInterrupt:
                self._past.interrupted = True
                self._past.problems.append(f"interrupted in {label(path)}: what was read before is told")
                folding.take(reader.finish())
            self._judge(path, counts, self._past.kinds.total() > events)
            if self._past.interrupted:
                break
        self._past.books[log.name], self._past.ends[log.name] = folding.book, reader.ends

    def _judge(self, path: str, counts: LineCounts, tells: bool) -> None:
        if tells or counts.of_log:
            self._past.lines[path] = counts
        elif path in self._searched:
            self._past.left_out += 1
        else:
            self._past.problems.append(f"{label(path)} is {NO_LOG_FILE}")

    def _note(self, path: str) -> Callable[[int], None]:
        def note(done: int) -> None:
            if self._report is not None:
                self._report(ReadingProgress(path, self._done + done, self._total))

        return note


class _Folding:
    """The book of one log, to which events are added as they are read."""

    def __init__(self, past: PastLogs) -> None:
        self._past = past
        self.book = RunBook(limits=past.limits)

    def take(self, events: Iterable[Event]) -> None:
        """Fold events, many at once. Raises what reading them raises, after those read before."""
        batch: list[Event] = []
        try:
            for event in events:
                batch.append(event)
                if len(batch) >= BATCH:
                    self._fold(batch)
                    batch = []
        finally:
            self._fold(batch)

    def _fold(self, batch: list[Event]) -> None:
        self._past.kinds.update(name for event in batch for name in kinds_of(event))
        self.book = fold_all(self.book, batch)


def kinds_of(event: Event) -> Iterator[str]:
    """Name the kind of an event, in OpenClaw's own words; a line that names a lock timeout is that as well."""
    yield event.counted_as
    if event.lock_timeouts:
        yield "lines naming a lock timeout"


def _total(paths: Iterable[str]) -> int | None:
    """Return the bytes of all files, None where one is a pipe."""
    total = 0
    for path in paths:
        try:
            status = os.fstat(0) if is_stdin(path) else os.stat(path)
        except (OSError, ValueError):
            continue
        if not stat.S_ISREG(status.st_mode):
            return None
        total += status.st_size
    return total
