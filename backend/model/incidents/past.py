"""Incidents of the past: what several sessions had in common, by the books of all logs together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from lockdeck.backend.model.identity import Identity
from lockdeck.backend.model.incidents.calls import Call, calls_of
from lockdeck.backend.model.incidents.locks import LockFailure, lock_failures_of, obstructing
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.incidents.silence import CallBook, silences
from lockdeck.backend.model.incidents.words import incident_sentence
from lockdeck.backend.model.moments import written
from lockdeck.backend.model.runs.events import LaneWait
from lockdeck.backend.model.runs.events.base import CallerFailure
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.joins import key_of, session_keys, session_of_lock
from lockdeck.backend.model.runs.past.timeline import Happening
from lockdeck.backend.model.runs.run import all_lives
from lockdeck.backend.model.sessions.blocked import blocked_on, failures_by_subject, waits_by_key

_Timed = TypeVar("_Timed", CallerFailure, LaneWait)
INCIDENT = "incident"
"""The kind under which the timeline tells an incident."""


def past_incidents(books: Mapping[str, RunBook]) -> tuple[Incident, ...]:
    """Return the incidents that the books, by the names of their sources, tell together, oldest first."""
    calls: list[Call] = []
    failures: list[LockFailure] = []
    callers = _Callers()
    for name, book in books.items():
        keys = session_keys(book, {})
        for run in book.runs.values():
            key = key_of(run, keys) or run.session_id
            if key is None:
                continue
            agent, session = agent_of(key), ("", name, key)
            for life in all_lives(run):
                calls += calls_of(life, session, agent, book.profiles)
                failures += lock_failures_of(life, session, agent)
        callers.take(name, book, keys)
    found = (*silences(CallBook.of(calls), callers, {}), *obstructing(failures, {}))
    return tuple(sorted(found, key=lambda incident: (incident.since or 0.0, incident.subject)))


def happening_of(incident: Incident) -> Happening:
    """Return an incident as a line of the timeline."""
    at = incident.since or 0.0
    until = at if incident.until is None else incident.until
    return Happening(at, until, INCIDENT, incident_sentence(incident, written), bad=True)


def agent_of(key: str) -> str:
    """Return the agent that a session key names; the key itself where it has another form."""
    parts = key.split(":", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "agent" else key


class _Callers:
    """Who failed on the locks of sessions or waited for them, by session."""

    def __init__(self) -> None:
        self._failures: dict[Identity, list[CallerFailure]] = {}
        self._waits: dict[Identity, Sequence[LaneWait]] = {}

    def take(self, name: str, book: RunBook, keys: Mapping[str, str]) -> None:
        """Take in what one source tells."""
        for subject, failures in failures_by_subject(book).items():
            session_id = session_of_lock(subject)
            key = subject if session_id is None else keys.get(session_id, session_id)
            self._failures.setdefault(("", name, key), []).extend(failures)
        self._waits |= {("", name, key): waits for key, waits in waits_by_key(book).items()}

    def __call__(self, sessions: Iterable[Identity], since: float, until: float) -> int:
        """Count the callers of some sessions from one moment to another."""
        return sum(self._of(session, since, until) for session in sessions)

    def _of(self, session: Identity, since: float, until: float) -> int:
        failures = sorted(
            _within(self._failures.get(session, ()), since, until), key=lambda f: (f.at, f.source)
        )
        return blocked_on(failures, _within(self._waits.get(session, ()), since, until)).count


def _within(events: Iterable[_Timed], since: float, until: float) -> Iterator[_Timed]:
    return (event for event in events if since <= event.at <= until)
