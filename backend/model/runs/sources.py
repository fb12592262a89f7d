"""Books of several logs: those that share a run, a session or a trace are of one source and become one book.

Other logs stay apart, and so do the parts of one log that several have written: the same session key on two hosts is not
the same session, and nothing but a key would join them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.runs.fold import RunBook, fold_all


class LogPart(Struct, frozen=True, order=True):
    """What one has written of a log: all of it, unless `origin` (a pod, a container, a host) is one of several."""

    log: str
    origin: str = ""

    @property
    def name(self) -> str:
        """A name for people."""
        return f"{self.origin} of {self.log}" if self.origin else self.log


class LogSource(Struct, frozen=True):
    """All that one OpenClaw is known by: its logs, or its parts of them, and what they tell."""

    parts: tuple[LogPart, ...]
    book: RunBook

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
    for part, book in books.items():
        if book == RunBook(limits=book.limits):
            continue
        ids = set(_ids(book))
        parts, whole = tuple[LogPart, ...]((part,)), book
        for previous in sorted({_present(owners[mark], joined) for mark in ids if mark in owners}):
            same = sources.pop(previous)
            joined[previous] = part
            parts, whole = (*same.parts, *parts), merge(same.book, whole)
        sources[part] = LogSource(parts, whole)
        owners |= dict.fromkeys(ids, part)
    return tuple(sources.values())


def _present(part: LogPart, joined: Mapping[LogPart, LogPart]) -> LogPart:
    """Return under which log the source stands that a log has become part of."""
    while part in joined:
        part = joined[part]
    return part


def merge(book: RunBook, other: RunBook) -> RunBook:
    """Return the book of all that two books were told."""
    merged = fold_all(book, events_of(other), other.traces)
    times = [at for at in (merged.forgotten_at, other.forgotten_at) if at is not None]
    profiles = {**other.profiles, **merged.profiles}
    return replace(merged, profiles=profiles, forgotten_at=max(times, default=None))


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
