"""The log of each session: the events of its runs, and the notices that name its key or its lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.sessions.loglines import MAX_LINES, LogLine, log_of

K = TypeVar("K")


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
        self._lines: dict[tuple[str, str | None], tuple[LogLine, ...]] = {}
        for notice in notices:
            self._sort_in(notice, keys or {})

    def of(self, key: str, lock_path: str | None) -> tuple[LogLine, ...]:
        """Return the newest lines of a session, oldest first."""
        session = (key, lock_path)
        if session not in self._lines:
            events = [*self._by_key.get(key, ()), *self._by_path.get(lock_path or "", ())]
            self._lines[session] = log_of([*events, *self._facts(key)])
        return self._lines[session]

    def changed_since(self, earlier: SessionLogs) -> tuple[set[str], set[str]]:
        """Return the session keys and the lock paths of which other notices tell than before; runs are not compared."""
        return differing(earlier._by_key, self._by_key), differing(earlier._by_path, self._by_path)

    def _facts(self, key: str) -> list[Event]:
        """Return the facts of the newest runs, of as many as can fill the log."""
        facts: list[Event] = []
        for run in reversed(self._runs.get(key, ())):
            facts += run.facts
            if len(facts) >= 2 * MAX_LINES:
                break
        return facts

    def _sort_in(self, notice: Event, keys: Mapping[str, str]) -> None:
        key = notice.session_key or keys.get(notice.session_id or "")
        if key is not None:
            self._by_key.setdefault(key, []).append(notice)
        elif notice.lock_path is not None:
            self._by_path.setdefault(notice.lock_path, []).append(notice)


def differing(earlier: Mapping[K, object], later: Mapping[K, object]) -> set[K]:
    """Return the keys under which two mappings differ."""
    changed = {key for key, value in later.items() if earlier.get(key) != value}
    return changed | (earlier.keys() - later.keys())
