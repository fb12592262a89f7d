"""Gaps between the attempts of a run: how long one may last, and which hold is that of the next attempt."""

from __future__ import annotations

from collections.abc import Iterable

from lockdeck.backend.model.runs.records import GAP_GRACE_S, Hold, Occupation
from lockdeck.backend.model.runs.run import Run

FOLLOW_UP_S = 30.0
"""After this many seconds without a follow-up attempt a rotation decision has come to nothing.

A shorter gap belongs to the rotation: on a busy machine 2026.4.5 was seen to leave 18.5 s between two attempts.
"""
HOLD_SLACK_S = 2.0
"""The end of a hold and the decision on its attempt may be this many seconds apart."""
CLOCK_SLACK_S = 0.1
"""A lock's own time may be this much (seconds) before the log line that preceded it."""


def gap_grace(run: Run | None, occupation: Occupation | None = None, unlocked_s: float = 0.0) -> float:
    """Return how long a gap may last, in seconds, without ending the occupation.

    Longer while a decision promises an attempt that has not taken the lock yet, or that can go on for `unlocked_s`
    seconds without it.
    """
    if run is None or run.promised_at is None:
        return GAP_GRACE_S
    if unlocked_s:
        return FOLLOW_UP_S + unlocked_s
    followed = occupation is not None and followed_up(occupation.recent, run.promised_at)
    return GAP_GRACE_S if followed else FOLLOW_UP_S


def followed_up(holds: Iterable[Hold], decided_at: float) -> bool:
    """Return whether a lock was taken soon enough after a decision (epoch seconds) to be the next attempt's.

    A lock taken later belongs to another run: when the next attempt answers, no line says so.
    """
    starts = [hold.started_at for hold in holds if hold.started_at >= decided_at - CLOCK_SLACK_S]
    return bool(starts) and min(starts) - decided_at <= FOLLOW_UP_S
