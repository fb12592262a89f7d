"""Logs of the past, read in one pass over each: what each of them tells, and what could not be read."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import count

from msgspec import Struct, field

from lockdeck.backend.model.moments import LogEnd
from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.runs.fold import Limits, RunBook, fold_all
from lockdeck.backend.model.runs.sources import LogPart, merge, origins_apart
from lockdeck.backend.openclaw.log.datings import FURTHER, MOST_ORIGINS, Origins
from lockdeck.backend.openclaw.log.inputs.collection import Collection, LogSet
from lockdeck.backend.openclaw.log.inputs.opening import OpenInput
from lockdeck.backend.openclaw.log.inputs.reading import SetReader
from lockdeck.backend.openclaw.log.inputs.width import broken_at, broken_sentence
from lockdeck.backend.openclaw.log.inputs.words import is_stdin, label
from lockdeck.backend.openclaw.log.scan import NO_LOG_FILE, LineCounts
from lockdeck.backend.system.text import safe

BATCH = 4096
"""Events folded at once."""
_MOST_NAME = 200


class ReadingProgress(Struct, frozen=True):
    """How far the reading is: the file that is read, bytes of all files, and how many there are where that is known."""

    path: str
    done: int
    total: int | None


class PastLogs(Struct):
    """What was read: a book for each log, or each who has written one, and where it ends; counts for each file that is one.

    `left_out` files are no logs although a folder or a pattern led to them. `interrupted`: somebody pressed ctrl+c, as who
    reads a pipe that goes on has to.
    """

    limits: Limits
    problems: list[str]
    left_out: int
    books: dict[LogPart, RunBook] = field(default_factory=dict)
    ends: dict[LogPart, tuple[LogEnd, ...]] = field(default_factory=dict)
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
        reader = SetReader(self._numbers)
        folding = _Folding(self._past, reader)
        for path in log.paths:
            events, counts = self._past.kinds.total(), LineCounts()
            try:
                with closing(OpenInput(path)) as source:
                    folding.take(reader.read(source, counts, self._note(path)))
                    if path == log.paths[-1]:
                        folding.take(reader.finish())
                    self._done += source.done
                self._look_at_width(path, source.head)
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
        folding.settle(log.name)

    def _look_at_width(self, path: str, head: bytes) -> None:
        width = broken_at(head)
        if width is not None:
            self._past.problems.append(f"{label(path)} {broken_sentence(width)}")

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
    """The books of one log, one for each who has written it, to which events are added as they are read."""

    def __init__(self, past: PastLogs, reader: SetReader) -> None:
        self._past = past
        self._reader = reader
        self._books: dict[Origins, RunBook] = {}

    def take(self, events: Iterable[Event]) -> None:
        """Fold events, many at once. Raises what reading them raises, after those read before."""
        batches: dict[Origins, list[Event]] = {}
        reader, taken = self._reader, 0
        try:
            for event in events:
                batches.setdefault(reader.origins, []).append(event)
                taken += 1
                if taken >= BATCH:
                    self._fold(batches)
                    batches, taken = {}, 0
        finally:
            self._fold(batches)

    def _fold(self, batches: Mapping[Origins, list[Event]]) -> None:
        joined: dict[Origins, list[Event]] = {}
        for origins, batch in batches.items():
            self._past.kinds.update(name for event in batch for name in kinds_of(event))
            has_book = origins in self._books or len(self._books.keys() | joined.keys()) < MOST_ORIGINS
            joined.setdefault(origins if has_book else FURTHER, []).extend(batch)
        for book, events in joined.items():
            self._books[book] = fold_all(self._books.get(book, RunBook(limits=self._past.limits)), events)

    def settle(self, log: str) -> None:
        """Put what was read to the past: as one log, or as one of several who have written it."""
        if FURTHER in self._books:
            self._past.problems.append(
                f"{log} has lines of more than {MOST_ORIGINS} sources: those of the further ones are told as of one"
            )
        for origins, name in origins_apart(self._books).items():
            part = LogPart(log, safe(name, _MOST_NAME))
            ends, book = self._reader.ends.get(origins, ()), self._books[origins]
            if part in self._past.books:
                book = merge(self._past.books[part], book)
            self._past.books[part] = book
            self._past.ends[part] = (*self._past.ends.get(part, ()), *ends)


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
