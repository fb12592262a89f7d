"""Plans and does actions on this machine, away from the UI thread: what is here may take seconds, and knows no widget."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.actions.release.aftermath import (
    TranscriptState,
    append_aftermath,
    transcript_state,
    watch_name,
)
from lockdeck.backend.actions.release.newcomers import Newcomers, Patience, await_quiet, newcomers_at
from lockdeck.backend.actions.release.plan import plan_release
from lockdeck.backend.actions.release.records import (
    Override,
    Refusal,
    ReleaseOutcome,
    ReleasePlan,
    Status,
)
from lockdeck.backend.actions.release.release import release
from lockdeck.backend.actions.release.sentences import waiting
from lockdeck.backend.hosts.told import ReleaseTold
from lockdeck.backend.model.fleet import Severity
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.words import duration
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system.clocks import steady_time
from lockdeck.backend.system.text import safe
from lockdeck.tui.acting.outcomes import severity_of
from lockdeck.tui.jobs import WORKING, Piece
from lockdeck.tui.operations import ActionContext, Ladder, Later, Offer, Planned, Remaining, Tell
from lockdeck.tui.targets import Target

if TYPE_CHECKING:
    from lockdeck.backend.actions.cancel.records import CancelOutcome

ENDED = "process ended"
"""The result where a process has ended as asked and left its lock behind, which can be released."""
READ_ONLY = "the configuration says that nothing is changed in this root (read_only)"


class LocalActs:
    """Plans and does actions with the code of this machine; see `Acts`. What is of another host is never touched."""

    def __init__(self, context: ActionContext) -> None:
        self._context = context

    def offer_releases(self, targets: Sequence[Target], remaining: Remaining) -> tuple[Offer, ...]:
        """See Acts."""
        offers: tuple[Offer, ...] = ()
        for target in targets:
            offers = (*offers, offer_release(target, self._context, may_override=len(targets) == 1))
            remaining(len(targets) - len(offers))
        return offers

    def wait_until_quiet(
        self, offers: Sequence[Offer], tell: Callable[[float], object], over: threading.Event
    ) -> None:
        """See Acts."""
        for offer in sorted(offers, key=lambda offer: -offer.plan.wait_s):
            wait_until_quiet(_own(offer.plan), tell, over.is_set)

    def do_releases(self, offers: Sequence[Offer], tell: Tell, later: Later) -> None:
        """See Acts: one lock after another."""
        do_releases(offers, self._context, tell, later)

    def offer_cancels(self, targets: Sequence[Target], remaining: Remaining) -> tuple[Planned, ...]:
        """See Acts."""
        planned: tuple[Planned, ...] = ()
        for target in targets:
            planned = (*planned, (target, offer_cancel(target, self._context)))
            remaining(len(targets) - len(planned))
        return planned

    def do_cancels(
        self, targets: Sequence[Target], ladders: Sequence[Ladder], allow: frozenset[str], tell: Tell
    ) -> None:
        """See Acts: one session after another."""
        plans = [plan for plan in ladders if isinstance(plan, CancelPlan)]
        if len(plans) != len(ladders):
            raise ValueError("a ladder that another host told is nothing to be done here")
        do_cancels(targets, plans, allow, self._context, tell)

    def stop(self) -> None:
        """See Acts: here nothing waits for its turn."""

    def close(self) -> None:
        """See Acts: nothing is open."""


def _own(plan: ReleasePlan | ReleaseTold) -> ReleasePlan:
    """Return a plan that was made here. Raises ValueError."""
    if not isinstance(plan, ReleasePlan):
        raise ValueError("a plan that another host told is nothing to be done here")
    return plan


def _here(target: Target) -> None:
    """Raise ValueError for what is of another host."""
    if target.row.host:
        raise ValueError(f"{target.row.host} is another host: nothing of it is touched from here")


def offer_release(target: Target, context: ActionContext, *, may_override: bool = False) -> Offer:
    """Look afresh at the hold that was aimed at, and say what a release would do or why it is refused.

    Where a person may vouch for what is not proven (`may_override`), the plan is the one on their word.
    """
    _here(target)
    if target.lock is None:
        none = Refusal(("this session has no lock",))
        return Offer(target, ReleasePlan(target.row.name, None, context.clock(), refusal=none))
    path = target.lock.record.path
    root = context.settings.root(target.lock.record.root)
    plan = _plan(path, target.release_id, context)
    if may_override and plan.refusal is not None:
        plan = _overridden(plan, target.release_id, context)
    if root.read_only:
        reasons = plan.refusal.reasons if plan.refusal else ()
        plan = replace(plan, refusal=Refusal((READ_ONLY, *reasons)))
    return Offer(target, plan, _written_at(path))


def _overridden(plan: ReleasePlan, release_id: str | None, context: ActionContext) -> ReleasePlan:
    """Return the plan on a person's word, where that is all that is missing; else the plan as it is."""
    if plan.view is None or plan.view.judgement.verdict is not Verdict.LEAKED:
        return plan
    override = Override(Verdict.LEAKED.value, plan.path)
    vouched = _plan(plan.path, release_id, context, override)
    return plan if vouched.refusal is not None else vouched


def wait_until_quiet(
    plan: ReleasePlan, tell: Callable[[float], object], unwanted: Callable[[], bool]
) -> None:
    """Wait as a release does for young processes of OpenClaw; `tell` hears how many seconds that may still take.

    It ends early when it is `unwanted`.
    """
    assert plan.place is not None

    def look(place: Place) -> Newcomers:
        return () if unwanted() else newcomers_at(place)

    await_quiet(plan.place, Patience(look, steady_time, tell=lambda seconds, _newcomers: tell(seconds)))


