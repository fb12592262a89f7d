"""The words of `lockdeck cancel`: a plan with its ladder, and what came of it, in lines. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lockdeck.backend.actions.cancel.ladder import Rung
from lockdeck.backend.actions.cancel.records import CancelOutcome, CancelPlan
from lockdeck.backend.model.words import times
from lockdeck.backend.system.text import SafeText, safe


def plan_lines(plan: CancelPlan) -> Iterator[SafeText]:
    """Yield a plan: how the gateway is reached, why it is refused, each rung and those that are left out."""
    yield safe(f"{plan.key}  {plan.root}")
    yield safe(
        f"  OpenClaw {plan.version or 'of unknown version'}, reached by {plan.reached_by or 'nothing yet'}"
    )
    if plan.pid is not None:
        role = "the gateway" if plan.is_gateway else "no gateway"
        argv = plan.argv or "its command line can't be seen"
        yield safe(f"  holder: pid {plan.pid}, {role}: {argv}", 1000)
    if plan.held:
        yield safe(f"  {len(plan.held)} more sessions of this process: {', '.join(plan.held)}", 4000)
    granted = "not told by this version" if plan.scopes is None else ", ".join(plan.scopes) or "none"
    yield safe(f"  scopes: {granted}")
    depth = "not known" if plan.queue_depth is None else str(plan.queue_depth)
    yield safe(f"  queued messages: {depth}")
    for reason in (*plan.refusal, *plan.not_known, *plan.notes):
        yield safe(f"  {reason}", 1000)
    for rung in plan.rungs:
        yield from rung_lines(rung)
    for omission in plan.left_out:
        yield safe(f"  not {omission.name}: {omission.reason}", 1000)


def bulk_lines(plans: Collection[CancelPlan]) -> Iterator[SafeText]:
    """Yield what is about to be done to several sessions, one line each: by what, and what else it ends."""
    yield safe(f"{times(len(plans), 'session')} to cancel, one after the other, each verified:")
    for plan in plans:
        hindrances = (*plan.refusal, *plan.not_known)
        first = plan.rungs[0].name if plan.rungs else "nothing: no rung can be had"
        step = hindrances[0] if hindrances else "nothing: it is not running" if plan.nothing else first
        others = f"; its process holds {times(len(plan.held), 'more session')}" if plan.held else ""
        yield safe(f"  {plan.key}: {step}{others}", 1000)


def rung_lines(rung: Rung) -> Iterator[SafeText]:
    """Yield one rung of the ladder: what it does, what it loses, which scopes it lacks."""
    yield safe(f"  {rung.name}: {rung.title}")
    yield safe(f"    {rung.does}", 1000)
    for loss in rung.loses:
        yield safe(f"    loses: {loss}", 1000)
    if rung.scopes_missing:
        yield safe(f"    lacks: {', '.join(rung.scopes_missing)}")


def outcome_lines(outcome: CancelOutcome, narrated: Collection[str]) -> Iterator[SafeText]:
    """Yield how it ended, with the sentences that were not narrated on the way."""
    free = "" if outcome.free_after_ms is None else f", free {outcome.free_after_ms} ms after the key"
    by = f" by {outcome.rung}" if outcome.rung else ""
    yield safe(f"{outcome.key}: {outcome.status}{by}{free}")
    for sentence in outcome.sentences:
        if sentence not in narrated:
            yield safe(f"  {sentence}", 1000)
