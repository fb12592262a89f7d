"""A change of the fleet in words: as a line, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_never

from lockdeck.backend.model.changes import (
    Change,
    IncidentChange,
    LockChange,
    RootChange,
    SessionChange,
)
from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView
from lockdeck.backend.model.moments import iso
from lockdeck.backend.model.runs.rotation import passed_sentence
from lockdeck.backend.model.wire import (
    SCHEMA,
    SessionSources,
    incident_json,
    lock_json,
    root_json,
    session_json,
)
from lockdeck.backend.model.words import duration, time_of_day, times
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.tui.view.printed.incidents import incident_change_text
from lockdeck.tui.view.printed.table import attempt_text


def change_json(change: Change, snapshot: FleetSnapshot, sources: SessionSources) -> dict[str, Any]:
    """One change as JSON: what it is about, how it changed, and the whole new picture of that thing.

    `sources` are those of the snapshot's sessions.
    """
    now = snapshot.generated_at
    line: dict[str, Any] = {"schema": SCHEMA, "at": iso(now)}
    match change:
        case SessionChange():
            return line | {
                "subject": "session",
                "change": change.kind,
                "session": session_json(change.view, now, snapshot.host, sources.json_of(change.view)),
            }
        case LockChange():
            return line | {
                "subject": "lock",
                "change": change.kind,
                "lock": lock_json(change.view, snapshot.host, now),
            }
        case RootChange():
            root = root_json(change.view, snapshot.host)
            return line | {"subject": "root", "change": change.kind, "root": root}
        case IncidentChange():
            incident = incident_json(change.view)
            return line | {"subject": "incident", "change": change.kind, "incident": incident}
        case _:
            assert_never(change)


def change_line(change: Change, snapshot: FleetSnapshot) -> SafeText:
    """One change as text."""
    subject, words = _words(change, snapshot.generated_at)
    parts = (time_of_day(snapshot.generated_at), subject.ljust(7), change.kind.ljust(8), *words)
    return safe("  ".join(part for part in parts if part), 4096)


def _words(change: Change, now: float) -> tuple[str, Iterator[str]]:
    match change:
        case SessionChange():
            return "session", _session_words(change.view, now)
        case LockChange():
            return "lock", _lock_words(change.view)
        case RootChange():
            return "root", _root_words(change.view)
        case IncidentChange():
            return "cause", iter((incident_change_text(change, now),))
        case _:
            assert_never(change)


def _root_words(root: RootView) -> Iterator[str]:
    yield root.path
    yield f"watch {root.watch}"
    yield "; ".join(root.problems)


def _session_words(session: SessionView, now: float) -> Iterator[str]:
    yield f"{session.agent} {session.key}"
    yield f"{session.severity.word}: {session.state.value}"
    if session.attempt:
        yield f"attempt {attempt_text(session)}"
    if session.occupation:
        holds = times(session.occupation.holds, "hold")
        yield f"occupied {duration(now - session.occupation.since)} in {holds}"
    if session.rotation is not None and session.free_by is not None:
        yield passed_sentence(session.rotation, now) or f"free by {time_of_day(session.free_by, now)}"
    if session.blocked.count:
        yield times(session.blocked.count, "blocked caller")
    if session.reasons:
        yield session.reasons[0]


def _lock_words(view: LockView) -> Iterator[str]:
    yield view.judgement.verdict.value
    yield view.record.path
    yield view.judgement.reasons[0] if view.judgement.reasons else ""
