"""Short names of sessions, locks and roots. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import SessionView
from lockdeck.backend.system.text import SafeText, safe

_ROOT_LABEL = 12


def short_key(session: SessionView) -> str:
    """Return the session key without the part that only repeats the agent."""
    return session.key.removeprefix(f"agent:{session.agent}:")


def session_name(session: SessionView) -> str:
    """Return agent and session."""
    return f"{session.agent} {short_key(session)}"


def file_name(path: str) -> str:
    """Return the last part of a path."""
    return path.rpartition("/")[2]


def root_label(root: str) -> SafeText:
    """Return the name of a root's profile, or of its folder."""
    return safe(file_name(root.rstrip("/")).lstrip(".").removeprefix("openclaw-"), _ROOT_LABEL)
