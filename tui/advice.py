"""What lockdeck would do about a lock, and why: one sentence per verdict. Pure."""

from __future__ import annotations

from backend.model.fleet import LockView
from backend.model.locks import Verdict

_ADVICE = {
    Verdict.CREATING: "Wait: the lock is being taken this moment.",
    Verdict.HELD: "Cancel the run if it must end. Never release: a live process has this lock, and taking it away "
    "would let two writers into one transcript.",
    Verdict.LEAKED: "Cancel the run, then restart the process that leaked the lock. Release only from the command "
    "line with an explicit override: its owner is alive.",
    Verdict.RECYCLED: "Release: the pid belongs to another process now, and nobody has the file open.",
    Verdict.DEAD: "Release: its owner has ended and nobody has the file open. OpenClaw also reclaims it by itself "
    "at the next write to this session.",
    Verdict.REMOVED: "Restart the holder: it still writes under a lock file that was deleted. There is nothing to "
    "release.",
    Verdict.FOREIGN: "Only look: who holds this lock can't be seen from here.",
    Verdict.UNREADABLE: "Only look: what the lock says can't be read.",
    Verdict.LITTER: "Nothing: this root keeps its sessions in SQLite, and nothing reads this file any more.",
}


def advice(lock: LockView) -> str:
    """Return what may be done about a lock."""
    judgement = lock.judgement
    if judgement.verdict in (Verdict.DEAD, Verdict.RECYCLED) and not judgement.releasable:
        return "Do not release: one condition of a safe release is missing (see the evidence)."
    if judgement.verdict is Verdict.UNREADABLE and judgement.releasable:
        return "Release: it can't be read, but it is provably without holder and has not changed."
    return _ADVICE[judgement.verdict]
