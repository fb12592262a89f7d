"""Typed gateway events: what OpenClaw's log, transcripts and event stream tell about runs.

One class per kind of line.  `at` is epoch seconds.  A field that a version does not write is None.
Ids join events to sessions: `run_id`, `session_id`, `session_key` (from `lane=session:<key>`), `trace_id` (one
for each run, also on lines that name no run; seen on 2026.7.35 and 2026.9.6) and lock paths; nothing is ever
joined by guessing.
"""

from __future__ import annotations

from msgspec import Struct


class LockTimeout(Struct, frozen=True):
    """`session file locked (timeout Nms): …` or its like: a caller gave up on a lock.

    `pid`, `alive` and `age_ms` as the waiting process saw the owner; the last two from 2026.6.11 on.
    """

    path: str
    timeout_ms: int | None
    pid: int | None = None
    alive: bool | None = None
    age_ms: int | None = None


class RunTimeout(Struct, frozen=True):
    """`embedded run timeout`: the run budget of one attempt ran out. The LLM idle timeout logs no such line."""

    at: float
    run_id: str
    session_id: str | None
    timeout_ms: int | None
    trace_id: str | None = None


class ProfileTimedOut(Struct, frozen=True):
    """`Profile X timed out. Trying next account...`: real profile id, no run id, also when none is left."""

    at: float
    profile: str
    idle: bool
    trace_id: str | None = None


class FailoverDecision(Struct, frozen=True):
    """`embedded_run_failover_decision`: what the runner does after one attempt.

    `profile_hash` is `sha256:` + 12 hex digits of the profile id. On a candidate that never answered,
    `provider` and `model` are those of the previous assistant message (seen on 2026.4.5).
    """

    at: float
    run_id: str
    stage: str
    decision: str
    reason: str | None = None
    provider: str | None = None
    model: str | None = None
    profile_hash: str | None = None
    fallback_configured: bool | None = None
    timed_out: bool = False
    aborted: bool = False
    status: int | None = None
    session_id: str | None = None
    lock_timeout: LockTimeout | None = None
    trace_id: str | None = None


class ModelFallbackDecision(Struct, frozen=True):
    """`model_fallback_decision`: one candidate model of a run failed, succeeded or was skipped."""

    at: float
    run_id: str | None
    decision: str
    attempt: int | None = None
    total: int | None = None
    requested: str | None = None
    candidate: str | None = None
    next_candidate: str | None = None
    reason: str | None = None
    status: int | None = None
    session_id: str | None = None
    session_key: str | None = None
    lock_timeout: LockTimeout | None = None
    trace_id: str | None = None


class LaneWait(Struct, frozen=True):
    """`lane wait exceeded`: a queued message waited 2 s or more; logged when its task finally starts."""

    at: float
    lane: str
    session_key: str | None
    waited_ms: int | None
    queue_ahead: int | None = None


class LaneTaskError(Struct, frozen=True):
    """`lane task error`: a task of a lane failed; logged for the main lane and for the session's lane."""

    at: float
    lane: str
    session_key: str | None
    duration_ms: int | None
    error: str
    lock_timeout: LockTimeout | None = None
    trace_id: str | None = None


class StuckSession(Struct, frozen=True):
    """`stuck|stalled|long-running session`: OpenClaw's own diagnosis. `age_ms` of the state."""

    at: float
    kind: str
    session_id: str | None
    session_key: str | None
    state: str | None = None
    age_ms: int | None = None
    queue_depth: int | None = None
    reason: str | None = None
    classification: str | None = None


class RecoveryOutcome(Struct, frozen=True):
    """`stuck session recovery …` (from 2026.4.29): the gateway tried to help itself."""

    at: float
    session_id: str | None
    session_key: str | None
    status: str | None = None
    action: str | None = None
    aborted: bool | None = None
    drained: bool | None = None
    released: int | None = None
    reason: str | None = None


class LockBlocked(Struct, frozen=True):
    """A lock timeout told by a line that is neither a lane error nor a fallback decision."""

    at: float
    lock_timeout: LockTimeout
    run_id: str | None = None
    trace_id: str | None = None


class StaleLockRemoved(Struct, frozen=True):
    """`removed stale session lock: PATH (REASONS)`: OpenClaw's own clean-up at gateway start."""

    at: float
    path: str
    reasons: tuple[str, ...]


class WatchdogRelease(Struct, frozen=True):
    """`releasing lock held for Nms`: the 60 s watchdog dropped a lock; the run goes on unlocked."""

    at: float
    path: str
    held_ms: int | None
    max_ms: int | None


class CompactionTimeout(Struct, frozen=True):
    """A timeout that has to do with compaction; such timeouts never rotate. `text` tells which.

    `extra_ms` is what a run timeout that came during a compaction is put off by; `tries` how often the prompt can
    still be tried after a compaction that a timeout started (at most 2 in 2026.4.5), each but the last with another.
    """

    at: float
    run_id: str | None
    session_id: str | None
    text: str
    trace_id: str | None = None
    extra_ms: int | None = None
    tries: int = 0

    @property
    def begins(self) -> bool:
        """Whether OpenClaw compacts from here on; else a compaction is over."""
        return self.tries > 0 or "extending deadline" in self.text


