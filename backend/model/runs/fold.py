"""Gateway events folded into runs: `RunBook` and `fold`.

A run keeps its facts as a sorted set and is read anew from them, so neither the order in which lines arrive
nor a line read twice can change what comes out.  Nothing is joined by guessing: a run belongs to a session
only when one event, or the session store, names both.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar, get_args

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.model.runs.attempts import Life, Outcome
from lockdeck.backend.model.runs.events import (
    AttemptStarted,
    Event,
    FailoverDecision,
    GatewayRefused,
    LaneTaskError,
    LaneWait,
    LockBlocked,
    LockTimeout,
    ModelFallbackDecision,
    ProfileTimedOut,
    RecoveryOutcome,
    RunNamed,
    SameModelRetry,
    StaleLockRemoved,
    StuckSession,
    Traced,
    TurnRefused,
    WatchdogRelease,
)
from lockdeck.backend.model.runs.factset import insert
from lockdeck.backend.model.runs.life import lives
from lockdeck.backend.model.runs.records import Attempt, Compaction
from lockdeck.backend.model.runs.traces import (
    MOST_NAMED,
    Trace,
    facts_by_run,
    is_of_trace,
    named_by_retries,
    touched_runs,
)

MAX_PROFILES = 1024

_Event = TypeVar("_Event", bound=Event)
_Told = TypeVar("_Told")


class Limits(Struct, frozen=True):
    """How many of each a book keeps, the newest first: what is told may be hostile.

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


class Run(Struct, frozen=True):
    """One run. Times in epoch seconds; `attempts` are the finished ones, their profiles as hashes.

    `decisions` are each told once, also where two logs tell them.
    `opened` is the attempt that an event said to have begun, `promised_at` the time of a rotation decision
    whose follow-up no event has told yet, `retry` the last retry on the same model, `candidate_from` the index where the present candidate begins.
    """

    run_id: str
    facts: tuple[Event, ...] = ()
    session_id: str | None = None
    session_key: str | None = None
    attempts: tuple[Attempt, ...] = ()
    decisions: tuple[FailoverDecision, ...] = ()
    candidates: tuple[ModelFallbackDecision, ...] = ()
    candidate_from: int = 0
    opened: AttemptStarted | None = None
    retry: SameModelRetry | None = None
    promised_at: float | None = None
    compaction: Compaction | None = None
    lock_timeouts: tuple[LockTimeout, ...] = ()
    ended_at: float | None = None
    outcome: Outcome | None = None
    failure: str | None = None

    @property
    def timeouts(self) -> int:
        """How many attempts a timeout ended."""
        return sum(attempt.by_timeout for attempt in self.attempts)

    @property
    def last_activity(self) -> float:
        """When it was last heard of, epoch seconds."""
        return self.facts[-1].at if self.facts else 0.0


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


def fold(book: RunBook, event: Event) -> RunBook:
    """Add one event to a book."""
    return fold_all(book, (event,))


def fold_all(book: RunBook, events: Iterable[Event]) -> RunBook:
    """Add events to a book, cheaper than one by one."""
    found = _Gathered(
        book, list(book.notices), list(book.waiting), book.named_retries, list(book.refused_starts)
    )
    for event in events:
        if math.isfinite(event.at):
            found.add(event)
    traces = book.traces
    if found.traces:
        traces = found.kept({**book.traces, **found.traces}, book.limits.traces, lambda trace: trace.at)
    if found.retries and (found.traces or found.retries is not book.named_retries):
        told = named_by_retries(traces, found.retries)
        joined = {trace_id: trace for trace_id, trace in told.items() if trace != traces[trace_id]}
        traces, found.traces = {**traces, **joined}, {**found.traces, **joined}
    runs = _with_facts(book.runs, found, traces)
    return RunBook(
        runs=found.kept(runs, book.limits.runs, lambda run: run.last_activity),
        notices=tuple(found.notices),
        waiting=tuple(found.waiting),
        profiles=_with_profiles(book.profiles, found.profiles),
        traces=traces,
        named_retries=found.retries,
        refused_starts=tuple(found.refused_starts),
        limits=book.limits,
        forgotten_at=found.forgotten_at,
    )


