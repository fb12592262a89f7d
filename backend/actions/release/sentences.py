"""The sentences of a release plan: what would be done, why that is safe, what happens next, what helps instead."""

from __future__ import annotations

from lockdeck.backend.actions.release.newcomers import NEWCOMER_S, Newcomers, longest_wait
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.releases.reclaim import reclaim_sentences
from lockdeck.backend.model.words import duration

LANE = (
    "messages already queued in a gateway's lane are not freed by this: a lane waits on its run, not on the "
    "file, so a wedged run must be cancelled or the gateway restarted"
)

_WAYS_OUT = {
    Verdict.LITTER: (
        "its gateway holds the session, not a file: cancel the run (`lockdeck cancel`) or restart the gateway"
    ),
    Verdict.RELEASING: "wait until that release has ended, and look again: `lockdeck journal` tells what came of it",
    Verdict.REMOVED: "there is no file to release: cancel the run of that process or restart it",
}
_TAKE = "take this lock off its name in one step, while a stand-in that OpenClaw respects keeps it"
_CHECK = "check that it is this very lock, open by nobody; else put it back"
_FREE = (
    "then free the name and keep the lock file with its evidence in quarantine; the transcript is not touched"
)


def effects(newcomers: Newcomers) -> tuple[str, ...]:
    """Say what a release would do; which hold it is about is said beside it."""
    waits = (waiting(longest_wait(newcomers), newcomers),) if newcomers else ()
    return (*waits, _TAKE, _CHECK, _FREE)


def waiting(seconds: float, newcomers: Newcomers) -> str:
    """Say how long a release waits at most, and for whom."""
    first, *others = newcomers
    if not others:
        return f"wait up to {duration(seconds)}: {first.sentence}"
    pids = ", ".join(f"pid {one.pid} ({one.name})" for one in newcomers)
    return (
        f"wait up to {duration(seconds)}: {pids} of OpenClaw have just started: they may be reclaiming locks "
        f"themselves, and each must be {duration(NEWCOMER_S)} old or end"
    )


def judged(view: LockView) -> str:
    """Say in plain words why a lock is not released."""
    verdict = view.judgement.verdict
    if verdict in (Verdict.DEAD, Verdict.RECYCLED):
        return "its process has ended, but not all is proven that a safe release needs"
    return f"this lock counts as {verdict}: only one whose process has provably ended is released"


def safe_because(view: LockView, overridden: bool) -> tuple[str, ...]:
    """Say why that is safe, from the evidence."""
    reasons = view.judgement.reasons
    return (
        (*reasons, "a person checked this lock and vouches that its process has let go of it")
        if overridden
        else reasons
    )


def then(view: LockView) -> tuple[str, ...]:
    """Say what happens next."""
    return (*reclaim_sentences(view.judgement.verdict), "the next writer finds the name free", LANE)


def way_out(verdict: Verdict) -> tuple[str, ...]:
    """Say what does help where a release can't."""
    return (_WAYS_OUT[verdict],) if verdict in _WAYS_OUT else ()
