"""The log of each session: the events of its runs, and the notices that name its key or its lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.runs.fold import Run
from lockdeck.backend.model.sessions.loglines import MOST_LINES, LogLine, log_of


class SessionLogs:
    """Answers for one state of the log; each session's lines are made once, when they are first asked for.

    `runs` are by session key, the most recently active last; `keys` gives the session key of a session id.
    """

    def __init__(
        self,
        runs: Mapping[str, Sequence[Run]] | None = None,
        notices: Iterable[Event] = (),
        keys: Mapping[str, str] | None = None,
    ) -> None:
        self._runs = runs or {}
        self._by_key: dict[str, list[Event]] = {}
        self._by_path: dict[str, list[Event]] = {}
        self._made: dict[tuple[str, str | None], tuple[LogLine, ...]] = {}
        for notice in notices:
            self._sort_in(notice, keys or {})

    def of(self, key: str, lock_path: str | None) -> tuple[LogLine, ...]:
        """Return the newest lines of a session, oldest first."""
        asked = (key, lock_path)
        if asked not in self._made:
            events = [*self._by_key.get(key, ()), *self._by_path.get(lock_path or "", ())]
            self._made[asked] = log_of([*events, *self._facts(key)])
        return self._made[asked]

    def _facts(self, key: str) -> list[Event]:
        """Return the facts of the newest runs, of as many as can fill the log."""
        found: list[Event] = []
        for run in reversed(self._runs.get(key, ())):
            found += run.facts
            if len(found) >= 2 * MOST_LINES:
                break
        return found

    def _sort_in(self, notice: Event, keys: Mapping[str, str]) -> None:
        key = getattr(notice, "session_key", None) or keys.get(getattr(notice, "session_id", None) or "")
        timeout = getattr(notice, "lock_timeout", None)
        path = getattr(notice, "path", None) or (timeout.path if timeout is not None else None)
        if key is not None:
            self._by_key.setdefault(key, []).append(notice)
        elif path is not None:
            self._by_path.setdefault(path, []).append(notice)
