"""The answer about one session in five lines: why, who, how long, waiting, now. All pure.

The same five lines stand in the dashboard's preview, in `explain KEY` and in the markdown of `status`; only how a thing
is done is written differently: by its key, or as a command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum

from msgspec import Struct

from lockdeck.backend.model.fleet import LockView, SessionView, Severity, State
from lockdeck.backend.model.gateways import runs_beside_another
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.locks import Holder, Proof, Verdict
from lockdeck.backend.model.runs.records import Attempt, Rotation
from lockdeck.backend.model.words import duration, plain_word, times, zoned_time
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.tui.view.advice import way_to_see

MOST_REASONS = 2
"""So many reasons stand in the line; the rest are evidence."""


class Move(Enum):
    """A thing that may be done about a session."""

    CANCEL = "cancel"
    CANCEL_ALL = "cancel all"
    RELEASE = "release"
    NONE = "none"


class Option(Struct, frozen=True):
    """One thing that may be done, in words; `move` is NONE where the words are all (wait, only look, never release)."""

    move: Move
    words: SafeText


class SessionAnswer(Struct, frozen=True):
    """The answer about one session; every line is there, whatever the state."""

    headline: SafeText
    why: SafeText
    who: SafeText
    how_long: SafeText
    waiting: SafeText
    options: tuple[Option, ...]

    def rows(self, how: Callable[[Option], str]) -> Iterator[tuple[str, SafeText]]:
        """Yield the five lines with their labels; `how` writes an option as its key or its command."""
        yield "why", self.why
        yield "who", self.who
        yield "how long", self.how_long
        yield "waiting", self.waiting
        yield "now", safe("; ".join(how(option) for option in self.options), 4096)


def answer(session: SessionView, now: float, incident: Incident | None = None) -> SessionAnswer:
    """Return the answer about a session at `now` (epoch seconds); `incident` is one that it shares with others."""
    return SessionAnswer(
        safe(_HEADLINES[session.state] if session.lock is None else _headline(session, session.lock)),
        safe(_why(session, now), 2000),
        safe(_who(session), 1000),
        safe(_how_long(session, now), 2000),
        safe(_waiting(session, now), 1000),
        tuple(_options(session, incident)),
    )


_HEADLINES = {
    State.IDLE: "Idle: nothing runs here.",
    State.RUNNING: "Running: it is at work.",
    State.COMPACTING: "Compacting: OpenClaw shortens the conversation before it goes on.",
    State.ROTATING: "Rotating: a model did not answer, and OpenClaw tries the next account or model.",
    State.STUCK: "Stuck: nobody gets in, and nothing goes on.",
    State.FAILED: "Failed: the last run ended without an answer.",
    State.CANCELLING: "Cancelling: a cancel was asked for, and the session is not free yet.",
    State.UNKNOWN: "Unknown: what it does can't be told from here.",
}
_LOCK_HEADLINES = {
    Verdict.DEAD: "Dead lock: the process that took it has ended.",
    Verdict.RECYCLED: "Dead lock: the process that took it has ended, and its pid belongs to another one.",
    Verdict.LEAKED: "Leaked lock: its process lives, but has let go of the file and left it standing.",
    Verdict.REMOVED: "Removed lock: the file was deleted while its holder goes on.",
    Verdict.RELEASING: "Releasing: lockdeck is taking a dead lock away here.",
}


def _headline(session: SessionView, lock: LockView) -> str:
    if session.state is State.STUCK and _timed_out(session.rotation):
        return "Stuck: the model does not answer, and OpenClaw tries one account after the other with the session taken."
    return _LOCK_HEADLINES.get(lock.judgement.verdict, _HEADLINES[session.state])


def _timed_out(rotation: Rotation | None) -> bool:
    return rotation is not None and rotation.timeouts > 1 and not rotation.finished


def _why(session: SessionView, now: float) -> str:
    if session.rotation is not None and not session.rotation.finished and session.rotation.attempts:
        return _attempts(session.rotation, now)
    reasons = session.reasons or (session.lock.judgement.reasons if session.lock is not None else ())
    return "; ".join(reasons[:MOST_REASONS]) or "nothing that needs you"


def _attempts(rotation: Rotation, now: float) -> str:
    """Tell the finished attempts by their ends, and the one under way."""
    parts = []
    ended = [attempt for attempt in rotation.attempts if attempt.ended_at is not None]
    by_reason: dict[str, list[Attempt]] = {}
    for attempt in ended:
        by_reason.setdefault(_ending(attempt), []).append(attempt)
    for ending, attempts in by_reason.items():
        names = ", ".join(dict.fromkeys(_route(attempt) for attempt in attempts))
        parts.append(f"{times(len(attempts), 'attempt')} {ending}{_lengths(attempts, now)} ({names})")
    current = rotation.attempts[-1]
    if current.ended_at is None:
        lasts = current.duration_s(now)
        since = "" if lasts is None else f", for {duration(lasts)} so far"
        total = "" if rotation.total is None else f" of {rotation.total}"
        parts.append(f"attempt {current.index}{total} is under way ({_route(current)}{since})")
    return "; ".join(parts)


def _ending(attempt: Attempt) -> str:
    if attempt.by_timeout:
        return "timed out"
    return f"failed ({plain_word(attempt.reason)})" if attempt.reason else "ended"


def _lengths(attempts: list[Attempt], now: float) -> str:
    """Return how long attempts took, to be put behind what ended them; nothing where no line tells it."""
    lengths = {
        duration(round(length)) for attempt in attempts if (length := attempt.duration_s(now)) is not None
    }
    if len(lengths) != 1 or any(attempt.duration_s(now) is None for attempt in attempts):
        return ""
    return f" after {lengths.pop()}{' each' if len(attempts) > 1 else ''}"


def _route(attempt: Attempt) -> str:
    model = "/".join(part for part in (attempt.provider, attempt.model) if part)
    return attempt.profile or model or "model not known"


def _who(session: SessionView) -> str:
    lock = session.lock
    if lock is None:
        return _without_lock(session)
    holder, pid = lock.judgement.holder, lock.record.payload.pid if lock.record.payload else None
    named = "the process" if pid is None else f"pid {pid}"
    if holder is not None and lock.judgement.verdict in (Verdict.HELD, Verdict.CREATING):
        return _holder(holder)
    return {
        Verdict.CREATING: "a process is taking it this moment",
        Verdict.HELD: "a live process",
        Verdict.LEAKED: f"{named} is alive and has let go of the lock file: nobody has it open",
        Verdict.RECYCLED: f"nobody: {named}, which took the lock, has ended; its number belongs to another process now",
        Verdict.DEAD: f"nobody: {named}, which took the lock, has ended, and nobody has the file open",
        Verdict.REMOVED: f"{_named(holder) if holder else named}: it goes on under a lock file that was deleted",
        Verdict.FOREIGN: f"can't be seen from here (holder named by the lock: {named})",
        Verdict.UNREADABLE: "can't be told: what the lock says can't be read",
        Verdict.LITTER: "nobody: this root keeps its sessions in SQLite, and nothing reads this lock file",
        Verdict.RELEASING: f"nobody: {named} stands in for the lock that lockdeck is taking away",
    }[lock.judgement.verdict]


def _holder(holder: Holder) -> str:
    proof = {
        Proof.FD: "it has the lock open, so it is alive and the lock is not stale",
        Proof.PID: "it is alive and took the lock; whether it has the file open can't be seen",
    }.get(holder.proof, "named by the lock; not proven")
    return f"{_named(holder)}; {proof}"


def _named(holder: Holder) -> str:
    return f"pid {holder.pid} ({holder.name})" if holder.name else f"pid {holder.pid}"


def _without_lock(session: SessionView) -> str:
    holder = session.holder
    if holder is None:
        return "nobody holds it"
    pid = "" if holder.pid is None else f" (pid {holder.pid})"
    model = "" if holder.model is None else f" of {holder.model}"
    return f"the gateway{pid} with a run{model}"


def _how_long(session: SessionView, now: float) -> str:
    occupied = session.occupied_s(now)
    parts = []
    if session.free_by is not None:
        distance = session.free_by - now
        left = f"in {duration(distance)}" if distance >= 0 else f"{duration(-distance)} ago: it is late"
        parts.append(f"free by {zoned_time(session.free_by, now)} at the latest ({left})")
    if occupied is not None and session.state is not State.IDLE:
        parts.append(f"taken for {duration(occupied)} so far")
    elif occupied is not None:
        parts.append(
            f"the lock stands for {duration(occupied)}; OpenClaw drops it at the next write to this session"
        )
    elif session.since is not None and session.state is not State.IDLE:
        parts.append(
            f"so for {duration(max(0.0, now - session.since))}, since {zoned_time(session.since, now)}"
        )
    rotation = session.rotation
    if rotation is not None and rotation.policy is not None and rotation.policy.avoidable_ms:
        spared = duration(rotation.policy.avoidable_ms / 1000)
        parts.append(f"{spared} of it would have been spared by the fix of openclaw#62351")
    if (
        session.free_by is None
        and session.severity > Severity.OK
        and session.state is not State.IDLE
        and occupied is not None
    ):
        parts.append("nothing that is known bounds it")
    return "; ".join(parts) or "nothing to wait for"


def _waiting(session: SessionView, now: float) -> str:
    blocked = session.blocked
    if not blocked.count:
        return "nobody"
    last = "" if blocked.last is None else f", the last {duration(max(0.0, now - blocked.last))} ago"
    return f"{times(blocked.count, 'caller')} refused or waiting{last}"


_CANCEL = "cancel this run, and prove that it stopped"


def _options(session: SessionView, incident: Incident | None) -> Iterator[Option]:
    lock = session.lock
    beside = lock is not None and runs_beside_another(lock)
    if beside:
        yield _option("a process still writes under an earlier lock of this name: do not release")
    if lock is not None and lock.judgement.releasable and not beside:
        yield _option("release this lock: it is proven that nobody holds it", Move.RELEASE)
    elif session.state is State.COMPACTING:
        yield _option("wait: cancelling in the middle of this was reported to leak the lock (openclaw#89639)")
    elif lock is not None and lock.judgement.verdict in _ONLY_WORDS and not beside:
        yield _option(_ONLY_WORDS[lock.judgement.verdict])
        if lock.judgement.verdict is Verdict.FOREIGN:
            yield _option(f"to see it: {way_to_see(lock)}")
    elif session.state in (State.IDLE, State.FAILED) and not beside:
        yield _option("nothing to do")
    else:
        yield from _cancels(session, incident)


def _cancels(session: SessionView, incident: Incident | None) -> Iterator[Option]:
    verdict = session.lock.judgement.verdict if session.lock is not None else None
    if session.state is State.RUNNING and session.severity is Severity.OK:
        yield _option("nothing: it is at work")
    yield _option(_CANCEL, Move.CANCEL)
    if incident is not None and session.identity in incident.members:
        yield _option(f"cancel all {len(incident.members)} that wait for {incident.subject}", Move.CANCEL_ALL)
    if verdict is Verdict.HELD:
        yield _option("never release: a live process holds it")
    elif verdict is Verdict.LEAKED:
        yield _option("if that does not help, restart the process that left the lock")


_ONLY_WORDS = {
    Verdict.CREATING: "wait: the lock is being taken this moment",
    Verdict.REMOVED: "restart the holder: there is nothing to release",
    Verdict.RELEASING: "wait: a release of this lock is under way",
    Verdict.FOREIGN: "only look: who holds it can't be seen from here",
    Verdict.UNREADABLE: "only look: what the lock says can't be read",
    Verdict.DEAD: "do not release: one condition of a safe release is missing (see its evidence)",
    Verdict.RECYCLED: "do not release: one condition of a safe release is missing (see its evidence)",
}


def _option(words: str, move: Move = Move.NONE) -> Option:
    return Option(move, safe(words, 400))
