"""`lockdeck explain SESSION_KEY`: the answer about one session in five lines, its cause and its lock."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from lockdeck.backend.model.fleet import FleetSnapshot, SessionView
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.knowledge import Knowledge
from lockdeck.backend.model.moments import iso
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.model.wire import SCHEMA, dumps, incident_json, session_json, sources_json
from lockdeck.backend.model.words import zoned_time
from lockdeck.backend.system.text import safe
from lockdeck.tui.cli.output import emit, terminal_width
from lockdeck.tui.cli.selection import session_of_key
from lockdeck.tui.exits import Exit
from lockdeck.tui.view.answer import Option, SessionAnswer, answer
from lockdeck.tui.view.printed.commands import command_of, incident_of, with_command
from lockdeck.tui.view.printed.incidents import incident_text
from lockdeck.tui.view.printed.plain import lock_lines
from lockdeck.tui.view.printed.wrapping import labelled_lines


def explain_session(
    key: str, snapshot: FleetSnapshot, as_json: bool, host_options: Sequence[str] = ()
) -> Exit:
    """Print the answer about the session of a key; 0, 1 when it needs a person, 2 when there is none.

    `host_options`: words that name another host in a command.
    """
    session = session_of_key(snapshot, key)
    incident = incident_of(snapshot, session)
    told = answer(session, snapshot.generated_at, incident)
    if as_json:
        emit(dumps(_as_json(snapshot, session, told, incident, host_options), indent=2))
    else:
        _print(snapshot, session, told, incident, host_options)
    return Exit.ATTENTION if needs_person(_alone(snapshot, session)) else Exit.OK


def _alone(snapshot: FleetSnapshot, session: SessionView) -> FleetSnapshot:
    """Return the picture of one session: with its root, which may hide something, and its lock."""
    return replace(
        snapshot,
        roots=tuple(root for root in snapshot.roots if root.path == session.root),
        sessions=(session,),
        locks=() if session.lock is None else (session.lock,),
    )


def _print(
    snapshot: FleetSnapshot,
    session: SessionView,
    told: SessionAnswer,
    incident: Incident | None,
    host_options: Sequence[str],
) -> None:
    now = snapshot.generated_at
    emit(safe(f"{session.key}  {session.root} on {snapshot.host}, {zoned_time(now)}", 4096))
    emit(told.headline)
    how = partial(with_command, session=session, incident=incident, host_options=host_options)
    for line in labelled_lines(told.rows(how), terminal_width()):
        emit(line)
    for reason in session.reasons:
        emit(safe(f"  evidence: {reason}", 4096))
    if incident is not None:
        emit(f"its cause: {incident_text(incident, now)}")
        for sentence in incident.evidence:
            emit(safe(f"  {sentence}", 4096))
    if session.lock is not None:
        emit("its lock:")
        for line in lock_lines(session.lock):
            emit(f"  {line}")


def _as_json(
    snapshot: FleetSnapshot,
    session: SessionView,
    told: SessionAnswer,
    incident: Incident | None,
    host_options: Sequence[str],
) -> dict[str, Any]:
    root = next((root for root in snapshot.roots if root.path == session.root), None)
    sources = () if root is None else Knowledge(root).of(session)
    now = snapshot.generated_at
    return {
        "schema": SCHEMA,
        "generatedAt": iso(now),
        "session": session_json(session, now, snapshot.host, sources_json(sources)),
        "answer": {
            "headline": told.headline,
            "why": told.why,
            "who": told.who,
            "howLong": told.how_long,
            "waiting": told.waiting,
            "now": [_option(option, session, incident, host_options) for option in told.options],
        },
        "incidents": [] if incident is None else [incident_json(incident)],
    }


def _option(
    option: Option, session: SessionView, incident: Incident | None, host_options: Sequence[str]
) -> dict[str, str | None]:
    command = command_of(option, session, incident, host_options)
    return {"does": option.move.value, "words": option.words, "command": command}
