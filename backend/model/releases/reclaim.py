"""OpenClaw's own way with a lock that was left behind, said for all releases at once.

Who plans a release does not know which of them will want the session next.
"""

from __future__ import annotations

from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.releases.lookup import last_before
from lockdeck.backend.model.releases.table import Traits

_LAST_TO_RECLAIM = last_before(Traits.reclaims_dead.since(False)).series
_FIRST_WITH_START_TIME = Traits.compares_start_time.since(True)
_WITHOUT_START_TIME = Traits.lock_payload.readings[0].since
_LONG, _SHORT, _MIDDLE = (reading for reading in Traits.unreadable_grace_s.readings if reading.value)
_LAST_SWEEP = last_before(Traits.start_sweeps_young.since(False))
_LAST_TO_WAIT = last_before(Traits.reclaims_own_leak.since(True))
_LAST_BY_PATH = last_before(Traits.lets_go_by_path.since(False))

_DEAD = (
    f"OpenClaw of every version up to {_LAST_TO_RECLAIM} reclaims the lock of a dead pid by itself at its next "
    "write to this session; with the gateway down nothing does until then"
)
_RECYCLED = (
    f"OpenClaw from {_FIRST_WITH_START_TIME} reclaims it by itself at its next write if the lock carries a start "
    f"time; without one ({_WITHOUT_START_TIME}, macOS) the reused pid looks alive to it and it waits 30 minutes"
)
_UNREADABLE = (
    "OpenClaw reclaims a lock without a readable pid only after a grace of "
    f"{_LONG.words} ({_LONG.since} to {last_before(_SHORT.since)}), "
    f"{_SHORT.words} ({_SHORT.since} to {last_before(_MIDDLE.since)}) or {_MIDDLE.words} (from {_MIDDLE.since}), "
    f"and a gateway up to {_LAST_SWEEP} at its start"
)
_LEAKED = (
    f"the process that this lock names is alive: up to {_LAST_TO_WAIT} on Linux OpenClaw reclaims such a lock only "
    "after 30 minutes, later versions when that very process acquires it again"
)
_LEAKED_RISK = (
    f"if that process still believes that it holds the lock, versions up to {_LAST_BY_PATH} will delete whatever "
    "stands at this path when it lets go: cancelling the run or restarting the gateway is the safer way"
)
_BY_VERDICT = {
    Verdict.DEAD: (_DEAD,),
    Verdict.RECYCLED: (_RECYCLED,),
    Verdict.UNREADABLE: (_UNREADABLE,),
    Verdict.LEAKED: (_LEAKED, _LEAKED_RISK),
}


def reclaim_sentences(verdict: Verdict) -> tuple[str, ...]:
    """Say what OpenClaw does by itself with a lock of this verdict; nothing where it leaves it alone."""
    return _BY_VERDICT.get(verdict, ())