def _plan(
    path: str, release_id: str | None, context: ActionContext, override: Override | None = None
) -> ReleasePlan:
    """Look at a lock; without a release id at whatever hold is there now."""
    return plan_release(
        path,
        release_id,
        env=context.env,
        clock=context.clock,
        vouches=context.settings.vouch_for,
        override=override,
    )


def do_releases(offers: Sequence[Offer], context: ActionContext, tell: Tell, later: Later) -> None:
    """Release one lock after another; each has its result at once, and is watched afterwards."""
    for index, offer in enumerate(offers):
        plan = _own(offer.plan)
        tell(index, Piece(offer.target, WORKING, sentences=("proving everything a second time",)))
        transcript = transcript_state(plan.path)
        outcome = release(
            plan,
            journal=context.journal,
            clock=context.clock,
            wait=context.wait,
            watch_s=0,
            patience=Patience(newcomers_at, steady_time, tell=partial(_tell_countdown, index, offer, tell)),
        )
        piece = _released(offer.target, outcome)
        tell(index, piece)
        if outcome.status is Status.RELEASED and context.watch_s > 0:
            later(_follow_up(index, offer, piece, transcript, context, tell))


def _tell_countdown(index: int, offer: Offer, tell: Tell, seconds: float, newcomers: Newcomers) -> None:
    tell(index, Piece(offer.target, WORKING, sentences=(waiting(seconds, newcomers),)))


def _released(target: Target, outcome: ReleaseOutcome) -> Piece:
    status = outcome.status.value
    quarantined = (f"kept in quarantine: {safe(outcome.quarantined, 1000)}",) if outcome.quarantined else ()
    return Piece(target, status, severity_of(status), (*outcome.sentences, *quarantined), ended=True)


def _follow_up(
    index: int, offer: Offer, piece: Piece, transcript: TranscriptState, context: ActionContext, tell: Tell
) -> Callable[[], None]:
    """Return the work that tells who takes the released name next."""
    place = _own(offer.plan).place
    assert place is not None

    def work() -> None:
        tell(index, piece.with_sentence(f"watching for {duration(context.watch_s)} who takes the lock next"))
        aftermath = watch_name(place, transcript, context.watch_s, steady_time, context.wait)
        sentences = append_aftermath(context.journal, place, offer.plan.release_id, aftermath)
        tell(index, piece.with_sentence(*sentences))

    return work


def offer_cancel(target: Target, context: ActionContext) -> CancelPlan | None:
    """Look afresh and put the ladder together; None where the session or its root is not known any more."""
    from lockdeck.backend.actions.cancel.plan import plan_cancel

    _here(target)
    if target.session is None or target.root is None:
        return None
    plan = plan_cancel(
        target.session,
        target.root,
        env=context.env,
        logs=context.logs(),
        folder=context.journal.folder,
        clock=context.clock,
        wait=context.wait,
        limits=context.limits,
    )
    if context.settings.root(target.root.path).read_only:
        return replace(plan, refusal=(READ_ONLY, *plan.refusal))
    return plan


def do_cancels(
    targets: Sequence[Target],
    plans: Sequence[CancelPlan],
    allow: frozenset[str],
    context: ActionContext,
    tell: Tell,
) -> None:
    """Cancel one session after another with the rungs that were confirmed; each has its result at once."""
    from lockdeck.backend.actions.cancel.cancel import cancel_many
    from lockdeck.backend.actions.cancel.context import CancelTools

    pieces = [Piece(target, WORKING) for target in targets]
    at = 0

    def hear(sentence: str) -> None:
        pieces[at] = pieces[at].with_sentence(sentence)
        tell(at, pieces[at])

    def progress(plan: CancelPlan, outcome: CancelOutcome | None) -> None:
        nonlocal at
        at = next(index for index, planned in enumerate(plans) if planned is plan)
        if outcome is not None:
            lock = remaining_lock(targets[at], plan, context)
            pieces[at] = _cancelled(targets[at], outcome, lock)
            if lock is not None and outcome.steps and outcome.steps[-1].left_lock:
                pieces[at] = replace(pieces[at], word=ENDED, severity=Severity.OK)
        tell(at, pieces[at])

    tools = CancelTools(context.journal, context.clock, context.wait, hear)
    cancel_many(plans, allow=allow, tools=tools, progress=progress)


def remaining_lock(target: Target, plan: CancelPlan, context: ActionContext) -> Target | None:
    """Return the target for a release of the lock that stands at a cancelled session, None where it is not stale.

    It may be another hold than the one that was seen when the key was pressed: a rotation takes many.
    """
    if plan.place is None:
        return None
    view = _plan(plan.place.path, None, context).view
    if view is None or not view.judgement.releasable:
        return None
    return replace(target, lock=view)


def _cancelled(target: Target, outcome: CancelOutcome, lock: Target | None) -> Piece:
    return Piece(
        target,
        outcome.status,
        severity_of(outcome.status),
        outcome.sentences,
        ended=True,
        next_rung=outcome.next_rung,
        remaining_lock=lock,
    )


def _written_at(lock_path: str) -> float | None:
    try:
        return os.stat(lock_path.removesuffix(".lock"), follow_symlinks=False).st_mtime
    except OSError:
        return None
