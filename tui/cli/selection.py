"""The sessions that a command names by their keys."""

from __future__ import annotations

import difflib

import click

from lockdeck.backend.model.fleet import FleetSnapshot, SessionView
from lockdeck.backend.system.text import safe


def session_of_key(snapshot: FleetSnapshot, key: str) -> SessionView:
    """Return the session of a key; raise a usage error where there is none, or where several roots have one."""
    matches = [session for session in snapshot.sessions if session.key == key]
    if not matches:
        near = difflib.get_close_matches(key, [session.key for session in snapshot.sessions], 1)
        meant = f"did you mean {near[0]}? " if near else ""
        hint = f"; {meant}`lockdeck status --format names` lists the keys"
        raise click.UsageError(safe(f"no session {key}{hint}", 1000))
    if len(matches) > 1:
        places = ", ".join(session.root for session in matches)
        raise click.UsageError(safe(f"{key} is in several roots ({places}): name one with --root", 1000))
    return matches[0]
