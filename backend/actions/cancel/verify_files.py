"""Whether a run really ended: what lock, log and gateway say afterwards, whatever the call answered.

`AfterFire` collects what is seen and judges it; it does no I/O.  `watch` feeds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct, field

from lockdeck.backend.actions.cancel.log import LogSince, goes_on
from lockdeck.backend.model.locks import LockRecord, PayloadState, Presence
from lockdeck.backend.model.runs.chain import FailoverChain
from lockdeck.backend.model.runs.events import (
    AttemptStarted,
    Event,
    FailoverDecision,
    ModelFallbackDecision,
    RunEnded,
)
from lockdeck.backend.model.runs.profiles import profile_hash
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.trouble import GatewayError
from lockdeck.backend.system.text import safe


class Limits(Struct, frozen=True):
    """How long things may take, in seconds.

    `ripe`: how long a lock must stand before a run is aborted: an abort in the first half second of an
    attempt left 3 of 36 sessions locked for a minute on 2026.7.35. `gap`: until a lock is there to fire at (18.5 s were seen between two attempts). `free`: until the lock is
    gone after a call. `quiet`: for how long it must stay away; `quiet_blind` the same where no log can be
    read, or where it says that a next attempt was decided on (gaps of 11 s were seen on a busy machine).
    `brief`: a lock that is taken again for less than this is the run's last write and no attempt (holds of
    some ms follow an abort on 2026.7.35). `wind_up`: how much longer a lock may stand while the gateway shows
    no active run any more: it cleans up after the abort (2 s were seen on 2026.7.35). `poll`: between looks. `restart`: until a process that is told to
    end has ended, and until a new gateway is there; `drain` the former for a gateway that lets its runs end
    first (2026.9).
    """

    ripe: float = 1.0
    gap: float = 30.0
    free: float = 4.0
    quiet: float = 5.0
    quiet_blind: float = 12.0
    brief: float = 1.0
    wind_up: float = 8.0
    restart: float = 60.0
    drain: float = 340.0
    poll: float = 0.01


class Target(Struct, frozen=True):
    """The run that is to end: the lock it holds (`pid` of `created_at`), its session, its id where known."""

    key: str
    lock_path: str
    pid: int
    run_id: str | None = None
    chain: FailoverChain = field(default_factory=FailoverChain)


class AfterFire(Struct):
    """What was seen since a call at `fired_at` (epoch seconds) on the hold made at `created_at`."""

    target: Target
    fired_at: float
    created_at: float | None
    free_at: float | None = None
    retaken_at: float | None = None
    other_run: str | None = None
    ended: bool = False
    decision: FailoverDecision | ModelFallbackDecision | None = None
    still_active: bool | None = None
    asked: bool = False
    idle: bool | None = None
    idle_asked_at: float | None = None
    events: list[Event] = field(default_factory=list)
    told: list[AttemptStarted | RunEnded] = field(default_factory=list)

    def see_lock(self, record: LockRecord, now: float) -> None:
        """Take in one look at the lock's path."""
        if record.presence is Presence.ABSENT:
            if self.free_at is None or self.retaken_at is not None:
                self.free_at, self.retaken_at = now, None
            return
        if record.payload_state is not PayloadState.VALID or record.payload is None:
            return
        if record.payload.created_at == self.created_at and record.payload.pid == self.target.pid:
            return
        self.free_at = now if self.free_at is None else self.free_at
        self.retaken_at = now if self.retaken_at is None else self.retaken_at

    def hear(self, events: Sequence[Event], told: Sequence[AttemptStarted | RunEnded]) -> None:
        """Take in what log and gateway said since the last time."""
        self.events += events
        fresh = (
            event for event in told if event.at >= self.fired_at and event.session_key == self.target.key
        )
        self.told = list(fresh)
        self.ended, self.other_run = self._follower()
        self.decision = goes_on(self.events, self._ours())

    def went_on(self, now: float, brief: float) -> bool:
        """Whether the same run goes on: it has the lock again, for longer than a last write takes.

        A lock taken again by nobody knows whom counts as the same run's.
        """
        if self.retaken_at is None or self.other_run is not None:
            return self.still_active is True
        return now - self.retaken_at >= brief

    def stays(self, now: float, since_answer: float, limits: Limits) -> bool:
        """Whether the lock stands for longer than an answered call and a run's last write explain."""
        if self.free_at is None:
            return since_answer >= limits.free
        return since_answer >= limits.brief and self.went_on(now, limits.brief)

    def goes_on(self) -> bool:
        """Whether log or gateway tell that the run itself goes on: a decision, or an attempt begun since."""
        return self.decision is not None or any(isinstance(event, AttemptStarted) for event in self.told)

    def winds_up(self) -> bool:
        """Whether the lock is kept for a run that is over: the gateway shows none, and nothing goes on."""
        return self.idle is True and self.still_active is not True and not self.goes_on()

    def quiet_for(self, now: float) -> float:
        """How long the session has been free of this run, in seconds."""
        if self.free_at is None or (self.retaken_at is not None and self.other_run is None):
            return 0.0
        return now - self.free_at

    def profile(self) -> str | None:
        """Name the profile that the run went on with, by the decision logged and the configured chain."""
        if not isinstance(self.decision, FailoverDecision) or self.decision.profile_hash is None:
            return None
        names = [name for candidate in self.target.chain.candidates for name in candidate.profiles]
        at = next(
            (i for i, name in enumerate(names) if profile_hash(name) == self.decision.profile_hash), None
        )
        return safe(names[at + 1], 80) if at is not None and at + 1 < len(names) else None

    def _ours(self) -> frozenset[str]:
        """The ids that may be our run's: the known one; else every one that did not begin after an end."""
        if self.target.run_id is not None:
            return frozenset({self.target.run_id})
        ids: set[str] = set()
        for event in self.told:
            if isinstance(event, RunEnded):
                ids.add(event.run_id)
                break
            ids.add(event.run_id)
        return frozenset(ids)

    def _follower(self) -> tuple[bool, str | None]:
        """Whether our run was told to have ended, and which other run began only after that."""
        ours, ended = self._ours(), False
        for event in self.told:
            if isinstance(event, RunEnded):
                ended = ended or event.run_id in ours
            elif ended and event.run_id not in ours:
                return True, event.run_id
        return ended, None


