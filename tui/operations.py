"""Plans and does actions, away from the UI thread: every function here may take seconds, and knows no widget."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.actions.journal import Journal, default_journal
from lockdeck.backend.actions.release.aftermath import (
    TranscriptState,
    append_aftermath,
    transcript_state,
    watch_name,
)
from lockdeck.backend.actions.release.plan import plan_release
from lockdeck.backend.actions.release.records import Refusal, ReleaseOutcome, ReleasePlan, Status
from lockdeck.backend.actions.release.release import release
from lockdeck.backend.model.fleet import Severity
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system.text import safe
from lockdeck.tui.jobs import WORKING, Piece
from lockdeck.tui.targets import Aim

if TYPE_CHECKING:
    from lockdeck.backend.actions.cancel.context import CancelLimits
    from lockdeck.backend.actions.cancel.records import CancelOutcome, CancelPlan

Tell = Callable[[int, Piece], None]
"""Hears how the piece at an index stands now."""
Later = Callable[[Callable[[], None]], None]
"""Runs something that nobody waits for."""
READ_ONLY = "the configuration says that nothing is changed in this root (read_only)"


@dataclass(frozen=True, slots=True)
class Hands:
    """What actions are done with. `watch_s`: how long a released lock's name is watched, in seconds."""

    journal: Journal = field(default_factory=default_journal)
    env: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    settings: Settings = field(default_factory=Settings)
    logs: Callable[[], Sequence[str]] = tuple
    watch_s: float = 30.0
    clock: Callable[[], float] = time.time
    wait: Callable[[float], object] = time.sleep
    limits: CancelLimits | None = None


class Offer(Struct, frozen=True):
    """A release as planned. `written_at`: when the transcript was last written to, epoch seconds."""

    aim: Aim
    plan: ReleasePlan
    written_at: float | None = None


def offer_release(aim: Aim, hands: Hands) -> Offer:
    """Look afresh at the hold that was aimed at, and say what a release would do or why it is refused."""
    if aim.lock is None:
        none = Refusal(("this session has no lock",))
        return Offer(aim, ReleasePlan(aim.row[2], None, hands.clock(), refusal=none))
    path = aim.lock.record.path
    root = hands.settings.root(aim.lock.record.root)
    plan = _plan(path, aim.release_id, hands)
    if root.read_only:
        reasons = plan.refusal.reasons if plan.refusal else ()
        plan = replace(plan, refusal=Refusal((READ_ONLY, *reasons)))
    return Offer(aim, plan, _written_at(path))


def _plan(path: str, release_id: str | None, hands: Hands) -> ReleasePlan:
    """Look at a lock; without a release id at whatever hold is there now."""
    return plan_release(
        path,
        release_id,
        env=hands.env,
        clock=hands.clock,
        vouches=hands.settings.vouches_for,
    )


def do_releases(offers: Sequence[Offer], hands: Hands, tell: Tell, later: Later) -> None:
    """Release one lock after another; each has its result at once, and is watched afterwards."""
    for index, offer in enumerate(offers):
        tell(index, Piece(offer.aim, WORKING, sentences=("proving everything a second time",)))
        transcript = transcript_state(offer.plan.path)
        outcome = release(offer.plan, journal=hands.journal, clock=hands.clock, wait=hands.wait, watch_s=0)
        piece = _released(offer.aim, outcome)
        tell(index, piece)
        if outcome.status is Status.RELEASED and hands.watch_s > 0:
            later(_follow_up(index, offer, piece, transcript, hands, tell))


def _released(aim: Aim, outcome: ReleaseOutcome) -> Piece:
    severity = {Status.RELEASED: Severity.OK, Status.REFUSED: Severity.WARNING}.get(
        outcome.status, Severity.CRITICAL
    )
    kept = (f"kept in quarantine: {safe(outcome.quarantined, 1000)}",) if outcome.quarantined else ()
    return Piece(aim, outcome.status.value, severity, (*outcome.sentences, *kept), ended=True)


def _follow_up(
    index: int, offer: Offer, piece: Piece, transcript: TranscriptState, hands: Hands, tell: Tell
) -> Callable[[], None]:
    """Return the work that tells who takes the released name next."""
    place = offer.plan.place
    assert place is not None

    def work() -> None:
        tell(index, piece.telling(f"watching for {hands.watch_s:.0f} s who takes the lock next"))
        aftermath = watch_name(place, transcript, hands.watch_s, hands.clock, hands.wait)
        sentences = append_aftermath(hands.journal, place, offer.plan.release_id, aftermath)
        tell(index, piece.telling(*sentences))

    return work


def offer_cancel(aim: Aim, hands: Hands) -> CancelPlan | None:
    """Look afresh and put the ladder together; None where the session or its root is not known any more."""
    from lockdeck.backend.actions.cancel.plan import plan_cancel

    if aim.session is None or aim.root is None:
        return None
    plan = plan_cancel(
        aim.session,
        aim.root,
        env=hands.env,
        logs=hands.logs(),
        folder=hands.journal.folder,
        clock=hands.clock,
        wait=hands.wait,
        limits=hands.limits,
    )
    if hands.settings.root(aim.root.path).read_only:
        return replace(plan, refusal=(READ_ONLY, *plan.refusal))
    return plan


def do_cancels(
    aims: Sequence[Aim], plans: Sequence[CancelPlan], allow: frozenset[str], hands: Hands, tell: Tell
) -> None:
    """Cancel one session after another with the rungs that were confirmed; each has its result at once."""
    from lockdeck.backend.actions.cancel.cancel import cancel_many
    from lockdeck.backend.actions.cancel.context import CancelTools

    pieces = [Piece(aim, WORKING) for aim in aims]
    at = 0

    def hear(sentence: str) -> None:
        pieces[at] = pieces[at].telling(sentence)
        tell(at, pieces[at])

    def progress(plan: CancelPlan, outcome: CancelOutcome | None) -> None:
        nonlocal at
        at = next(index for index, known in enumerate(plans) if known is plan)
        if outcome is not None:
            left = left_behind(aims[at], plan, hands)
            pieces[at] = _cancelled(aims[at], outcome, left)
        tell(at, pieces[at])

    tools = CancelTools(hands.journal, hands.clock, hands.wait, hear)
    cancel_many(plans, allow=allow, tools=tools, progress=progress)


def left_behind(aim: Aim, plan: CancelPlan, hands: Hands) -> Aim | None:
    """Return what to aim at to release the lock that stands at a cancelled session, None where it is not stale.

    It may be another hold than the one that was seen when the key was pressed: a rotation takes many.
    """
    if plan.place is None:
        return None
    view = _plan(plan.place.path, None, hands).view
    if view is None or not view.judgement.releasable:
        return None
    return replace(aim, lock=view)


def _cancelled(aim: Aim, outcome: CancelOutcome, left: Aim | None) -> Piece:
    severity = {
        "cancelled": Severity.OK,
        "nothing-to-cancel": Severity.NOTICE,
        "refused": Severity.WARNING,
    }.get(outcome.status, Severity.CRITICAL)
    return Piece(
        aim,
        outcome.status,
        severity,
        outcome.sentences,
        ended=True,
        next_rung=outcome.next_rung,
        left=left,
    )


def _written_at(lock_path: str) -> float | None:
    try:
        return os.stat(lock_path.removesuffix(".lock"), follow_symlinks=False).st_mtime
    except OSError:
        return None
