"""Gateway events folded into runs: `RunBook` and `fold_all`.

A run keeps its facts as a sorted set and is read anew from them, so neither the order in which lines arrive
nor a line read twice can change what comes out.  Nothing is joined by guessing: a run belongs to a session
only when one event, or the session store, names both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.model.runs.events import (
    About,
    Event,
    GatewayRefused,
    ProfileTimedOut,
    SameModelRetry,
)
from lockdeck.backend.model.runs.profiles import profile_hash, with_profiles
from lockdeck.backend.model.runs.run import Run, run_of
from lockdeck.backend.model.runs.sorted_facts import insert
from lockdeck.backend.model.runs.trace_joins import (
    Trace,
    facts_by_run,
    is_of_trace,
    named_by_retries,
    touched_runs,
    with_retry,
)

_Event = TypeVar("_Event", bound=Event)
_Item = TypeVar("_Item")


class Limits(Struct, frozen=True):
    """Numbers of each that a book keeps, the newest first: what is told may be hostile.

    `facts` are per run: OpenClaw makes at most 160 attempts, and the recordings hold at most six lines about each.
    `notices` and `waiting` as in `RunBook`.
    """

    runs: int = 1000
    facts: int = 1024
    notices: int = 4096
    waiting: int = 1024
    traces: int = 1000
    refused_starts: int = 256


WATCHED = Limits()
"""For the last hour of a fleet."""
PAST = Limits(runs=20_000, facts=4096, notices=120_000, waiting=120_000, traces=20_000, refused_starts=4096)
"""For whole logs of the past."""


class RunBook(Struct, frozen=True):
    """Everything folded so far; never changed in place, never larger than the limits above.

    `notices` concern a session or a lock path and name no run (lane errors, waits, OpenClaw's own
    diagnoses), oldest first. `profiles` maps profile hashes to the profile ids that events named.
    `waiting` are events without any id; see `lockdeck.backend.model.runs.joins.unjoined`. `traces` are by trace id,
    `named_retries` the retries that events told with their run id, `refused_starts` the gateways that were
    refused, oldest first: they concern a root, and would push out what concerns sessions. `forgotten_at` is the
    time (epoch seconds) of the newest event that the limits left no room for: what was before it is not whole.
    """

    runs: Mapping[str, Run] = field(default_factory=dict)
    notices: tuple[Event, ...] = ()
    waiting: tuple[Event, ...] = ()
    profiles: Mapping[str, str] = field(default_factory=dict)
    traces: Mapping[str, Trace] = field(default_factory=dict)
    named_retries: tuple[SameModelRetry, ...] = ()
    refused_starts: tuple[GatewayRefused, ...] = ()
    limits: Limits = WATCHED
    forgotten_at: float | None = None


def fold_all(book: RunBook, events: Iterable[Event], traces: Mapping[str, Trace] | None = None) -> RunBook:
    """Add events to a book, and `traces` of another one."""
    added = _Additions(
        book, list(book.notices), list(book.waiting), book.named_retries, list(book.refused_starts)
    )
    for trace_id, trace in (traces or {}).items():
        added.add_trace(trace_id, trace)
    for event in events:
        if math.isfinite(event.at):
            added.add(event)
    joined = added.joined_traces()
    runs = _with_facts(book.runs, added, joined)
    return RunBook(
        runs=added.newest(runs, book.limits.runs, lambda run: run.last_activity),
        notices=tuple(added.notices),
        waiting=tuple(added.waiting),
        profiles=with_profiles(book.profiles, added.profiles),
        traces=joined,
        named_retries=added.retries,
        refused_starts=tuple(added.refused_starts),
        limits=book.limits,
        forgotten_at=added.forgotten_at,
    )


class _Additions(Struct):
    """Events sorted by what they belong to; private to `fold_all`."""

    book: RunBook
    notices: list[Event]
    waiting: list[Event]
    retries: tuple[SameModelRetry, ...]
    refused_starts: list[GatewayRefused]
    facts: dict[str, list[Event]] = field(default_factory=dict)
    profiles: dict[str, str] = field(default_factory=dict)
    traces: dict[str, Trace] = field(default_factory=dict)
    forgotten_at: float | None = None

    def __post_init__(self) -> None:
        self.forgotten_at = self.book.forgotten_at

    def add(self, event: Event) -> None:
        """Put one event where it belongs."""
        if isinstance(event, ProfileTimedOut):
            self.profiles[profile_hash(event.profile)] = event.profile
        if event.run_id and event.trace_id:
            self.traces[event.trace_id] = self._trace(event.trace_id).owned_by(event.run_id, event.at)
        about, limits = event.handling.about, self.book.limits
        if about is About.TRACE:
            return
        if isinstance(event, GatewayRefused):
            self.insert(self.refused_starts, event, limits.refused_starts)
        elif event.run_id:
            self._add_fact(event.run_id, event)
        elif about is About.SESSION:
            self.insert(self.notices, event, limits.notices)
        elif event.trace_id and about is About.RUN:
            self._add_to_trace(event.trace_id, event)
        else:
            self.insert(self.waiting, event, limits.waiting)

    def add_trace(self, trace_id: str, trace: Trace) -> None:
        """Add what another book knows of a trace."""
        mine = self._trace(trace_id)
        for run_id in trace.owners:
            mine = mine.owned_by(run_id, trace.at)
        self.traces[trace_id] = replace(mine, at=max(mine.at, trace.at))
        for fact in trace.facts:
            self._add_to_trace(trace_id, fact)

    def insert(self, facts: list[_Event], event: _Event, limit: int) -> None:
        """Put an event into a sorted set of at most `limit`, the newest."""
        insert(facts, event)
        if len(facts) > limit:
            self._forget(facts.pop(0).at)

    def newest(self, items: dict[str, _Item], limit: int, at: Callable[[_Item], float]) -> dict[str, _Item]:
        """Return at most `limit` of the items by id, those with the newest time."""
        if len(items) <= limit:
            return items
        by_age = sorted(items.items(), key=lambda item: (at(item[1]), item[0]))
        self._forget(at(by_age[-limit - 1][1]))
        return dict(by_age[-limit:])

    def joined_traces(self) -> Mapping[str, Trace]:
        """Return the book's traces with those added, and with the run ids that retries give away."""
        traces = self.book.traces
        if self.traces:
            traces = self.newest({**traces, **self.traces}, self.book.limits.traces, lambda trace: trace.at)
        if self.retries and (self.traces or self.retries is not self.book.named_retries):
            owned = named_by_retries(traces, self.retries)
            changed = {trace_id: trace for trace_id, trace in owned.items() if trace != traces[trace_id]}
            traces, self.traces = {**traces, **changed}, {**self.traces, **changed}
        return traces

    def _forget(self, at: float) -> None:
        self.forgotten_at = at if self.forgotten_at is None else max(self.forgotten_at, at)

    def _add_fact(self, run_id: str, event: Event) -> None:
        if run_id not in self.facts:
            self.facts[run_id] = _facts_of(self.book.runs.get(run_id))
        self.insert(self.facts[run_id], event, self.book.limits.facts)
        if isinstance(event, SameModelRetry):
            self.retries = with_retry(self.retries, event)

    def _add_to_trace(self, trace_id: str, event: Event) -> None:
        trace = self._trace(trace_id)
        facts = list(trace.facts)
        self.insert(facts, event, self.book.limits.facts)
        self.traces[trace_id] = replace(trace, facts=tuple(facts), at=max(trace.at, event.at))

    def _trace(self, trace_id: str) -> Trace:
        return self.traces.get(trace_id) or self.book.traces.get(trace_id, Trace())


def _with_facts(runs: Mapping[str, Run], added: _Additions, traces: Mapping[str, Trace]) -> dict[str, Run]:
    """Read those runs anew of which something new is known, by their ids or by a trace."""
    read = dict(runs)
    by_trace = facts_by_run(traces)
    versions = (added.book.traces, traces)  # a trace that is named anew may have left a run
    touched = set().union(
        *(touched_runs(version, [t for t in added.traces if t in version]) for version in versions)
    )
    for run_id in {*added.facts, *touched}:
        facts = added.facts.get(run_id)
        if facts is None:
            facts = _facts_of(None if is_of_trace(run_id) else runs.get(run_id))
        for event in by_trace.get(run_id, ()):
            added.insert(facts, event, added.book.limits.facts)
        if facts:
            read[run_id] = run_of(run_id, tuple(facts))
        else:
            read.pop(run_id, None)
    return read


def _facts_of(run: Run | None) -> list[Event]:
    """Return the facts that name the run themselves."""
    return [] if run is None else [fact for fact in run.facts if fact.run_id == run.run_id]
