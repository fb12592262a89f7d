"""The JSON face of `lockdeck replay`: the shape promised by `docs/replay.schema.json`."""

from __future__ import annotations

from typing import Any

from lockdeck.backend.model.moments import iso
from lockdeck.backend.model.runs.events import GatewayRefused
from lockdeck.backend.model.runs.history import PastOccupation
from lockdeck.backend.model.runs.life import RunOutcome
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.wire import (
    SCHEMA,
    attempt_json,
    cancel_json,
    incident_json,
    moment_json,
    ms,
    times_json,
)
from lockdeck.backend.watch.logs.replay import PastRun, Replay
from lockdeck.tui.cli.replaying.timeline import timeline_json


def replay_json(history: Replay) -> dict[str, Any]:
    """Render all that a replay tells."""
    totals = history.totals
    return {
        "schema": SCHEMA,
        "logs": list(history.lines),
        "leftOut": history.left_out,
        "sources": [
            {"name": source.name, "logs": list(source.logs), "origins": list(source.origins)}
            for source in history.sources
        ],
        "lines": totals.lines,
        "relevant": totals.relevant,
        "malformed": totals.malformed,
        "oversize": totals.oversize,
        "unread": totals.unread,
        "firstUnread": totals.first_unread or None,
        "zoneless": totals.zoneless,
        "cut": totals.cut,
        "counts": history.kinds,
        "runsWithDecisions": sum(bool(past.decisions) for past in history.runs),
        "runs": [_run(past, history) for past in history.runs],
        "occupations": [_occupation(past, history) for past in history.occupations],
        "incidents": [incident_json(incident) for incident in history.incidents],
        "timeline": [timeline_json(happening) for happening in history.timeline],
        "wholeSince": iso(history.whole_since),
        "refusedStarts": [_refused_start(start) for start in history.refused_starts],
        "unjoined": history.unjoined,
        "problems": list(history.problems),
    }


def _run(past: PastRun, history: Replay) -> dict[str, Any]:
    run = past.run
    return {
        "runId": run.run_id,
        "sessionId": run.session_id,
        "sessionKey": past.session_key,
        "source": history.source_of(run.run_id),
        **_outcome(run, history),
        **moment_json("endedAt", run.ended_at),
        "times": times_json(run.last_activity),
        "failure": run.failure,
        "timeouts": run.timeouts,
        "lockFailures": sum(attempt.reason == "lock" for attempt in run.attempts),
        "locked": past.locked,
        "attempts": [attempt_json(attempt) for attempt in run.attempts],
        "decisions": [
            {
                **moment_json("at", decision.event.at),
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
                **moment_json("at", candidate.at),
                "decision": candidate.decision,
                "attempt": candidate.attempt,
                "total": candidate.total,
                "candidate": candidate.candidate,
                "reason": candidate.reason if candidate.lock_timeout is None else "lock",
                "loggedReason": candidate.reason,
            }
            for candidate in run.candidates
        ],
    }


def _outcome(run: Run | PastOccupation, history: Replay) -> dict[str, Any]:
    """Shape: outcome (null where not told), cancelled (who did it; null where lockdeck did not)."""
    cancel = history.cancel_of(run)
    outcome = run.outcome if cancel is None else RunOutcome.ABORTED
    return {"outcome": outcome.value if outcome else None, "cancelled": cancel_json(cancel)}


def _refused_start(start: GatewayRefused) -> dict[str, Any]:
    return {
        **moment_json("at", start.at),
        "times": times_json(start.at),
        "pid": start.pid,
        "waitedMs": start.waited_ms,
        "port": start.port,
        "role": start.role,
        "waiting": start.waiting,
        "reason": start.reason,
        "sentence": start.sentence(),
    }


def _occupation(past: PastOccupation, history: Replay) -> dict[str, Any]:
    return {
        "runId": past.run_id,
        "sessionId": past.session_id,
        "sessionKey": past.session_key,
        "source": history.source_of(past.run_id),
        **moment_json("since", past.since),
        "sinceAssumed": past.since_assumed,
        **moment_json("until", past.until),
        "times": times_json(past.until),
        "ms": past.ms,
        "heldMs": past.held_ms,
        "heldAssumed": past.held_assumed,
        "end": past.ending.value,
        "logGoesOnMs": ms(past.log_goes_on_s),
        **_outcome(past, history),
        "attempts": [attempt_json(attempt) for attempt in past.attempts],
        "policy": {
            "wouldStopAt": past.policy.would_stop_at,
            "avoidableMs": past.policy.avoidable_ms,
            "sentence": past.policy.sentence,
        },
    }
