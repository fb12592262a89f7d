"""Verify the cancel of a run that holds no lock file, or not for long, by what the gateway shows.

The run is over when the gateway shows no active run of the session, has told no further attempt of it, and
that has stayed so for as long as with a lock.  An answer to the call alone proves nothing here either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from lockdeck.backend.actions.cancel.access import POLL_S, row_of_session
from lockdeck.backend.actions.cancel.context import CancelLimits, Clock, Wait
from lockdeck.backend.actions.cancel.verify_files import told_since
from lockdeck.backend.model.runs.events import AttemptStarted
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.frames import RunEvent
from lockdeck.backend.openclaw.gateway.rows import SessionRow


class SqliteVerification(Struct):
    """The state of a session since a call at `called_at`; times are seconds of the steady clock.

    `over_at`: since when the gateway shows no active run; `free_at`: since when no lock is kept either. `heard` is what the gateway had told of attempts before the call.
    """

    key: str
    called_at: float
    run_id: str | None
    heard: tuple[RunEvent, ...] = ()
    over_at: float | None = None
    free_at: float | None = None
    taken_again: bool = False
    other_run: str | None = None
    status: str | None = None

    def update(
        self, row: SessionRow | None, events: tuple[RunEvent, ...], now: float, *, lock_stays: bool = False
    ) -> None:
        """Take in one answer of the gateway, the attempts that it has told of, and whether a lock stays."""
        self._follow_attempts(
            event
            for event in told_since(events, self.heard)
            if isinstance(event, AttemptStarted) and event.session_key == self.key
        )
        active = row is not None and row.active is not False
        self.status = row.status if row is not None else None
        if not active:
            self.over_at = now if self.over_at is None else self.over_at
            self.free_at = None if lock_stays else now if self.free_at is None else self.free_at
        elif self.over_at is not None and self.other_run is None:
            self.taken_again = True

    def _follow_attempts(self, started: Iterable[AttemptStarted]) -> None:
        for event in started:
            if self.run_id is not None and event.run_id != self.run_id:
                self.other_run = event.run_id
            elif self.over_at is not None:
                self.taken_again = True

    def decided(self, now: float, answered_at: float | None, limits: CancelLimits) -> bool:
        """Return whether it is clear by now how the call ended."""
        if self.taken_again or self.other_run is not None:
            return True
        if self.free_at is not None:
            return now - self.free_at >= limits.quiet
        if self.over_at is not None:
            return now - self.over_at >= limits.wind_up
        return answered_at is not None and now - answered_at >= limits.free

    @property
    def winds_up(self) -> bool:
        """Whether the run is over for the gateway, and only its lock is kept: OpenClaw cleans up after an abort."""
        return self.over_at is not None and self.free_at is None and not self.taken_again


def verify_sqlite(
    verification: SqliteVerification,
    line: Line,
    answered: Callable[[], bool],
    limits: CancelLimits,
    steady: Clock,
    wait: Wait,
    lock_stands: Callable[[], bool] = lambda: False,
) -> SqliteVerification:
    """Ask the gateway until it is decided whether the run is over. GatewayError.

    `lock_stands` looks at the lock of a session of the file era; what is held briefly is a last write.
    """
    answered_at = stands_since = None
    while True:
        stands_since = None if not lock_stands() else steady() if stands_since is None else stands_since
        stays = stands_since is not None and steady() - stands_since >= limits.brief
        verification.update(
            row_of_session(line, verification.key), line.run_events(), steady(), lock_stays=stays
        )
        now = steady()
        answered_at = now if answered_at is None and answered() else answered_at
        if verification.decided(now, answered_at, limits):
            return verification
        wait(POLL_S)
