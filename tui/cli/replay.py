"""`lockdeck replay`: who was occupied when, for how long, by which attempts, and what the policy says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lockdeck.backend.model.runs.events import GatewayRefused
from lockdeck.backend.model.runs.history import PastOccupation
from lockdeck.backend.model.runs.records import Attempt
from lockdeck.backend.model.sessions.loglines import line_of
from lockdeck.backend.model.wire import SCHEMA, attempt_json, dumps, iso
from lockdeck.backend.model.words import times
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.backend.watch.logs.replay import PastRun, Replay, replay
from lockdeck.tui.cli.exits import Exit
from lockdeck.tui.cli.output import emit, narrate
from lockdeck.tui.view.plain import duration


def replay_logs(paths: Sequence[str], as_json: bool) -> Exit:
    """Print what the logs tell; 2 when none of them could be read."""
    found = replay(paths)
    for problem in found.problems:
        narrate(problem)
    if not found.lines:
        return Exit.USAGE
    if as_json:
        emit(dumps(replay_json(found), indent=2))
    else:
        for line in replay_lines(found):
            emit(line)
    return Exit.OK


def replay_json(found: Replay) -> dict[str, Any]:
    """Shape: logs, lines, counts, runs, occupations, refusedStarts, unjoined, problems."""
    totals = found.lines.values()
    return {
        "schema": SCHEMA,
        "logs": list(found.lines),
        "lines": sum(counts.lines for counts in totals),
        "relevant": sum(counts.relevant for counts in totals),
        "malformed": sum(counts.malformed for counts in totals),
        "oversize": sum(counts.oversize for counts in totals),
        "counts": found.kinds,
        "runsWithDecisions": sum(bool(past.decisions) for past in found.runs),
        "runs": [_run(past) for past in found.runs],
        "occupations": [_occupation(past) for past in found.occupations],
        "refusedStarts": [_refused_start(told) for told in found.refused_starts],
        "unjoined": found.unjoined,
        "problems": list(found.problems),
    }


def _run(past: PastRun) -> dict[str, Any]:
    run = past.run
    return {
        "runId": run.run_id,
        "sessionId": run.session_id,
        "sessionKey": past.session_key,
        "outcome": run.outcome.value if run.outcome else None,
        "endedAt": iso(run.ended_at),
        "failure": run.failure,
        "timeouts": run.timeouts,
        "lockFailures": sum(attempt.reason == "lock" for attempt in run.attempts),
        "locked": past.locked,
        "attempts": [attempt_json(attempt) for attempt in run.attempts],
        "decisions": [
            {
                "at": iso(decision.event.at),
                "stage": decision.event.stage,
                "decision": decision.event.decision,
                "reason": decision.event.reason,
                "timedOut": decision.event.timed_out,
                "fixWouldStop": decision.fix_would_stop,
            }
            for decision in past.decisions
        ],
        "candidates": [
            {
                "at": iso(told.at),
                "decision": told.decision,
                "attempt": told.attempt,
                "total": told.total,
                "candidate": told.candidate,
                "reason": told.reason if told.lock_timeout is None else "lock",
                "loggedReason": told.reason,
            }
            for told in run.candidates
        ],
    }


def _refused_start(told: GatewayRefused) -> dict[str, Any]:
    return {
        "at": iso(told.at),
        "pid": told.pid,
        "waitedMs": told.waited_ms,
        "port": told.port,
        "role": told.role,
        "waiting": told.waiting,
        "sentence": line_of(told),
    }


def _occupation(past: PastOccupation) -> dict[str, Any]:
    return {
        "runId": past.run_id,
        "sessionId": past.session_id,
        "sessionKey": past.session_key,
        "since": iso(past.since),
        "until": iso(past.until),
        "ms": past.ms,
        "heldMs": past.held_ms,
        "outcome": past.outcome.value if past.outcome else None,
        "attempts": [attempt_json(attempt) for attempt in past.attempts],
        "policy": {
            "wouldStopAt": past.policy.would_stop_at,
            "avoidableMs": past.policy.avoidable_ms,
            "sentence": past.policy.sentence,
        },
    }


def replay_lines(found: Replay) -> Iterator[SafeText]:
    """Render the occupations with their attempts, runs that failed on a lock, gateways that were refused, then figures."""
    for past in found.occupations:
        end = past.outcome.value if past.outcome else "end not logged"
        span = f"{iso(past.since)} to {iso(past.until)}"
        yield safe(f"{_who(past.session_key, past.session_id)}  run {past.run_id}")
        yield safe(
            f"  occupied {duration(past.ms / 1000)} ({span}), locked {duration(past.held_ms / 1000)}: {end}"
        )
        for attempt in past.attempts:
            yield safe(f"    {_attempt(attempt, past.until)}")
        yield safe(f"  policy: {past.policy.sentence}")
    for run in found.runs:
        if run.locked:
            yield safe(f"{_who(run.session_key, run.run.session_id)}  run {run.run.run_id}")
            yield safe(f"  {run.locked}")
    for told in found.refused_starts:
        yield safe(f"{iso(told.at)}  {line_of(told)}")
    if found.occupations or found.refused_starts or any(run.locked for run in found.runs):
        yield SafeText("")
    for kind, count in found.kinds.items():
        yield safe(f"{count:>7}  {kind}")
    lines = sum(counts.lines for counts in found.lines.values())
    unread = sum(counts.malformed + counts.oversize for counts in found.lines.values())
    runs = sum(bool(past.decisions) for past in found.runs)
    yield safe(
        f"{times(lines, 'line')}, {unread} not understood, {times(len(found.runs), 'run')} "
        f"({runs} with decisions), {times(found.unjoined, 'line that names no run', 'lines that name no run')}"
    )


def _who(key: str | None, session_id: str | None) -> str:
    return key or (f"session {session_id}" if session_id else "session not known")


def _attempt(attempt: Attempt, until: float) -> str:
    what = attempt.profile or "/".join(part for part in (attempt.provider, attempt.model) if part) or "?"
    then = f" -> {attempt.decision}" if attempt.decision else ""
    return f"attempt {attempt.index}  {what}  {duration(attempt.duration_s(until))}  {attempt.reason or '-'}{then}"
