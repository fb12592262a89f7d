"""Advice about a session or a lock, and why, in one sentence. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import LockView, SessionView, State
from lockdeck.backend.model.gateways import runs_beside_another
from lockdeck.backend.model.locks import LockKind, Verdict

_ADVICE = {
    Verdict.CREATING: "Wait: the lock is being taken this moment.",
    Verdict.HELD: "Cancel the run if it must end. Never release: a live process has this lock, and taking it away "
    "would let two writers into one transcript.",
    Verdict.LEAKED: "Cancel the run, then restart the process that leaked the lock. Its process lives, so a "
    "release is on your own word: the whole path is typed.",
    Verdict.RECYCLED: "Release: the pid belongs to another process now, and nobody has the file open.",
    Verdict.DEAD: "Release: its owner has ended and nobody has the file open. OpenClaw also reclaims it by itself "
    "at the next write to this session.",
    Verdict.REMOVED: "Restart the holder: it still writes under a lock file that was deleted. There is nothing to "
    "release.",
    Verdict.FOREIGN: "Only look: who holds this lock can't be seen from here.",
    Verdict.UNREADABLE: "Only look: what the lock says can't be read.",
    Verdict.LITTER: "Nothing: this root keeps its sessions in SQLite, and nothing reads this file any more.",
    Verdict.RELEASING: "Wait: another release of this lock is under way, and its journal will tell what came of it.",
}


_OF_A_GATEWAY = {
    Verdict.CREATING: "Wait: a gateway is starting this moment.",
    Verdict.HELD: "Nothing: its owner is at work. To end it, stop the gateway; never remove its lock, or a second one "
    "starts beside it.",
    Verdict.LEAKED: "Restart the gateway: it lives but has let go of its lock. Never removed by lockdeck.",
    Verdict.RECYCLED: "Nothing: its pid belongs to another process now, and the next gateway that starts takes it "
    "over by itself. lockdeck releases session locks only.",
    Verdict.DEAD: "Nothing: its owner has ended, and the next gateway that starts takes it over by itself. lockdeck "
    "releases session locks only.",
    Verdict.REMOVED: "Restart the gateway: its lock file was deleted, so a second one could start beside it.",
    Verdict.FOREIGN: "Only look: whether its owner lives can't be seen from here.",
    Verdict.UNREADABLE: "Only look: what the lock says can't be read. OpenClaw takes such a file over 30 s after it was "
    "written.",
}


_COMPACTS = (
    "Wait: the transcript is being compacted, which may take as long as the state says. Do not cancel: an abort in the "
    "middle of it was reported to leak the lock (openclaw#89639)."
)
_LEFT_OVER = (
    "Reset the session: it loses the conversation so far and lets the next message in. If that does not help, restart "
    "the gateway: every run of its sessions ends with it. No lock stands that could be released."
)


def session_advice(session: SessionView) -> str | None:
    """Return what may be done about a session; None where its lock alone says so."""
    if session.state is State.COMPACTING:
        return _COMPACTS
    if session.state is State.STUCK and session.occupation is None and session.lock is None:
        return _LEFT_OVER
    return None


def advice(lock: LockView) -> str:
    """Return what may be done about a lock."""
    judgement = lock.judgement
    if runs_beside_another(lock) and lock.record.kind is not LockKind.GATEWAY:
        return (
            "Cancel the run of the process that has the earlier lock open, or restart it: it still writes to this "
            "session. Do not release what stands here now."
        )
    if runs_beside_another(lock):
        return "Stop one of the two gateways: both write to this root. Never remove the lock."
    if lock.record.kind is LockKind.GATEWAY and judgement.verdict in _OF_A_GATEWAY:
        return _OF_A_GATEWAY[judgement.verdict]
    if judgement.verdict in (Verdict.DEAD, Verdict.RECYCLED) and not judgement.releasable:
        return "Do not release: one condition of a safe release is missing (see the evidence)."
    if judgement.verdict is Verdict.UNREADABLE and judgement.releasable:
        return "Release: it can't be read, but it is provably without holder and has not changed."
    if judgement.verdict is Verdict.FOREIGN:
        return f"{_ADVICE[Verdict.FOREIGN]} {way_to_see(lock)}."
    return _ADVICE[judgement.verdict]


def way_to_see(lock: LockView) -> str:
    """Return the next step to who holds a lock that can't be judged from here: which host, user or namespace."""
    evidence, steps = lock.evidence, []
    if evidence.own_namespace is not True:
        steps.append(
            "run lockdeck in the container that writes it, or, where all writers of this root share lockdeck's pid "
            "namespace, say own_namespace = true below [[roots]] in the configuration"
        )
    if evidence.volume == "network":
        steps.append("run lockdeck on the host that writes it")
    if not evidence.scan.complete:
        uid = lock.record.uid
        other = uid is not None and uid not in (evidence.our_uid, 0)
        steps.append(
            f"run lockdeck as uid {uid} (sudo -u '#{uid}' lockdeck)" if other else "run lockdeck as root"
        )
    first, *rest = steps or [
        "run lockdeck on the host, as the user and in the container of the process that wrote it"
    ]
    return "; and ".join([f"{first[0].upper()}{first[1:]}", *rest])
