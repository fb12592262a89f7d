"""All that is known of one session when its state is assessed."""

from __future__ import annotations

from msgspec import Struct

from lockdeck.backend.model.cancel import Cancel
from lockdeck.backend.model.fleet import State
from lockdeck.backend.model.locks import Judgement, Verdict
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.table import LockScope
from lockdeck.backend.model.runs.attempt_times import CLOCK_SLACK_S, FOLLOW_UP_S, followed_up
from lockdeck.backend.model.runs.budget import Budget, budget_of
from lockdeck.backend.model.runs.events import StuckSession
from lockdeck.backend.model.runs.records import (
    GAP_GRACE_S,
    NOBODY_BLOCKED,
    Blocked,
    Compaction,
    Hold,
    Occupation,
    Rotation,
)
from lockdeck.backend.model.runs.rotation import compaction_of
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.sessions.ownership import LOCK_WAIT_S
from lockdeck.backend.model.sessions.refusals import Refusals
from lockdeck.backend.model.sessions.wedges import Wedge

HOLDING = frozenset({Verdict.CREATING, Verdict.HELD, Verdict.REMOVED})
"""Verdicts that mean: a process is in the session now."""
UNBOUNDED_QUIET_S = 120.0
"""The silence that counts where no timeout is set: OpenClaw itself warns after this many silent seconds."""
AFTERMATH_S = 30.0
"""What is left to write of a run that ended may reach transcript and store this long (seconds) after its end."""
PREPARES_S = 60.0
"""An attempt may prepare for so long (seconds) before it takes its lock: 33 s were seen on 2026.5.18, on a busy machine."""
CLEARS_UP_S = 10.0
"""The decision on the last attempt came up to 8 s (seconds) after its transcript had told its timeout (2026.6.35)."""
TRANSCRIPT_SLACK_S = 2.0
"""An attempt's own last entry may reach the transcript this long (seconds) after the decision on it."""
_UNKNOWN = traits_of(None)


