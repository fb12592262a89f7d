"""Books of several logs: those that share a run, a session or a trace are of one source and become one book.

Other logs stay apart: the same session key on two hosts is not the same session, and nothing but a key would join them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.runs.fold import RunBook, fold_all


class LogSource(Struct, frozen=True):
    """All that one OpenClaw is known by: the names of its logs, and what they tell."""

    logs: tuple[str, ...]
    book: RunBook

    @property
    def name(self) -> str:
        """A name for people: that of the first log."""
        others = len(self.logs) - 1
        return f"{self.logs[0]} and {others} more" if others else self.logs[0]


def sources_of(books: Mapping[str, RunBook]) -> tuple[LogSource, ...]:
    """Put the books by the names of their logs together, source by source; a log that tells nothing is of none."""
    sources: dict[str, LogSource] = {}
    owners: dict[str, str] = {}  # by id, the log that its source stood under when the id was told
    joined: dict[str, str] = {}
    for name, book in books.items():
        if book == RunBook(limits=book.limits):
            continue
        ids = set(_ids(book))
        logs, whole = tuple[str, ...]((name,)), book
        for previous in sorted({_present(owners[mark], joined) for mark in ids if mark in owners}):
            same = sources.pop(previous)
            joined[previous] = name
            logs, whole = (*same.logs, *logs), merge(same.book, whole)
        sources[name] = LogSource(logs, whole)
        owners |= dict.fromkeys(ids, name)
    return tuple(sources.values())


def _present(name: str, joined: Mapping[str, str]) -> str:
    """Return under which log the source stands that a log has become part of."""
    while name in joined:
        name = joined[name]
    return name


def merge(book: RunBook, other: RunBook) -> RunBook:
    """Return the book of all that two books were told."""
    merged = fold_all(book, events_of(other), other.traces)
    times = [at for at in (merged.forgotten_at, other.forgotten_at) if at is not None]
    profiles = {**other.profiles, **merged.profiles}
    return replace(merged, profiles=profiles, forgotten_at=max(times, default=None))


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
