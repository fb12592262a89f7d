"""The sentences of a release plan: what would be done, why that is safe, what happens next, what helps instead."""

from __future__ import annotations

from lockdeck.backend.actions.release.newcomers import Newcomers, longest_wait
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.releases.reclaim import reclaim_sentences
from lockdeck.backend.model.words import duration
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system.text import safe

LANE = (
    "messages already queued in a gateway's lane are not freed by this: a lane waits on its run, not on the "
    "file, so a wedged run must be cancelled or the gateway restarted"
)

_WAYS_OUT = {
    Verdict.LITTER: (
        "its gateway holds the session, not a file: cancel the run (`lockdeck cancel`) or restart the gateway"
    ),
    Verdict.REMOVED: "there is no file to release: cancel the run of that process or restart it",
}
_TAKE = "take the lock {} (release id {}) off its name in one step, while a stand-in that OpenClaw respects keeps it"
_CHECK = "check that what came out is exactly this lock and that nobody has it open; otherwise put it back"
_FREE = (
    "then free the name and keep the lock file with its evidence in quarantine; the transcript is not touched"
)


def effects(place: Place, view: LockView, newcomers: Newcomers) -> tuple[str, ...]:
    """Say what a release would do to which hold."""
    waits = (waiting(longest_wait(newcomers), newcomers),) if newcomers else ()
    return (*waits, _TAKE.format(safe(place.path), view.release_id), _CHECK, _FREE)


def waiting(seconds: float, newcomers: Newcomers) -> str:
    """Say how long a release waits at most, and for whom."""
    return f"wait up to {duration(seconds)}: {'; '.join(one.sentence for one in newcomers)}"


def safe_because(view: LockView, overridden: bool) -> tuple[str, ...]:
    """Say why that is safe, from the evidence."""
    reasons = view.judgement.reasons
    return (
        (*reasons, "a person checked this lock and overrides the verdict leaked") if overridden else reasons
    )


def then(view: LockView) -> tuple[str, ...]:
    """Say what happens next."""
    return (*reclaim_sentences(view.judgement.verdict), "the next writer finds the name free", LANE)


def way_out(verdict: Verdict) -> tuple[str, ...]:
    """Say what does help where a release can't."""
    return (_WAYS_OUT[verdict],) if verdict in _WAYS_OUT else ()
