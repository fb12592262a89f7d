"""Verify the cancel of a run that holds no lock file (2026.8 and later), by what the gateway shows.

The run is over when the gateway shows no active run of the session, has told no further attempt of it, and
that has stayed so for as long as with a lock.  An answer to the call alone proves nothing here either.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from msgspec import Struct

from lockdeck.backend.actions.cancel.ladder import Rung
from lockdeck.backend.actions.cancel.records import Step
from lockdeck.backend.actions.cancel.verify_files import Limits
from lockdeck.backend.model.runs.events import AttemptStarted, RunEnded
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.rows import SessionRow, rows_of
from lockdeck.backend.openclaw.gateway.trouble import GatewayError
from lockdeck.backend.system.text import safe

POLL_S = 0.25
"""How often the gateway is asked whether the run is over, in seconds."""
ANSWER_S = 5.0
"""How long an answer may take, in seconds."""

Told = AttemptStarted | RunEnded


def row_of_session(line: Line, key: str) -> SessionRow | None:
    """Ask for one session's row; None where the gateway knows none. GatewayError."""
    rows = rows_of(line.call("sessions.list", {"search": key, "limit": 50}, ANSWER_S))
    return next((row for row in rows if row.key == key), None)


class Claim(Struct):
    """What was seen of a session since a call at `fired_at` (epoch seconds)."""

    key: str
    fired_at: float
    run_id: str | None
    free_at: float | None = None
    taken_again: bool = False
    other_run: str | None = None
    status: str | None = None

    def see(self, row: SessionRow | None, told: tuple[Told, ...], now: float) -> None:
        """Take in one answer of the gateway, and the attempts that it has told of."""
        fresh = [event for event in told if event.session_key == self.key and event.at >= self.fired_at]
        self._hear([event for event in fresh if isinstance(event, AttemptStarted)])
        active = row is not None and row.active is not False
        self.status = row.status if row is not None else None
        if not active:
            self.free_at = now if self.free_at is None else self.free_at
        elif self.free_at is not None and self.other_run is None:
            self.taken_again = True

    def _hear(self, started: list[AttemptStarted]) -> None:
        for event in started:
            if self.run_id is not None and event.run_id != self.run_id:
                self.other_run = event.run_id
            elif self.free_at is not None:
                self.taken_again = True

    def decided(self, now: float, answered_at: float | None, limits: Limits) -> bool:
        """Whether it is clear by now how the call ended."""
        if self.taken_again or self.other_run is not None:
            return True
        if self.free_at is not None:
            return now - self.free_at >= limits.quiet
        return answered_at is not None and now - answered_at >= limits.free


def verify_claim(
    claim: Claim,
    line: Line,
    answered: Callable[[], bool],
    limits: Limits,
    clock: Callable[[], float],
    wait: Callable[[float], object],
) -> Claim:
    """Ask the gateway until it is decided whether the run is over. GatewayError."""
    answered_at = None
    while True:
        claim.see(row_of_session(line, claim.key), line.run_events(), clock())
        now = clock()
        answered_at = now if answered_at is None and answered() else answered_at
        if claim.decided(now, answered_at, limits):
            return claim
        wait(POLL_S)


def step_of(claim: Claim, done: Rung, answer: str, now: float) -> Step:
    """Say how a rung ended."""
    over = claim.other_run is not None or (claim.free_at is not None and not claim.taken_again)
    free = None if claim.free_at is None else round((claim.free_at - claim.fired_at) * 1000)
    verified = 0 if claim.free_at is None else round((now - claim.free_at) * 1000)
    sentence = f"{done.title}: {_sentence(claim, answer, free, now)}"
    return Step(done.name, over, sentence, answer, free, None, verified, not over)


def _sentence(claim: Claim, answer: str, free: int | None, now: float) -> str:
    if claim.other_run is not None:
        return (
            f"the run has ended; the next queued message is being answered by run {safe(claim.other_run, 80)}"
        )
    if claim.free_at is None:
        waited = now - claim.fired_at
        return f"the gateway answered ({answer}), but still shows an active run after {waited:.1f} s"
    if claim.taken_again:
        whose = (
            "the same run went on" if claim.run_id else "a run goes on: whether it is the same can't be told"
        )
        return f"the gateway showed no active run for a moment, then {whose}"
    status = f", status {claim.status}" if claim.status else ""
    quiet = f"for {now - claim.free_at:.1f} s since"
    return f"the gateway shows no active run {free} ms after the call{status}, and has shown none {quiet}"


def listen(line: Line) -> None:
    """Ask for the session's events; without them the gateway's rows alone have to tell."""
    with contextlib.suppress(GatewayError):
        line.call("sessions.subscribe", {}, ANSWER_S)
