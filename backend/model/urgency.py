"""The order in which sessions are shown: the most urgent first."""

from __future__ import annotations

from lockdeck.backend.model.fleet import SessionView, State

Urgency = tuple[int, bool, float, str, str, str]


def urgency(session: SessionView) -> Urgency:
    """Return what the most urgent session has the least of: what is over stands below what goes on."""
    over = session.state in (State.FAILED, State.IDLE)
    return (-session.severity, over, session.since or 0.0, session.host, session.root, session.key)
