"""The sentences of a release plan: what would be done, why that is safe, and what happens next."""

from __future__ import annotations

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.openclaw.locks.evidence import Place
from lockdeck.backend.system.text import safe

LANE = (
    "messages already queued in a gateway's lane are not freed by this: a lane waits on its run, not on the "
    "file, so a wedged run must be cancelled or the gateway restarted"
)

_DEAD = (
    "OpenClaw of every version up to 2026.7 reclaims the lock of a dead pid by itself at its next write to "
    "this session; with the gateway down nothing does until then"
)
_RECYCLED = (
    "OpenClaw from 2026.3.13 reclaims it by itself at its next write if the lock carries a start time; "
    "without one (2026.2.9, macOS) the reused pid looks alive to it and it waits 30 minutes"
)
_UNREADABLE = (
    "OpenClaw reclaims a lock without a readable pid only after a grace of 30 minutes (2026.3.13 to "
    "2026.4.24), 5 s (2026.4.29 to 2026.5.28) or 30 s (from 2026.6.11), and a gateway up to 2026.5.18 at its start"
)
_LEAKED = (
    "the process that this lock names is alive: up to 2026.4.29 on Linux OpenClaw reclaims such a lock only "
    "after 30 minutes, later versions when that very process acquires it again"
)
_LEAKED_RISK = (
    "if that process still believes that it holds the lock, versions up to 2026.5.7 will delete whatever "
    "stands at this path when it lets go: cancelling the run or restarting the gateway is the safer way"
)
_RECLAIM = {
    Verdict.DEAD: (_DEAD,),
    Verdict.RECYCLED: (_RECYCLED,),
    Verdict.UNREADABLE: (_UNREADABLE,),
    Verdict.LEAKED: (_LEAKED, _LEAKED_RISK),
}
_TAKE = "take the lock {} (release id {}) off its name in one step, while a stand-in that OpenClaw respects keeps it"
_CHECK = "check that what came out is exactly this lock and that nobody has it open; otherwise put it back"
_FREE = (
    "then free the name and keep the lock file with its evidence in quarantine; the transcript is not touched"
)


def effects(place: Place, view: LockView) -> tuple[str, ...]:
    """Say what a release would do to which hold."""
    return (_TAKE.format(safe(place.path), view.release_id), _CHECK, _FREE)


def why(view: LockView, overridden: bool) -> tuple[str, ...]:
    """Say why that is safe, from the evidence."""
    reasons = view.judgement.reasons
    return (
        (*reasons, "a person checked this lock and overrides the verdict leaked") if overridden else reasons
    )


def then(view: LockView) -> tuple[str, ...]:
    """Say what happens next."""
    return (*_RECLAIM.get(view.judgement.verdict, ()), "the next writer finds the name free", LANE)
