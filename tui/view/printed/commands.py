"""What may be done, written out as the commands that do it; `host_options` are words that name another host. All pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, SessionView
from lockdeck.backend.model.incidents.records import Incident, IncidentKind
from lockdeck.tui.view.answer import Move, Option, answer


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


def row_commands(
    session: SessionView | None, lock: LockView | None, now: float, host_options: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the command that explains a row, and those that do what may be done about it; none where its host is lost."""
    row = session or lock
    if row is None or row.last_seen is not None:
        return
    yield _line("explain", row.key if isinstance(row, SessionView) else row.record.path, *host_options)
    if session is not None:
        commands = (
            command_of(one, session, host_options=host_options) for one in answer(session, now).options
        )
        yield from (command for command in commands if command is not None)
    elif lock is not None and lock.judgement.releasable:
        yield release_command(lock, host_options)


def row_words(name: str, host_options: Sequence[str]) -> str:
    """Return the words that name a row behind a command of ours: on another host not its name alone."""
    return shlex.join((name, *host_options)) if host_options else name


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