class SessionFacts(Struct, frozen=True):
    """Facts about one session; None means not known. Times in epoch seconds, `_s` in seconds.

    `judgement` is that of the session's lock, None where no lock stands. `last_hold` is the newest hold, kept after
    its occupation is over. `foreign_holds` are those of other processes than the run's. `budget` is the longest an
    attempt may take by configuration, `run_budget_s` the run timeout, `compaction_s` the longest compaction,
    `lock_wait_s` how long callers wait for the lock, `max_hold_ms` the lock's own limit.
    `answered_at`: when a model or a tool last answered, `asked_at`: when a user asked what nothing has come after. `drain_s` is how long a gateway may drain. `store_at`: when the store's row was written. `process_at`: when the holder, or a child of it, was last seen working. `tool_running`: the last transcript entry
    asks for a tool, so the model's idle timeout does not run. `lock_since`: when the session's lock was made, also
    one that was removed under its holder. `sees_locks` is false where attempts take no lock file (from 2026.8.1 on),
    so that the begin of one can't be seen, `lock_scope` says how long it stands where they do; `holder` then says who has the session. `suspension` says in a sentence
    that the holder is stopped, and what wakes it. `refused` are the callers refused since anything was seen to run,
    `wedge` is OpenClaw's own word that the session is stuck, `gateway_tells` whether the gateway itself says what
    runs. `cancel` is the one after which nothing has begun, `cancelling` one of ours that is under way. `previous` is the last
    assessment's state and since.
    """

    judgement: Judgement | None = None
    occupation: Occupation | None = None
    last_hold: Hold | None = None
    run: Run | None = None
    rotation: Rotation | None = None
    foreign_holds: tuple[Hold, ...] = ()
    blocked: Blocked = NOBODY_BLOCKED
    store_status: str | None = None
    store_at: float | None = None
    transcript_at: float | None = None
    answered_at: float | None = None
    asked_at: float | None = None
    log_at: float | None = None
    process_at: float | None = None
    tool_running: bool = False
    lock_since: float | None = None
    max_hold_ms: int | None = None
    budget: Budget = budget_of(None, None, _UNKNOWN)
    run_budget_s: float | None = _UNKNOWN.run_timeout_s
    compaction_s: float = _UNKNOWN.compaction_timeout_s
    lock_wait_s: float | None = None
    backoff_s: float = 0.0
    diagnoses: tuple[StuckSession, ...] = ()
    cancelling: Cancel | None = None
    cancel: Cancel | None = None
    gateway_alive: bool | None = None
    gateway_started_at: float | None = None
    sees_locks: bool = True
    lock_scope: LockScope = LockScope.ATTEMPT
    holder: str | None = None
    suspension: str | None = None
    refused: Refusals | None = None
    wedge: Wedge | None = None
    gateway_tells: bool = False
    drain_s: float = 0.0
    previous: tuple[State, float | None] | None = None

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on the session's lock, None where no lock stands."""
        return None if self.judgement is None else self.judgement.verdict

    @property
    def occupied(self) -> bool:
        """True where a process holds the session's lock now."""
        if self.judgement is None:
            return self.occupation is not None and self.occupation.current is not None
        return self.verdict in HOLDING

    @property
    def in_gap(self) -> bool:
        """True where the lock was there a moment ago, so that the occupation may go on."""
        return self.judgement is None and self.occupation is not None and self.occupation.current is None

    @property
    def compaction(self) -> Compaction | None:
        """The compaction that keeps the session occupied, None where none is under way."""
        return compaction_of(self.run, self.occupation) if self.run is not None and self.occupied else None

    def compacts(self, now: float) -> bool:
        """Return whether a compaction is under way that may take as long as it has taken so far."""
        compaction = self.compaction
        return compaction is not None and now - compaction.told_at <= self.compaction_limit_s(compaction)

    def compaction_limit_s(self, compaction: Compaction) -> float:
        """Return how long a compaction may take, in seconds, from when the log told of it."""
        return self.compaction_s if compaction.longest_s is None else compaction.longest_s

    def between_attempts(self, now: float) -> bool:
        """Return whether an attempt of a run that goes on has just let go of the lock and no line tells yet why.

        Log lines are read a little later than locks are seen to go.
        """
        if self.occupation is None or self.run is None or self.run.ended_at is not None or not self.in_gap:
            return False
        freed, last_hold = self.occupation.last_seen, self.occupation.recent[-1]
        if freed is None or now - freed > GAP_GRACE_S or not self.run.attempts:
            return False
        decided = self.run.attempts[-1].ended_at
        return (
            decided is not None and last_hold.started_at >= decided - CLOCK_SLACK_S and self.followed(decided)
        )

    @property
    def alive(self) -> bool:
        """True where something can be running: a lock is held, or events tell of a run on a gateway that lives."""
        unseen = self.verdict in (None, Verdict.FOREIGN)
        return self.occupied or (unseen and self.gateway_alive is not False)

    @property
    def can_go_on_unheld(self) -> bool:
        """True where an attempt that was told to begin can go on although nobody has the lock.

        Where runs take locks, one that stands goes before.
        """
        return self.gateway_alive is not False and not (self.sees_locks and self.judgement is not None)

    @property
    def holds(self) -> tuple[Hold, ...]:
        """The holds remembered, oldest first."""
        recent = self.occupation.recent if self.occupation else ()
        return recent if self.last_hold is None or self.last_hold in recent else (self.last_hold, *recent)

    @property
    def hold_since(self) -> float | None:
        """The time when the hold that stands began."""
        current = self.occupation.current if self.occupation else None
        return None if current is None else current.started_at

    def quiet_s(self, now: float) -> float | None:
        """Seconds without progress in transcript, log and process, counted from the hold's start at most."""
        signs = (self.hold_since, self.transcript_at, self.log_at, self.process_at)
        run_at = self.run.last_activity if self.run else None
        moments = [sign for sign in (*signs, run_at) if sign is not None]
        return None if self.hold_since is None else max(0.0, now - max(moments))

    def followed(self, decided_at: float) -> bool:
        """Return whether anything shows that the attempt promised at `decided_at` was made."""
        if self.run is not None and self.run.opened is not None:
            return True
        if followed_up((hold for hold in self.holds if hold not in self.foreign_holds), decided_at):
            return True
        if self.kept_out_since(decided_at):
            return False  # what the transcript tells may be the other process's
        return self._answered(decided_at)

    def went_on(self, promised: float) -> bool:
        """Return whether the promised attempt was made; where a lock is let go of, who takes it may just clear up."""
        return self._answered(promised) if self.lets_lock_go else self.followed(promised)

    def awaits_follow_up(self, now: float) -> bool:
        """Return whether a rotation decision promises an attempt that has not begun, and may still."""
        promised = self.run.promised_at if self.run and self.run.ended_at is None else None
        if promised is None or self.restarted_since(promised):
            return False
        if self.went_on(promised):
            return False
        if self.spent:
            return self._clears_up(promised, now)
        if self.lets_lock_go:
            return self.occupied or self._goes_on_unlocked(promised, now)
        unseen_s = 0.0 if self.sees_locks else (self.budget.seconds or UNBOUNDED_QUIET_S)
        wait_s = LOCK_WAIT_S if self.kept_out_since(promised) else 0.0
        return now - promised <= FOLLOW_UP_S + self.backoff_s + unseen_s + wait_s

    @property
    def lets_lock_go(self) -> bool:
        """True where an attempt goes on while its lock does not stand (2026.5.17 to 2026.7), so that none shows no end."""
        return self.sees_locks and self.lock_scope is not LockScope.ATTEMPT

    def _answered(self, decided_at: float) -> bool:
        return self.answered_at is not None and self.answered_at > decided_at + TRANSCRIPT_SLACK_S

    def _clears_up(self, promised: float, now: float) -> bool:
        """Return whether a run of which nothing is left may have its last words still to say.

        It has not let go of the lock of its last attempt yet, or lately has; one that lets go of its lock may take it
        once more before (2026.5.28).
        """
        if now - promised > FOLLOW_UP_S:
            return False
        if self.occupied:
            return self.lets_lock_go or (self.hold_since is not None and self.hold_since <= promised)
        if not self.lets_lock_go and not self._tells_decisions:
            return False
        freed = self.occupation.last_seen if self.occupation is not None else None
        return now - max(promised, freed or 0.0) <= CLEARS_UP_S

    @property
    def _tells_decisions(self) -> bool:
        """True where the log has told a decision on an attempt of this run: it will tell the one on the last."""
        return self.rotation is not None and any(attempt.decision for attempt in self.rotation.attempts)

    def _goes_on_unlocked(self, promised: float, now: float) -> bool:
        """Return whether the promised attempt can be under way without its lock: until a whole timeout has passed."""
        own = [hold for hold in self.holds if hold not in self.foreign_holds and hold.ended_at is not None]
        last_sign = max([promised, *(hold.ended_at or 0.0 for hold in own)])
        return now - last_sign <= self.follow_up_s

    @property
    def follow_up_s(self) -> float:
        """How long (seconds) after a decision the next attempt may show no sign."""
        if not self.lets_lock_go:
            return FOLLOW_UP_S + self.backoff_s
        unlocked_s = UNBOUNDED_QUIET_S if self.budget.seconds is None else self.budget.seconds
        return FOLLOW_UP_S + self.backoff_s + max(unlocked_s, PREPARES_S)

    def prepares(self, now: float) -> bool:
        """Return whether a run may have taken up what was asked, and holds no lock yet (2026.5.17 to 2026.7)."""
        if self.asked_at is None or not self.lets_lock_go or not self.can_go_on_unheld:
            return False
        ended_at = self.run.ended_at if self.run is not None else None
        if self.cancel is not None or (ended_at is not None and ended_at >= self.asked_at):
            return False
        return 0 <= now - self.asked_at <= PREPARES_S and not self.restarted_since(self.asked_at)

    @property
    def spent(self) -> bool:
        """True where the last attempt timed out, no line says what comes next, and by the chain nothing is left."""
        rotation = self.rotation
        undecided = self.run is not None and self.run.undecided
        return undecided and rotation is not None and rotation.total is not None and not rotation.to_come

    def kept_out_since(self, at: float) -> bool:
        """Return whether another process than the run's has had the lock since, so that the run had to wait for it."""
        return any(hold.ended_at is None or hold.ended_at > at for hold in self.foreign_holds)

    def gateway_lost(self, at: float) -> bool:
        """Return whether what the gateway kept in its memory at `at` (turns, lanes) is gone: it has ended since."""
        return self.gateway_alive is False or self.restarted_since(at)

    def restarted_since(self, at: float) -> bool:
        """Return whether the gateway has been started anew since, so that its runs of then are gone."""
        return self.gateway_started_at is not None and self.gateway_started_at > at
