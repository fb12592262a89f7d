"""What may be done, written out as the commands that do it; `host_options` are words that name another host. All pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, SessionView
from lockdeck.backend.model.incidents.records import Incident, IncidentKind
from lockdeck.tui.view.answer import Move, Option


def command_of(
    option: Option, session: SessionView, incident: Incident | None = None, host_options: Sequence[str] = ()
) -> str | None:
    """Return the command that does what an option says; None where it is no deed."""
    if option.move is Move.CANCEL:
        return end_command(session, host_options)
    if option.move is Move.CANCEL_ALL and incident is not None:
        return cancel_command(incident, host_options)
    if option.move is Move.RELEASE and session.lock is not None:
        return release_command(session.lock, host_options)
    return None


def release_command(lock: LockView, host_options: Sequence[str] = ()) -> str:
    """Return the command that releases a hold."""
    return _line("release", lock.record.path, "--release-id", lock.release_id or "", *host_options)


def end_command(session: SessionView, host_options: Sequence[str] = ()) -> str:
    """Return the command that cancels the run of a session."""
    return _line("cancel", session.key, "--root", session.root, *host_options)


def cancel_command(incident: Incident, host_options: Sequence[str] = ()) -> str:
    """Return the command that cancels all sessions of an incident; another host is asked for each by its key."""
    if not host_options and incident.kind in (IncidentKind.PROVIDER, IncidentKind.MODEL):
        return _line("cancel", *(word for name in incident.subjects for word in ("--provider", name)))
    return _line("cancel", *incident.sessions, *host_options)


def with_command(
    option: Option, session: SessionView, incident: Incident | None = None, host_options: Sequence[str] = ()
) -> str:
    """Return an option with its command behind it."""
    command = command_of(option, session, incident, host_options)
    return option.words if command is None else f"{option.words}: {command}"


def incident_of(snapshot: FleetSnapshot, session: SessionView) -> Incident | None:
    """Return the widest incident that a session is part of."""
    return next((i for i in snapshot.incidents if session.identity in i.members), None)


def _line(*words: str) -> str:
    return shlex.join(("lockdeck", *words))