def watch(
    seen: AfterFire,
    limits: Limits,
    *,
    look: Callable[[], LockRecord],
    log: LogSince,
    line: Line | None,
    clock: Callable[[], float],
    wait: Callable[[float], object],
    answered: Callable[[], bool] = lambda: True,
) -> AfterFire:
    """Watch until it is decided: the lock does not go, the run goes on, or all is quiet for long enough.

    Before the call has been answered nothing is said to have failed: a reset may take half a minute.
    """
    next_news, answered_at = 0.0, None
    while True:
        now = clock()
        seen.see_lock(look(), now)
        if now >= next_news:
            seen.hear(log.news(), line.run_events() if line is not None else ())
            next_news = now + limits.quiet / 20
        answered_at = now if answered_at is None and answered() else answered_at
        since_answer = -1.0 if answered_at is None else now - answered_at
        if seen.stays(now, since_answer, limits):
            seen.hear(log.news(), line.run_events() if line is not None else ())
            if not _may_wind_up(seen, limits, line, now):
                return seen
        if seen.quiet_for(now) >= limits.quiet and _settled(seen, limits, log, line, now):
            return seen
        wait(limits.poll)


def _may_wind_up(seen: AfterFire, limits: Limits, line: Line | None, now: float) -> bool:
    """Whether to give a gateway time that shows no active run any more and still keeps the lock."""
    if line is None or seen.goes_on():
        return False
    if seen.idle_asked_at is None or now - seen.idle_asked_at >= limits.brief:
        seen.idle_asked_at = now
        seen.idle = has_active_run(line, seen.target.key) is False
    since = seen.fired_at if seen.retaken_at is None else seen.retaken_at
    return seen.winds_up() and now - since < limits.wind_up


def _settled(seen: AfterFire, limits: Limits, log: LogSince, line: Line | None, now: float) -> bool:
    """Whether the quiet has lasted long enough for what log and gateway tell."""
    if seen.other_run is not None or seen.still_active is not None:
        return True
    if not seen.asked:
        seen.asked = True
        seen.still_active = None if line is None else has_active_run(line, seen.target.key)
    if seen.still_active is not None:
        return True
    certain = log.readable and seen.decision is None
    return certain or seen.quiet_for(now) >= limits.quiet_blind


def has_active_run(line: Line, key: str) -> bool | None:
    """Ask the gateway whether a session has an active run; None where it does not tell (before 2026.5.7)."""
    try:
        rows = line.call("sessions.list", {"search": key, "limit": 50}).get("sessions")
    except GatewayError:
        return None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("key") == key:
            active = row.get("hasActiveRun")
            return active if isinstance(active, bool) else None
    return None