class _Gathered(Struct):
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
        limits = self.book.limits
        if isinstance(event, ProfileTimedOut):
            self.profiles[profile_hash(event.profile)] = event.profile
        run_id, trace_id = getattr(event, "run_id", None), getattr(event, "trace_id", None)
        if run_id and trace_id:
            self.traces[trace_id] = self._trace(trace_id).named(run_id, event.at)
        if isinstance(event, RunNamed):
            return
        if isinstance(event, GatewayRefused):
            self.insert(self.refused_starts, event, limits.refused_starts)
        elif run_id:
            self._add_fact(run_id, event)
        elif isinstance(event, _ABOUT_SESSIONS):
            self.insert(self.notices, event, limits.notices)
        elif trace_id and isinstance(event, _OF_ONE_RUN):
            trace = self._trace(trace_id)
            told = list(trace.facts)
            self.insert(told, event, limits.facts)
            self.traces[trace_id] = replace(trace, facts=tuple(told), at=max(trace.at, event.at))
        else:
            self.insert(self.waiting, event, limits.waiting)

    def insert(self, facts: list[_Event], event: _Event, limit: int) -> None:
        """Put an event into a sorted set of at most `limit`, the newest."""
        insert(facts, event)
        if len(facts) > limit:
            self._forget(facts.pop(0).at)

    def kept(self, told: dict[str, _Told], limit: int, at: Callable[[_Told], float]) -> dict[str, _Told]:
        """Return at most `limit` of what is told by its id, those with the newest time."""
        if len(told) <= limit:
            return told
        by_age = sorted(told.items(), key=lambda item: (at(item[1]), item[0]))
        self._forget(at(by_age[-limit - 1][1]))
        return dict(by_age[-limit:])

    def _forget(self, at: float) -> None:
        self.forgotten_at = at if self.forgotten_at is None else max(self.forgotten_at, at)

    def _add_fact(self, run_id: str, event: Event) -> None:
        known = self.facts.get(run_id)
        if known is None:
            known = self.facts[run_id] = _own_facts(self.book.runs.get(run_id))
        self.insert(known, event, self.book.limits.facts)
        if isinstance(event, SameModelRetry):
            self.retries = _insert_retry(self.retries, event)

    def _trace(self, trace_id: str) -> Trace:
        return self.traces.get(trace_id) or self.book.traces.get(trace_id, Trace())


def _insert_retry(known: tuple[SameModelRetry, ...], event: SameModelRetry) -> tuple[SameModelRetry, ...]:
    if event in known:
        return known
    return tuple(sorted((*known, event), key=lambda retry: (retry.at, repr(retry))))[-MOST_NAMED:]


def _with_facts(runs: Mapping[str, Run], gathered: _Gathered, traces: Mapping[str, Trace]) -> dict[str, Run]:
    """Read those runs anew of which something new is known, by their ids or by a trace."""
    found = dict(runs)
    by_trace = facts_by_run(traces)
    told = (gathered.book.traces, traces)  # a trace that is named anew may have left a run
    touched = set().union(*(touched_runs(each, [t for t in gathered.traces if t in each]) for each in told))
    for run_id in {*gathered.facts, *touched}:
        known = gathered.facts.get(run_id)
        if known is None:
            known = _own_facts(None if is_of_trace(run_id) else runs.get(run_id))
        for event in by_trace.get(run_id, ()):
            gathered.insert(known, event, gathered.book.limits.facts)
        if known:
            facts = tuple(known)
            found[run_id] = _run(run_id, facts, lives(facts)[-1])
        else:
            found.pop(run_id, None)
    return found


def _own_facts(run: Run | None) -> list[Event]:
    """Return the facts that name the run themselves."""
    if run is None:
        return []
    return [fact for fact in run.facts if getattr(fact, "run_id", None) == run.run_id]


def profile_hash(profile: str) -> str:
    """Return the hash that OpenClaw logs for a profile id: `sha256:` and 12 hex digits (seen on 2026.4.5)."""
    return "sha256:" + hashlib.sha256(profile.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def all_lives(run: Run) -> tuple[Run, ...]:
    """Return every life of one run id, oldest first, each with its own facts.

    A local agent uses its session id as run id each time.
    """
    told = lives(run.facts)
    ends = [*(life.first for life in told[1:]), len(run.facts)]
    return tuple(
        replace(_run(run.run_id, run.facts, life), facts=run.facts[life.first : end])
        for life, end in zip(told, ends, strict=True)
    )


_ABOUT_SESSIONS = (
    LaneTaskError,
    LaneWait,
    StuckSession,
    RecoveryOutcome,
    LockBlocked,
    StaleLockRemoved,
    WatchdogRelease,
    TurnRefused,
)
_OF_ONE_RUN = tuple(kind for kind in get_args(Traced) if kind is not ProfileTimedOut)
"""What belongs to the one run of its trace; a profile's timeout is joined by the profile's hash."""


def _run(run_id: str, facts: tuple[Event, ...], life: Life) -> Run:
    ended_at, outcome = life.ended or (None, None)
    return Run(
        run_id=run_id,
        facts=facts,
        session_id=_last_id(facts, "session_id"),
        session_key=_last_id(facts, "session_key"),
        attempts=tuple(life.attempts),
        decisions=tuple(life.decisions),
        candidates=tuple(life.candidates),
        candidate_from=life.candidate_from,
        opened=life.opened,
        retry=life.retry,
        promised_at=life.promised_at,
        compaction=life.compaction,
        lock_timeouts=tuple(life.lock_timeouts),
        ended_at=ended_at,
        outcome=outcome,
        failure=life.failure,
    )


def _last_id(facts: tuple[Event, ...], name: str) -> str | None:
    told = (getattr(fact, name, None) for fact in reversed(facts))
    return next((value for value in told if value), None)


def recency(run: Run) -> tuple[float, str]:
    """Sort key: the most recently active run last."""
    return (run.last_activity, run.run_id)


def _with_profiles(known: Mapping[str, str], told: Mapping[str, str]) -> Mapping[str, str]:
    """Add profile names; what was learned first is forgotten when a hostile log names too many."""
    if all(key in known for key in told):
        return known
    return dict(list({**known, **told}.items())[-MAX_PROFILES:])
