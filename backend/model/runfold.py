"""Gateway events folded into runs: `RunBook` and `fold`.

A run keeps its facts as a sorted set and is read anew from them, so neither the order in which lines arrive
nor a line read twice can change what comes out.  Nothing is joined by guessing: a run belongs to a session
only when one event, or the session store, names both.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import get_args

from backend.model.events import (
    AgentEnd,
    AllModelsFailed,
    AttemptStarted,
    AuthProfileFailure,
    ChainStopped,
    CompactionTimeout,
    Event,
    FailoverDecision,
    GatewayRefused,
    LaneTaskError,
    LaneWait,
    LockBlocked,
    LockTimeout,
    ModelFallbackDecision,
    ProfileTimedOut,
    PromptError,
    RecoveryOutcome,
    RotationCap,
    RunAborted,
    RunEnded,
    RunNamed,
    RunTimeout,
    SameModelRetry,
    StaleLockRemoved,
    StuckSession,
    Traced,
    TurnRefused,
    WatchdogRelease,
)
from backend.model.runlife import Life, Outcome, lives
from backend.model.runs import Attempt
from backend.model.traces import (
    MOST_NAMED,
    Trace,
    facts_by_run,
    is_of_trace,
    named_by_retries,
    newest,
    touched_runs,
)

MAX_RUNS = 1000
MAX_FACTS = 256
"""Facts kept per run; 160 attempts are OpenClaw's own limit, and each is counted long before it is forgotten."""
MAX_WAITING = 256
MAX_NOTICES = 1024
MAX_PROFILES = 1024
MAX_REFUSED_STARTS = 256


@dataclass(frozen=True, slots=True)
class Run:
    """One run. Times in epoch seconds; `attempts` are the finished ones, their profiles as hashes.

    `opened` is the attempt that an event said to have begun, `promised_at` the time of a rotation decision
    whose follow-up no event has told yet, `retry` the last retry on the same model, `candidate_from` the index where the present candidate begins.
    """

    run_id: str
    facts: tuple[Event, ...] = ()
    session_id: str | None = None
    session_key: str | None = None
    attempts: tuple[Attempt, ...] = ()
    candidates: tuple[ModelFallbackDecision, ...] = ()
    candidate_from: int = 0
    opened: AttemptStarted | None = None
    retry: SameModelRetry | None = None
    promised_at: float | None = None
    compacting_since: float | None = None
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


@dataclass(frozen=True, slots=True)
class RunBook:
    """Everything folded so far; never changed in place, never larger than the limits above.

    `notices` concern a session or a lock path and name no run (lane errors, waits, OpenClaw's own
    diagnoses), oldest first. `profiles` maps profile hashes to the profile ids that events named.
    `waiting` are events without any id; see `backend.model.joins.unjoined`. `traces` are by trace id,
    `named_retries` the retries that events told with their run id, `refused_starts` the gateways that were
    refused, oldest first: they concern a root, and would push out what concerns sessions.
    """

    runs: Mapping[str, Run] = field(default_factory=dict)
    notices: tuple[Event, ...] = ()
    waiting: tuple[Event, ...] = ()
    profiles: Mapping[str, str] = field(default_factory=dict)
    traces: Mapping[str, Trace] = field(default_factory=dict)
    named_retries: tuple[SameModelRetry, ...] = ()
    refused_starts: tuple[GatewayRefused, ...] = ()


def fold(book: RunBook, event: Event) -> RunBook:
    """Add one event to a book."""
    return fold_all(book, (event,))


def fold_all(book: RunBook, events: Iterable[Event]) -> RunBook:
    """Add events to a book, cheaper than one by one."""
    found = _Gathered(book, book.notices, book.waiting, book.named_retries, book.refused_starts)
    for event in events:
        if math.isfinite(event.at):
            found.add(event)
    traces = newest({**book.traces, **found.traces}) if found.traces else book.traces
    if found.retries and (found.traces or found.retries is not book.named_retries):
        told = named_by_retries(traces, found.retries)
        joined = {trace_id: trace for trace_id, trace in told.items() if trace != traces[trace_id]}
        traces, found.traces = {**traces, **joined}, {**found.traces, **joined}
    return RunBook(
        runs=_newest(_with_facts(book.runs, found.facts, traces, found.traces)),
        notices=found.notices,
        waiting=found.waiting,
        profiles=_with_profiles(book.profiles, found.profiles),
        traces=traces,
        named_retries=found.retries,
        refused_starts=found.refused_starts,
    )


