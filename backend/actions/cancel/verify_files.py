"""Verify the cancel of a run that holds a lock file, by what lock, log and gateway say, whatever the call answered.

`FilesVerification` collects what they say and judges it; it does no I/O.  `verify_files` feeds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct, field

from lockdeck.backend.actions.cancel.access import has_active_run
from lockdeck.backend.actions.cancel.context import CancelLimits, Clock, RunTarget, Wait
from lockdeck.backend.actions.cancel.log import LogReader, first_continuation
from lockdeck.backend.model.locks import LockRecord, PayloadState, Presence
from lockdeck.backend.model.moments import is_dated
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.runs.events import (
    AttemptStarted,
    Event,
    FailoverDecision,
    ModelFallbackDecision,
    RunEnded,
)
from lockdeck.backend.model.runs.profiles import profile_hash
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.frames import RunEvent
from lockdeck.backend.system.text import safe


class FilesVerification(Struct):
    """The state of a session since a call on the hold made at `created_at` (epoch seconds).

    `unasked`: a gateway that could tell whether a run is active did not. All other times are seconds of the steady clock. `heard` is what the gateway had told of attempts before the call.
    """

    target: RunTarget
    called_at: float
    created_at: float | None
    heard: tuple[RunEvent, ...] = ()
    free_at: float | None = None
    retaken_at: float | None = None
    other_run: str | None = None
    ended: bool = False
    decision: FailoverDecision | ModelFallbackDecision | None = None
    still_active: bool | None = None
    active_checked: bool = False
    unasked: bool = False
    idle: bool | None = None
    idle_checked_at: float | None = None
    events: list[Event] = field(default_factory=list)
    run_events: list[AttemptStarted | RunEnded] = field(default_factory=list)

    def update_lock(self, record: LockRecord, now: float) -> None:
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

    def update_events(self, logged: Sequence[Event], run_events: Sequence[AttemptStarted | RunEnded]) -> None:
        """Take in what was logged since the last time, and the latest attempts that the gateway told of."""
        # By the same clock, that of OpenClaw's machine: what was decided before the hold came about led to it.
        self.events += [event for event in logged if not self._precedes(event)]
        self.run_events = [
            event for event in told_since(run_events, self.heard) if event.session_key == self.target.key
        ]
        self.ended, self.other_run = self._follower()
        self.decision = first_continuation(self.events, self._run_ids())

    def _precedes(self, event: Event) -> bool:
        """Return whether an event is told to be older than the hold: a busy gateway hands lines on late."""
        return self.created_at is not None and is_dated(event.at) and event.at < self.created_at

    def went_on(self, now: float, brief: float) -> bool:
        """Return whether the same run goes on: it has the lock again, for longer than a last write takes.

        A lock taken again by nobody knows whom counts as the same run's.
        """
        if self.retaken_at is None or self.other_run is not None:
            return self.still_active is True
        return now - self.retaken_at >= brief

    def lock_stays(self, now: float, since_answer: float, limits: CancelLimits) -> bool:
        """Return whether the lock stands for longer than an answered call and a run's last write explain."""
        if self.free_at is None:
            return since_answer >= limits.free
        return since_answer >= limits.brief and self.went_on(now, limits.brief)

    def goes_on(self) -> bool:
        """Return whether log or gateway tell that the run itself goes on: a decision, or an attempt begun since."""
        return self.decision is not None or any(
            isinstance(event, AttemptStarted) for event in self.run_events
        )

    def winds_up(self) -> bool:
        """Return whether the lock is kept for a run that is over: the gateway shows none, and nothing goes on."""
        return self.idle is True and self.still_active is not True and not self.goes_on()

    def quiet_for(self, now: float) -> float:
        """Return for how many seconds the session has been free of this run."""
        if self.free_at is None or (self.retaken_at is not None and self.other_run is None):
            return 0.0
        return now - self.free_at

    def next_profile(self) -> str | None:
        """Name the profile that the run went on with, by the decision logged and the configured chain."""
        if not isinstance(self.decision, FailoverDecision) or self.decision.profile_hash is None:
            return None
        names = [name for candidate in self.target.chain.candidates for name in candidate.profiles]
        at = next(
            (i for i, name in enumerate(names) if profile_hash(name) == self.decision.profile_hash), None
        )
        return safe(names[at + 1], 80) if at is not None and at + 1 < len(names) else None

    def _run_ids(self) -> frozenset[str]:
        """Return the ids that may be our run's: the known one; else every one that did not begin after an end."""
        if self.target.run_id is not None:
            return frozenset({self.target.run_id})
        ids: set[str] = set()
        for event in self.run_events:
            if isinstance(event, RunEnded):
                ids.add(event.run_id)
                break
            ids.add(event.run_id)
        return frozenset(ids)

    def _follower(self) -> tuple[bool, str | None]:
        """Return whether our run was told to have ended, and the other run that began only after that."""
        run_ids, ended = self._run_ids(), False
        for event in self.run_events:
            if isinstance(event, RunEnded):
                ended = ended or event.run_id in run_ids
            elif ended and event.run_id not in run_ids:
                return True, event.run_id
        return ended, None


