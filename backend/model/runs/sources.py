"""Books of several logs: those that share a run, a session or a trace are of one source and become one book.

Where two of them tell the same decisions at other times, one has a clock of its own, and what it tells is put to that of the
other: no attempt counts twice. Other logs stay apart, and so do the parts of one log that several have written: the same
session key on two hosts is not the same session, and nothing but a key would join them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.moments import is_dated
from lockdeck.backend.model.runs.events import AuthProfileFailure, Event
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.past.offsets import ClockShift, shift_to, told_again, told_by
from lockdeck.backend.model.runs.sorted_facts import is_record


class LogPart(Struct, frozen=True, order=True):
    """What one has written of a log: all of it, unless `origin` (a pod, a container, a host) is one of several."""

    log: str
    origin: str = ""

    @property
    def name(self) -> str:
        """A name for people."""
        return f"{self.origin} of {self.log}" if self.origin else self.log


class LogSource(Struct, frozen=True):
    """All that one OpenClaw is known by: its logs, or its parts of them, and what they tell.

    `moved` are the parts that have a clock of their own, each with what put its times to that of the others.
    """

    parts: tuple[LogPart, ...]
    book: RunBook
    moved: Mapping[LogPart, tuple[ClockShift, ...]] = {}

    @property
    def name(self) -> str:
        """A name for people: that of the first log."""
        others = len(self.parts) - 1
        return f"{self.parts[0].name} and {others} more" if others else self.parts[0].name

    @property
    def logs(self) -> tuple[str, ...]:
        """The names of its logs."""
        return tuple(dict.fromkeys(part.log for part in self.parts))

    @property
    def origins(self) -> tuple[str, ...]:
        """Who wrote its lines, where several have written a log."""
        return tuple(part.origin for part in self.parts if part.origin)


def origins_apart(origins: Collection[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Return the name of each who writes a log, by what stands around the lines; empty where there is but one.

    What names less, or nobody, is of the one that it can be of; where it can be of several, it is of none of them.
    """
    leaves = {own: [o for o in _innermost(origins) if o[: len(own)] == own] for own in origins}
    writers = {own: of[0] if len(of) == 1 else own for own, of in leaves.items()}
    alone = len(set(writers.values())) <= 1
    return {own: "" if alone else " ".join(writer) or UNNAMED for own, writer in writers.items()}


UNNAMED = "lines that name no source"
"""The part of a log of several whose lines tell not whose they are."""