@dataclass(slots=True)
class _Gathered:
    """Events sorted by what they belong to; private to `fold_all`."""

    book: RunBook
    notices: tuple[Event, ...]
    waiting: tuple[Event, ...]
    retries: tuple[SameModelRetry, ...]
    refused_starts: tuple[GatewayRefused, ...]
    facts: dict[str, tuple[Event, ...]] = field(default_factory=dict)
    profiles: dict[str, str] = field(default_factory=dict)
    traces: dict[str, Trace] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Put one event where it belongs."""
        if isinstance(event, ProfileTimedOut):
            self.profiles[profile_hash(event.profile)] = event.profile
        run_id, trace_id = getattr(event, "run_id", None), getattr(event, "trace_id", None)
        if run_id and trace_id:
            self.traces[trace_id] = self._trace(trace_id).named(run_id, event.at)
        if isinstance(event, RunNamed):
            return
        if isinstance(event, GatewayRefused):
            known = {*self.refused_starts, event}
            self.refused_starts = tuple(sorted(known, key=lambda told: (told.at, repr(told))))[
                -MAX_REFUSED_STARTS:
            ]
            return
        if run_id:
            self._add_fact(run_id, event)
        elif isinstance(event, _ABOUT_SESSIONS):
            self.notices = _insert(self.notices, event, MAX_NOTICES)
        elif trace_id and isinstance(event, _OF_ONE_RUN):
            trace = self._trace(trace_id)
            told = _insert(trace.facts, event, MAX_FACTS)
            self.traces[trace_id] = replace(trace, facts=told, at=max(trace.at, event.at))
        else:
            self.waiting = _insert(self.waiting, event, MAX_WAITING)

    def _add_fact(self, run_id: str, event: Event) -> None:
        known = self.facts.get(run_id)
        if known is None:
            known = _own_facts(self.book.runs[run_id]) if run_id in self.book.runs else ()
        self.facts[run_id] = _insert(known, event, MAX_FACTS)
        if isinstance(event, SameModelRetry):
            self.retries = _insert_retry(self.retries, event)

    def _trace(self, trace_id: str) -> Trace:
        return self.traces.get(trace_id) or self.book.traces.get(trace_id, Trace())


def _insert_retry(known: tuple[SameModelRetry, ...], event: SameModelRetry) -> tuple[SameModelRetry, ...]:
    if event in known:
        return known
    return tuple(sorted((*known, event), key=lambda retry: (retry.at, repr(retry))))[-MOST_NAMED:]


def _with_facts(
    runs: Mapping[str, Run],
    facts: Mapping[str, tuple[Event, ...]],
    traces: Mapping[str, Trace],
    changed: Iterable[str],
) -> dict[str, Run]:
    """Read those runs anew of which something new is known, by their ids or by a trace."""
    found = dict(runs)
    by_trace = facts_by_run(traces)
    for run_id in {*facts, *touched_runs(traces, [trace_id for trace_id in changed if trace_id in traces])}:
        known = facts.get(run_id)
        if known is None:
            known = _own_facts(runs[run_id]) if run_id in runs and not is_of_trace(run_id) else ()
        for event in by_trace.get(run_id, ()):
            known = _insert(known, event, MAX_FACTS)
        if known:
            found[run_id] = _read(run_id, known)[-1]
        else:
            found.pop(run_id, None)
    return found


def _own_facts(run: Run) -> tuple[Event, ...]:
    """Return the facts that name the run themselves."""
    return tuple(fact for fact in run.facts if getattr(fact, "run_id", None) == run.run_id)


def profile_hash(profile: str) -> str:
    """Return the hash that OpenClaw logs for a profile id: `sha256:` and 12 hex digits (seen on 2026.4.5)."""
    return "sha256:" + hashlib.sha256(profile.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def all_lives(run: Run) -> tuple[Run, ...]:
    """Return every life of one run id, oldest first: a local agent uses its session id as run id each time."""
    return _read(run.run_id, run.facts)


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

_CAUSAL_ORDER: dict[type, int] = {
    kind: rank
    for rank, kind in enumerate(
        (
            AttemptStarted,
            AgentEnd,
            RunTimeout,
            SameModelRetry,
            ProfileTimedOut,
            RotationCap,
            RunAborted,
            CompactionTimeout,
            PromptError,
            AuthProfileFailure,
            FailoverDecision,
            LaneTaskError,
            ModelFallbackDecision,
            ChainStopped,
            AllModelsFailed,
            RunEnded,
        )
    )
}


def _order(event: Event) -> tuple[float, int]:
    return (event.at, _CAUSAL_ORDER.get(type(event), len(_CAUSAL_ORDER)))


def _insert(facts: tuple[Event, ...], event: Event, limit: int) -> tuple[Event, ...]:
    """Put an event into a sorted set and keep its newest `limit`."""
    key = _order(event)
    if not facts or _order(facts[-1]) < key:
        return (*facts, event)[-limit:]
    low, high = bisect_left(facts, key, key=_order), bisect_right(facts, key, key=_order)
    ties = facts[low:high]
    if event in ties:
        return facts
    return (*facts[:low], *sorted((*ties, event), key=repr), *facts[high:])[-limit:]


def _read(run_id: str, facts: tuple[Event, ...]) -> tuple[Run, ...]:
    return tuple(_run(run_id, facts, life) for life in lives(facts))


def _run(run_id: str, facts: tuple[Event, ...], life: Life) -> Run:
    ended_at, outcome = life.ended or (None, None)
    return Run(
        run_id=run_id,
        facts=facts,
        session_id=_last_id(facts, "session_id"),
        session_key=_last_id(facts, "session_key"),
        attempts=tuple(life.attempts),
        candidates=tuple(life.candidates),
        candidate_from=life.candidate_from,
        opened=life.opened,
        retry=life.retry,
        promised_at=life.promised_at,
        compacting_since=life.compacting_since,
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


def _newest(runs: dict[str, Run]) -> dict[str, Run]:
    if len(runs) <= MAX_RUNS:
        return runs
    kept = sorted(runs.values(), key=recency)[-MAX_RUNS:]
    return {run.run_id: run for run in kept}


def _with_profiles(known: Mapping[str, str], told: Mapping[str, str]) -> Mapping[str, str]:
    """Add profile names; what was learned first is forgotten when a hostile log names too many."""
    if all(key in known for key in told):
        return known
    return dict(list({**known, **told}.items())[-MAX_PROFILES:])