def verify_files(
    run: FilesVerification,
    limits: CancelLimits,
    *,
    read_lock: Callable[[], LockRecord],
    log: LogReader,
    line: Line | None,
    steady: Clock,
    wait: Wait,
    answered: Callable[[], bool] = lambda: True,
) -> FilesVerification:
    """Watch until it is decided: the lock does not go, the run goes on, or all is quiet for long enough.

    Before the call has been answered nothing is said to have failed: a reset may take half a minute.
    """
    next_news, answered_at = 0.0, None
    while True:
        now = steady()
        run.update_lock(read_lock(), now)
        if now >= next_news:
            run.update_events(log.news(), line.run_events() if line is not None else ())
            next_news = now + limits.quiet / 20
        answered_at = now if answered_at is None and answered() else answered_at
        since_answer = -1.0 if answered_at is None else now - answered_at
        if run.lock_stays(now, since_answer, limits):
            run.update_events(log.news(), line.run_events() if line is not None else ())
            if not _may_wind_up(run, limits, line, now):
                return run
        if run.quiet_for(now) >= limits.quiet and _is_settled(run, limits, log, line, now):
            return run
        wait(limits.poll)


def _may_wind_up(run: FilesVerification, limits: CancelLimits, line: Line | None, now: float) -> bool:
    """Return whether to give a gateway time that shows no active run any more and still keeps the lock."""
    if line is None or run.goes_on():
        return False
    if run.idle_checked_at is None or now - run.idle_checked_at >= limits.brief:
        run.idle_checked_at = now
        run.idle = has_active_run(line, run.target.key) is False
    since = run.called_at if run.retaken_at is None else run.retaken_at
    return run.winds_up() and now - since < limits.wind_up


def _is_settled(
    run: FilesVerification, limits: CancelLimits, log: LogReader, line: Line | None, now: float
) -> bool:
    """Return whether the quiet has lasted long enough for what log and gateway tell."""
    if run.other_run is not None or run.still_active is not None:
        return True
    blind = run.quiet_for(now) >= limits.quiet_blind
    if line is not None and (not run.active_checked or (run.unasked and blind)):
        run.active_checked = True
        run.still_active = has_active_run(line, run.target.key)
        # Who could tell, and does not answer, has confirmed nothing.
        run.unasked = run.still_active is None and traits_of(line.hello.version).tells_active_runs
    if run.still_active is not None:
        return True
    certain = log.readable and run.decision is None and not run.unasked
    return certain or blind


def told_since(events: Sequence[RunEvent], heard: Sequence[RunEvent]) -> list[RunEvent]:
    """Return what was told after a moment at which `heard` was all there was; no clock that may be set is asked."""
    earlier = {id(event) for event in heard}
    return [event for event in events if id(event) not in earlier]
