"""The kinds of stuck without a holder: a session that lets nobody in although nothing runs in it."""

from __future__ import annotations

from lockdeck.backend.model.runs.events import CallerRefusal
from lockdeck.backend.model.sessions.facts import SessionFacts
from lockdeck.backend.model.sessions.finding import Finding

REFUSING_S = 10.0
"""Callers refused within less than this (seconds) of each other met the end of one run."""
SILENT_S = 300.0
"""Where the gateway does not tell what runs, a refusal says this long (seconds) that the session is taken."""
CONFIRMED_S = 1800.0
"""Where the gateway shows no run, and has shown none since, a refusal says so for this long (seconds)."""
DIAGNOSIS_S = 600.0
"""OpenClaw's own diagnosis counts for so long (seconds): 2026.7.1 repeats it every six minutes."""
DRAIN_SLACK_S = 30.0


def refusing(facts: SessionFacts, now: float) -> Finding | None:
    """Callers are refused, one after the other, and nobody has the session."""
    refused = facts.refused
    if refused is None or facts.occupied:
        return None
    # Where runs take locks, other processes than the gateway refuse, too.
    if facts.restarted_since(refused.last) or (not facts.sees_locks and facts.gateway_lost(refused.last)):
        return None
    draining = refused.refusal is CallerRefusal.DRAINING
    if draining and now - refused.first <= facts.drain_s + DRAIN_SLACK_S:
        return None
    if refused.callers < 2 or refused.last - refused.first < REFUSING_S:
        return None
    if now - refused.last > (CONFIRMED_S if facts.gateway_tells and not draining else SILENT_S):
        return None
    return Finding(refused.first, (*refused.sentences(now), _left_over(facts, refused.refusal)))


def wedged(facts: SessionFacts, now: float) -> Finding | None:
    """OpenClaw itself calls the session stuck, messages wait or its recoveries free nothing, and nobody has it."""
    wedge = facts.wedge
    if wedge is None or facts.occupied or not wedge.is_proven or facts.gateway_lost(wedge.last_at):
        return None
    if now - wedge.last_at > DIAGNOSIS_S or _goes_on_since(facts, wedge.last_at):
        return None
    nobody = "no lock stands and no run is seen" if facts.sees_locks else "no run is seen"
    return Finding(wedge.since, (*wedge.sentences(now), nobody))


def _goes_on_since(facts: SessionFacts, at: float) -> bool:
    run_at = facts.run.last_activity if facts.run is not None else None
    return any(sign is not None and sign > at for sign in (facts.transcript_at, run_at))


def _left_over(facts: SessionFacts, refusal: CallerRefusal) -> str:
    if refusal is CallerRefusal.DRAINING:
        return "it drains longer than a gateway may: only its restart ends that"
    if facts.gateway_tells:
        left = (
            "the claim is left over" if refusal is CallerRefusal.CLAIMED else "what refuses them is left over"
        )
        return f"the gateway shows no run: {left}"
    if facts.sees_locks:
        return "no lock stands, and no log line shows a run that has the session"
    return "no log line shows a run that has the session, and the gateway itself tells nothing"
