"""The journal entries of a cancel: what was refused, which rung begins, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from lockdeck.backend.actions.cancel.ladder import Rung
from lockdeck.backend.actions.cancel.records import NOTHING, CancelPlan, Step
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.wire import evidence_json
from lockdeck.backend.system.accounts import person


def append_refused(journal: Journal, plan: CancelPlan, reasons: Sequence[str]) -> tuple[str, ...]:
    """Journal a refusal and return its reasons; one more where that can't be done."""
    try:
        journal.append("cancel-refused", key=plan.key, root=plan.root, user=person(), reasons=list(reasons))
    except OSError as error:
        return (*reasons, f"the journal can't be written: {error}")
    return tuple(reasons)


def append_begin(journal: Journal, plan: CancelPlan, rung: Rung) -> None:
    """Journal that a rung begins. OSError."""
    journal.append("cancel-begin", **_facts(plan, rung))


def append_nothing(journal: Journal, plan: CancelPlan, rung: Rung, reason: str) -> None:
    """Journal that nothing was left for a rung to end. OSError."""
    journal.append("cancel-end", **_facts(plan, rung), outcome=NOTHING, why=reason)


def append_end(journal: Journal, plan: CancelPlan, rung: Rung, step: Step) -> Step:
    """Journal how a rung ended; what can't be written any more is said instead, for the rung has been done."""
    try:
        journal.append("cancel-end", **_facts(plan, rung), outcome=step.to_json())
    except OSError as error:
        return replace(step, sentence=f"{step.sentence} (the journal can't be written: {error})")
    return step


def _facts(plan: CancelPlan, rung: Rung) -> dict[str, object]:
    return {
        "key": plan.key,
        "root": plan.root,
        "user": person(),
        "runId": plan.run_id,
        "rung": rung.name,
        "does": rung.does,
        "version": plan.version,
        "pid": plan.pid,
        "startTicks": plan.holder_ticks,
        "argv": plan.argv or None,
        "otherSessions": list(plan.held),
        "releaseId": plan.view.release_id if plan.view else None,
        "evidence": evidence_json(plan.view.evidence) if plan.view else None,
    }