class RunAborted(Struct, frozen=True):
    """An abort of a run, or one that did not take. `ok` False: the abort failed or the stream went on."""

    at: float
    run_id: str | None
    session_id: str | None
    ok: bool
    text: str
    trace_id: str | None = None


class AuthProfileFailure(Struct, frozen=True):
    """`auth_profile_failure_state_updated`: a profile went into cooldown.

    2026.4.5 never does so for a pure timeout; 2026.7.35 does (30 s, both seen).
    """

    at: float
    run_id: str | None
    profile_hash: str | None
    provider: str | None
    reason: str | None
    cooldown_until: float | None = None
    trace_id: str | None = None


class AgentEnd(Struct, frozen=True):
    """`embedded_run_agent_end`: one inner try ended in an error (429, 500, 401 …)."""

    at: float
    run_id: str
    reason: str | None
    provider: str | None = None
    model: str | None = None
    status: int | None = None
    trace_id: str | None = None


class AllModelsFailed(Struct, frozen=True):
    """`All models failed (N): …`: the chain is exhausted. `lock_timeouts` of the candidates, if any."""

    at: float
    total: int | None
    text: str
    run_id: str | None = None
    lock_timeouts: tuple[LockTimeout, ...] = ()
    trace_id: str | None = None


class SameModelRetry(Struct, frozen=True):
    """A retry on the same model: `retrying same model` (2026.4.12), `transient same-model retry i/8` (2026.9).

    The attempt before it has failed; the next begins after `delay_ms`. 2026.9.6 also tells it as an event of
    the run (`run_status`, phase `retrying`).
    """

    at: float
    index: int | None
    total: int | None
    model: str | None
    reason: str | None
    run_id: str | None = None
    trace_id: str | None = None
    delay_ms: int | None = None
    session_key: str | None = None


class ChainStopped(Struct, frozen=True):
    """`model_fallback_chain_stopped` (2026.9): no further candidate will be tried."""

    at: float
    run_id: str | None
    session_id: str | None
    reason: str | None
    session_key: str | None = None
    trace_id: str | None = None


class RotationCap(Struct, frozen=True):
    """`profile rotation cap reached …`, `run-retry-limit`, idle circuit breaker: a built-in brake."""

    at: float
    text: str
    session_key: str | None = None
    trace_id: str | None = None


class RunNamed(Struct, frozen=True):
    """A line that names the run of a trace: the gateway's reply to the caller (seen on 2026.7.35, 2026.9.6)."""

    at: float
    run_id: str
    trace_id: str | None = None


class TurnRefused(Struct, frozen=True):
    """A caller refused because a session is taken (2026.8 on).

    `already has an active turn claim` names the session's id, `changed while starting work` its key.
    """

    at: float
    session_id: str | None
    session_key: str | None
    text: str
    trace_id: str | None = None


class GatewayRefused(Struct, frozen=True):
    """A gateway that was being started was turned away, or waits, because of another owner.

    `gateway already running (pid N); lock timeout after Nms` in all versions read. `pid` of the owner as
    OpenClaw read it in the lock, None where the line names none: 2026.9.6 mostly says `another OpenClaw process
    owns gateway-lifecycle` (seen). `waited_ms` before it gave up. `port`: that
    port is taken. `role`: what the owner is that is no gateway (2026.8 on). `waiting`: it goes on trying.
    The line names no root.
    """

    at: float
    pid: int | None = None
    waited_ms: int | None = None
    port: int | None = None
    role: str | None = None
    waiting: bool = False


class AttemptStarted(Struct, frozen=True):
    """An attempt began: lifecycle `start` of the event stream, or `embedded run start` where logged."""

    at: float
    run_id: str
    session_id: str | None = None
    session_key: str | None = None
    provider: str | None = None
    model: str | None = None


class RunEnded(Struct, frozen=True):
    """A run ended: lifecycle `end`/`error`, or `embedded run done` where logged."""

    at: float
    run_id: str
    ok: bool
    aborted: bool = False
    session_id: str | None = None
    session_key: str | None = None


class PromptError(Struct, frozen=True):
    """Transcript entry `openclaw:prompt-error`: one per timed-out or aborted attempt; joins run to session."""

    at: float
    run_id: str | None
    session_id: str | None
    provider: str | None = None
    model: str | None = None
    error: str | None = None


Event = (
    RunTimeout
    | ProfileTimedOut
    | FailoverDecision
    | ModelFallbackDecision
    | LaneWait
    | LaneTaskError
    | StuckSession
    | RecoveryOutcome
    | LockBlocked
    | StaleLockRemoved
    | WatchdogRelease
    | CompactionTimeout
    | RunAborted
    | AuthProfileFailure
    | AgentEnd
    | AllModelsFailed
    | SameModelRetry
    | ChainStopped
    | RotationCap
    | RunNamed
    | TurnRefused
    | GatewayRefused
    | AttemptStarted
    | RunEnded
    | PromptError
)

Traced = (
    RunTimeout
    | ProfileTimedOut
    | FailoverDecision
    | ModelFallbackDecision
    | LaneTaskError
    | LockBlocked
    | CompactionTimeout
    | RunAborted
    | AuthProfileFailure
    | AgentEnd
    | AllModelsFailed
    | SameModelRetry
    | ChainStopped
    | RotationCap
    | RunNamed
    | TurnRefused
)
"""Events that tell the trace of their run, where the version writes one."""
