"""Whom an event is about: its session, as far as an id in it leads to one, else its lock."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.runs.joins import key_of, session_of_lock
from lockdeck.backend.model.runs.run import Run

_AGENT = late_pattern(r"[/\\]agents[/\\]([^/\\]+)[/\\]sessions[/\\]")


class SessionRef(Struct, frozen=True):
    """A session by its key and its id, and the lock that was named; nothing for what concerns a gateway."""

    session_key: str | None = None
    session_id: str | None = None
    lock_path: str | None = None

    @property
    def name(self) -> str | None:
        """The session by its key, else by its id, else the lock."""
        return self.session_key or self.session_id or self.lock_path

    @property
    def agent(self) -> str | None:
        """The agent, as the path of the lock tells it."""
        match = _AGENT.search(self.lock_path or "")
        return match[1] if match is not None else None

    def or_else(self, other: SessionRef) -> SessionRef:
        """Fill in what is not told."""
        return SessionRef(
            self.session_key or other.session_key,
            self.session_id or other.session_id,
            self.lock_path or other.lock_path,
        )


class SessionFinder:
    """Answers by `keys`, the session keys by session id and run id (`session_keys`)."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = keys

    def of(self, event: Event, run: Run | None) -> SessionRef:
        """Return whom an event of a run, or of none, is about: a failure on a lock is about the session of the lock."""
        path = event.lock_path
        named = next((t.session_key for t in event.lock_timeouts if t.session_key), None) or event.session_key
        if path is not None or named is not None:
            session_id = session_of_lock(path) or event.session_id
            return SessionRef(self._keys.get(session_id or "") or named, session_id, path)
        session_id = event.session_id or (run.session_id if run is not None else None)
        key = key_of(run, self._keys) if run is not None else None
        return SessionRef(key or self._keys.get(session_id or ""), session_id)
