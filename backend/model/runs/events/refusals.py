"""Refusals: callers that were turned away although no lock file stands in their way."""

from __future__ import annotations

from enum import StrEnum

from lockdeck.backend.model.pattern import late_pattern

TURN_CLAIMED = "already has an active turn claim"
TURN_CHANGED = "changed while starting"


class CallerRefusal(StrEnum):
    """The reason why a caller was turned away, as a sentence says it."""

    CLAIMED = "the session has a turn already"
    CHANGED = "the session changed while work was starting"
    DRAINING = "the gateway drains and takes no work"
    STORE_LOCK = "the lock of the session store could not be had"

    @property
    def obstacle(self) -> str:
        """The one thing on which all candidates of a refused run fail."""
        return _OBSTACLES[self]

    @property
    def reason(self) -> str:
        """The reason of an attempt that ended so."""
        return _REASONS[self]


_OBSTACLES = {
    CallerRefusal.CLAIMED: "one claim",
    CallerRefusal.CHANGED: "one claim",
    CallerRefusal.DRAINING: "a gateway that drains",
    CallerRefusal.STORE_LOCK: "the lock of the session store",
}
_REASONS = {
    CallerRefusal.CLAIMED: "claim",
    CallerRefusal.CHANGED: "claim",
    CallerRefusal.DRAINING: "drain",
    CallerRefusal.STORE_LOCK: "store lock",
}
_WORDS = (
    (TURN_CLAIMED, CallerRefusal.CLAIMED),
    (f"{TURN_CHANGED} work", CallerRefusal.CHANGED),
    ("writer claim changed", CallerRefusal.CHANGED),
    ("recovery claim changed", CallerRefusal.CHANGED),
    ("reply session initialization conflicted", CallerRefusal.CHANGED),
    ("is draining for restart", CallerRefusal.DRAINING),
    ("timeout waiting for session store lock", CallerRefusal.STORE_LOCK),
    ("timeout acquiring session store lock", CallerRefusal.STORE_LOCK),
)
"""OpenClaw's own words: claims from 2026.8.1, the store's lock up to 2026.4.29, under two names."""
_CLAIMED_SESSION = late_pattern(rf"Session (\S{{1,200}}) {TURN_CLAIMED}")


def refusal_in(text: str) -> CallerRefusal | None:
    """Return the refusal that an error's text tells, None where it tells none."""
    for words, refusal in _WORDS:
        if words in text:
            return refusal
    return None


def claimed_session(text: str) -> str | None:
    """Return the id of the session whose turn is claimed."""
    match = _CLAIMED_SESSION.search(text) if TURN_CLAIMED in text else None
    return match[1] if match else None