def _innermost(origins: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    every = {origin[:length] for origin in origins for length in range(len(origin))}
    return [origin for origin in origins if origin not in every]


def sources_of(books: Mapping[LogPart, RunBook]) -> tuple[LogSource, ...]:
    """Put the books by the logs they are of together, source by source; a log that tells nothing is of none."""
    sources: dict[LogPart, LogSource] = {}
    owners: dict[str, LogPart] = {}  # by id, the log that its source stood under when the id was told
    joined: dict[LogPart, LogPart] = {}
    # Those that tell most come first: by them it is known what others tell of it.
    for part in sorted(books, key=lambda part: _exactness(books[part]), reverse=True):
        book = books[part]
        if book == RunBook(limits=book.limits):
            continue
        ids = set(_ids(book))
        source = LogSource((part,), book)
        for previous in sorted({_present(owners[mark], joined) for mark in ids if mark in owners}):
            joined[previous] = part
            source = _together(sources.pop(previous), source)
        sources[part] = source
        owners |= dict.fromkeys(ids, part)
    places = {part: place for place, part in enumerate(books)}
    by_place = [
        LogSource(tuple(sorted(source.parts, key=places.__getitem__)), source.book, source.moved)
        for source in sources.values()
    ]
    return tuple(sorted(by_place, key=lambda source: places[source.parts[-1]]))


def _exactness(book: RunBook) -> tuple[bool, bool]:
    """Return whether a book has dates, and whether it has what only records tell."""
    runs = [run for run in book.runs.values() if run.facts]
    return any(is_dated(run.last_activity) for run in runs), any(
        is_record(fact) for run in runs for fact in run.facts
    )


def _together(first: LogSource, second: LogSource) -> LogSource:
    """Return two sources as the one that they are; where their clocks are apart, by the clock that tells more.

    That is one with dates, of records, or else the earlier one: what wraps a line takes its time later.
    """
    shift = shift_to(first.book, second.book)
    if shift is not None:
        ranks = [(_exactness(first.book), shift.seconds > 0), (_exactness(second.book), shift.seconds < 0)]
        if ranks[0] < ranks[1]:
            first = _moved(first, shift, second.book)
        else:
            second = _moved(second, shift.back, first.book)
    books = (
        _less(first.book, told_again(first.book, second.book)),
        _less(second.book, told_again(second.book, first.book)),
    )
    return LogSource((*first.parts, *second.parts), merge(*books), {**first.moved, **second.moved})


def _less(book: RunBook, events: Iterable[Event]) -> RunBook:
    """Return a book without what another one tells; its traces stay."""
    retold = list(events)
    return fold_all(without(book, retold), (), book.traces) if retold else book


def _moved(source: LogSource, shift: ClockShift, exact: RunBook) -> LogSource:
    """Return a source by the clock of a more exact book, without what that tells."""
    moved = {part: (*source.moved.get(part, ()), shift) for part in source.parts}
    book = _by_clock(source.book, shift)
    return LogSource(source.parts, _less(book, told_by(book, exact)), moved)


def _present(part: LogPart, joined: Mapping[LogPart, LogPart]) -> LogPart:
    """Return under which log the source stands that a log has become part of."""
    while part in joined:
        part = joined[part]
    return part


def merge(book: RunBook, second: RunBook) -> RunBook:
    """Return the book of all that two books were told."""
    merged = fold_all(book, events_of(second), second.traces)
    times = [at for at in (merged.forgotten_at, second.forgotten_at) if at is not None]
    profiles = {**second.profiles, **merged.profiles}
    return replace(merged, profiles=profiles, forgotten_at=max(times, default=None))


def _by_clock(book: RunBook, shift: ClockShift) -> RunBook:
    """Return a book of which all happened by another clock."""
    traces = {
        trace_id: replace(
            trace, facts=tuple(_by_clock_of(fact, shift) for fact in trace.facts), at=shift.of(trace.at)
        )
        for trace_id, trace in book.traces.items()
    }
    forgotten_at = None if book.forgotten_at is None else shift.of(book.forgotten_at)
    empty = RunBook(profiles=book.profiles, limits=book.limits, forgotten_at=forgotten_at)
    return fold_all(empty, [_by_clock_of(event, shift) for event in events_of(book)], traces)


def _by_clock_of(event: Event, shift: ClockShift) -> Event:
    if isinstance(event, AuthProfileFailure) and event.cooldown_until is not None:
        return replace(event, at=shift.of(event.at), cooldown_until=shift.of(event.cooldown_until))
    return replace(event, at=shift.of(event.at))


def without(book: RunBook, events: Iterable[Event]) -> RunBook:
    """Return the book of what a book keeps without these events."""
    gone = {repr(event) for event in events}
    left = [event for event in events_of(book) if repr(event) not in gone]
    return fold_all(RunBook(profiles=book.profiles, limits=book.limits, forgotten_at=book.forgotten_at), left)


def events_of(book: RunBook) -> Iterator[Event]:
    """Yield all events that a book keeps, each once."""
    for run in book.runs.values():
        yield from run.facts
    yield from book.notices
    yield from book.waiting
    yield from book.refused_starts


def _ids(book: RunBook) -> Iterator[str]:
    for run_id, run in book.runs.items():
        yield f"run {run_id}"
        if run.session_id:
            yield f"session {run.session_id}"
    for event in (*book.notices, *book.waiting):
        if event.session_id:
            yield f"session {event.session_id}"
    yield from (f"trace {trace_id}" for trace_id in book.traces)
