"""The outcomes of a cancel, in sentences: what the steps taken come to, and what could be tried next."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lockdeck.backend.actions.cancel.ladder import RESTART
from lockdeck.backend.actions.cancel.records import (
    CANCELLED,
    FAILED,
    NOTHING,
    STILL_ROTATING,
    CancelOutcome,
    CancelPlan,
    Step,
)


def not_confirmed(plan: CancelPlan, allow: Collection[str]) -> tuple[str, ...]:
    """Say why none of the allowed rungs can be done; empty where one can."""
    allowed = [rung for rung in plan.rungs if rung.consent in allow]
    if not allowed:
        names = ", ".join(rung.name for rung in plan.rungs)
        others = (
            f"{rung.title} ends more than this session and is allowed like a restart: {'; '.join(rung.loses)}"
            for rung in plan.rungs
            if rung.consent != rung.name
        )
        return (f"none of the rungs that there are was confirmed: {names}", *others, *plan.notes)
    if all(rung.scopes_missing for rung in allowed):
        return tuple(f"{rung.title}: {', '.join(rung.scopes_missing)} is not granted" for rung in allowed)
    return ()


def cancelled(plan: CancelPlan, steps: Sequence[Step], until_rung: float) -> CancelOutcome:
    """Report that the last step worked; it began `until_rung` seconds after the key."""
    step = steps[-1]
    free = None if step.free_after_ms is None else round(until_rung * 1000) + step.free_after_ms
    sentences = [step.sentence for step in steps]
    if free is not None:
        sentences.append(f"{free} ms from key to free session")
    return CancelOutcome(
        CANCELLED, plan.key, step.rung, free, step.verified_ms, tuple(sentences), tuple(steps)
    )


def nothing_to_end(plan: CancelPlan, steps: Sequence[Step], reason: str, waited_s: float) -> CancelOutcome:
    """Report that nothing is left to end: after a rung that did not seem to work, that is its late effect."""
    sentences = (*(step.sentence for step in steps), reason)
    if not any(step.answer for step in steps):
        return CancelOutcome(NOTHING, plan.key, sentences=sentences, steps=tuple(steps))
    verified = round(waited_s * 1000)
    return CancelOutcome(CANCELLED, plan.key, steps[-1].rung, None, verified, sentences, tuple(steps))


def not_cancelled(plan: CancelPlan, allow: Collection[str], steps: Sequence[Step]) -> CancelOutcome:
    """Report that no allowed rung worked, and name the first that was not allowed."""
    status = STILL_ROTATING if any(step.went_on for step in steps) else FAILED
    following = next((rung for rung in plan.rungs if rung.consent not in allow), None)
    sentences = [step.sentence for step in steps]
    if following is not None:
        sentences.append(
            f"next rung: {following.name} ({following.does}); it loses {'; '.join(following.loses)}"
        )
    return CancelOutcome(
        status,
        plan.key,
        sentences=tuple(sentences),
        steps=tuple(steps),
        next_rung=following.name if following else None,
    )


def honest_answer(plan: CancelPlan, failures: int) -> str:
    """Say what cancels that fail on one gateway mean, and what a restart of it costs."""
    last = next((rung for rung in plan.rungs if rung.name == RESTART), None)
    cost = "; ".join(last.loses) if last else "the runs of all its sessions"
    return f"{failures} cancels failed on this gateway: a restart is the honest answer; it costs {cost}"
