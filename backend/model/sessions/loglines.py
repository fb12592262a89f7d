"""A session's log as sentences: made from typed events, so that no raw log text, prompt or secret is shown.

Free text of a log line (errors, failures) is never repeated; names that OpenClaw writes in fields of their own
(model, profile, decision, reason) are, as far as they look like names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from lockdeck.backend.model.runs import events as ev
from lockdeck.backend.model.words import duration, times

MOST_LINES = 50
"""So many of a session's newest lines are kept."""
SAME_LINE_S = 0.5
"""OpenClaw tells some things twice, once per lane; a sentence again within this many seconds is the same one."""

_NAME = re.compile(r"[\w.@:/+-]{1,80}\Z")


class LogLine(Struct, frozen=True):
    """One thing the log tells of a session: when (epoch seconds), the sentence, and whether it is bad news."""

    at: float
    sentence: str
    bad: bool = False


def log_of(events: Iterable[ev.Event]) -> tuple[LogLine, ...]:
    """Return the newest 50 lines of the events of one session, oldest first; what is told twice, once."""
    lines: list[LogLine] = []
    telling = (event for event in events if not isinstance(event, _SILENT))
    for event in sorted(telling, key=lambda event: event.at)[-2 * MOST_LINES :]:
        made = LogLine(event.at, line_of(event), isinstance(event, _BAD))
        if not any(old.sentence == made.sentence and made.at - old.at <= SAME_LINE_S for old in lines[-4:]):
            lines.append(made)
    return tuple(lines[-MOST_LINES:])


def line_of(event: ev.Event) -> str:
    """Return one event as a sentence."""
    return _SENTENCES[type(event)](event)


def _name(word: str | None, otherwise: str) -> str:
    """Return a name that looks like one; what looks like anything else is not repeated."""
    return word if word and _NAME.match(word) else otherwise


def _ms(value: int | None) -> str:
    return "an unknown time" if value is None else duration(value / 1000)


def _model(provider: str | None, model: str | None) -> str:
    named = _name(model, "")
    return f" on {'/'.join(word for word in (_name(provider, ''), named) if word)}" if named else ""


def _why(reason: str | None) -> str:
    named = _name(reason, "")
    return f" ({named})" if named else ""


def _lock(timeout: ev.LockTimeout) -> str:
    holder = f" held by pid {timeout.pid}" if timeout.pid is not None else ""
    return f"a caller gave up on the lock after {_ms(timeout.timeout_ms)}{holder}"


def _decision(event: ev.FailoverDecision) -> str:
    why = "the lock was taken" if event.lock_timeout else _name(event.reason, "an error")
    status = f", status {event.status}" if event.status is not None else ""
    return f"attempt over{_model(event.provider, event.model)}: {why}{status}; {_name(event.decision, 'decided')}"


def _candidate(event: ev.ModelFallbackDecision) -> str:
    if event.lock_timeout is not None:
        return _lock(event.lock_timeout)
    place = f" {event.attempt} of {event.total}" if event.attempt and event.total else ""
    following = _name(event.next_candidate, "")
    then = f"; next is {following}" if following else ""
    what = _name(event.decision, "decided").removeprefix("candidate_").replace("_", " ")
    return f"model{place} {_name(event.candidate, 'not named')} {what}{_why(event.reason)}{then}"


def _lane_error(event: ev.LaneTaskError) -> str:
    if event.lock_timeout is not None:
        return _lock(event.lock_timeout)
    return f"a task of the lane failed after {_ms(event.duration_ms)}"


def _lane_wait(event: ev.LaneWait) -> str:
    ahead = f" with {event.queue_ahead} ahead of it" if event.queue_ahead else ""
    return f"a message waited {_ms(event.waited_ms)} in the lane{ahead}"


def _stuck(event: ev.StuckSession) -> str:
    queue = f", {times(event.queue_depth, 'message')} queued" if event.queue_depth else ""
    state = f" in {_name(event.state, 'a state')}" if event.state else ""
    kind = _name(event.kind, "stuck")
    return f"OpenClaw calls the session {kind}{state} for {_ms(event.age_ms)}{queue}{_why(event.reason)}"


def _recovery(event: ev.RecoveryOutcome) -> str:
    what = _name(event.action, "") or _name(event.status, "outcome not told")
    freed = f", {times(event.released, 'lock')} released" if event.released else ""
    return f"OpenClaw tried to recover the session: {what}{freed}{_why(event.reason)}"


def _watchdog(event: ev.WatchdogRelease) -> str:
    limit = f" (limit {_ms(event.max_ms)})" if event.max_ms is not None else ""
    return (
        f"OpenClaw's watchdog dropped the lock after {_ms(event.held_ms)}{limit}; the run goes on without it"
    )


def _compaction(event: ev.CompactionTimeout) -> str:
    return "timed out and compacts the transcript now" if event.begins else "a compaction ran into a timeout"


def _aborted(event: ev.RunAborted) -> str:
    return "the run was aborted" if event.ok else "an abort of the run did not take"


def _cooldown(event: ev.AuthProfileFailure) -> str:
    whose = _name(event.provider, "")
    return f"a profile{f' of {whose}' if whose else ''} goes into cooldown{_why(event.reason)}"


def _inner_end(event: ev.AgentEnd) -> str:
    status = f" with status {event.status}" if event.status is not None else ""
    return f"the model call failed{status}{_model(event.provider, event.model)}{_why(event.reason)}"


def _all_failed(event: ev.AllModelsFailed) -> str:
    return f"all models failed ({event.total})" if event.total is not None else "all models failed"


def _retry(event: ev.SameModelRetry) -> str:
    place = f" {event.index} of {event.total}" if event.index and event.total else ""
    then = f" in {_ms(event.delay_ms)}" if event.delay_ms else ""
    return f"retry{place} on the same model{_model(None, event.model)}{then}{_why(event.reason)}"


def _refused_start(event: ev.GatewayRefused) -> str:
    owner = _name(event.role, "another gateway" if event.role is None else "another process")
    named = f", pid {event.pid}" if event.pid is not None else ""
    told = f"port {event.port} is taken" if event.port is not None else f"{owner} runs already{named}"
    return f"a gateway that was being started {'waits' if event.waiting else 'was refused'}: {told}"


def _ended(event: ev.RunEnded) -> str:
    return "the run was aborted" if event.aborted else "the run ended well" if event.ok else "the run failed"


def _prompt_error(event: ev.PromptError) -> str:
    error = (event.error or "").lower()
    how = "timed out" if "timed out" in error or "timeout" in error else "failed"
    return f"the transcript notes: the attempt{_model(event.provider, event.model)} {how}"


_SENTENCES: dict[type, Callable[[Any], str]] = {
    ev.RunTimeout: lambda event: f"the attempt ran into its budget of {_ms(event.timeout_ms)}",
    ev.ProfileTimedOut: lambda event: f"profile {_name(event.profile, 'not named')} timed out",
    ev.FailoverDecision: _decision,
    ev.ModelFallbackDecision: _candidate,
    ev.LaneWait: _lane_wait,
    ev.LaneTaskError: _lane_error,
    ev.StuckSession: _stuck,
    ev.RecoveryOutcome: _recovery,
    ev.LockBlocked: lambda event: _lock(event.lock_timeout),
    ev.StaleLockRemoved: lambda _event: "OpenClaw removed a stale lock at its start",
    ev.WatchdogRelease: _watchdog,
    ev.CompactionTimeout: _compaction,
    ev.RunAborted: _aborted,
    ev.AuthProfileFailure: _cooldown,
    ev.AgentEnd: _inner_end,
    ev.AllModelsFailed: _all_failed,
    ev.SameModelRetry: _retry,
    ev.ChainStopped: lambda event: f"no further model will be tried{_why(event.reason)}",
    ev.RotationCap: lambda _event: "a built-in brake stopped the rotation",
    ev.RunNamed: lambda _event: "OpenClaw named the run",
    ev.GatewayRefused: _refused_start,
    ev.TurnRefused: lambda _event: "a caller was refused: the session is taken",
    ev.AttemptStarted: lambda event: f"attempt began{_model(event.provider, event.model)}",
    ev.RunEnded: _ended,
    ev.PromptError: _prompt_error,
}

_BAD = (
    ev.RunTimeout,
    ev.ProfileTimedOut,
    ev.LaneTaskError,
    ev.LockBlocked,
    ev.StuckSession,
    ev.WatchdogRelease,
    ev.AllModelsFailed,
    ev.GatewayRefused,
    ev.TurnRefused,
)
_SILENT = (ev.RunNamed,)
"""Events that only help to join others."""
