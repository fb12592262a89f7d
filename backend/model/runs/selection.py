"""What of the past is to be told: a span of time, one session, one run. Pure.

Nothing is cut: what is told is told whole, with the start and the end that it had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from lockdeck.backend.model.moments import is_dated
from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.runs.joins import key_of
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.timespan import Timespan


class Selection(Struct, frozen=True):
    """`session` is a session's key or its id, `run` the id of a run; None means all."""

    span: Timespan = Timespan()
    session: str | None = None
    run: str | None = None

    def __bool__(self) -> bool:
        """Return whether it leaves anything out."""
        return bool(self.span) or self.session is not None or self.run is not None

    @property
    def of_one(self) -> bool:
        """Return whether one session or one run is meant: what names none is left out."""
        return self.session is not None or self.run is not None

    def names(self, run_id: str, session_id: str | None, key: str | None) -> bool:
        """Return whether a run of these ids is meant, whenever it was."""
        return self.run in (None, run_id) and self.session in (None, key, session_id)

    def takes_time(self, begin: float, end: float) -> bool:
        """Return whether something of that time is told; what has no date can't be left out by one."""
        return not (is_dated(begin) and is_dated(end)) or self.span.meets(begin, end)

    def takes_run(self, run: Run, key: str | None) -> bool:
        """Return whether a run is told."""
        if not self.names(run.run_id, run.session_id, key):
            return False
        return not run.facts or self.takes_time(_begin(run), run.last_activity)

    def takes_event(self, event: Event, runs: Mapping[str, Run], keys: Mapping[str, str]) -> bool:
        """Return whether an event is counted: of its session and run, and within the span."""
        run = runs.get(event.run_id) if event.run_id else None
        if run is not None:
            meant = self.names(run.run_id, run.session_id, key_of(run, keys))
        else:
            key = event.session_key or keys.get(event.session_id or "")
            meant = self.run is None and self.session in (None, key, event.session_id)
        return meant and self.takes_time(event.at, event.at)


def _begin(run: Run) -> float:
    """Return when a run began: its first attempt may tell a begin before its first line."""
    start = run.attempts[0].started_at if run.attempts else None
    first = run.facts[0].at
    return first if start is None else min(first, start)


def coverage(events: Iterable[Event]) -> tuple[float, float] | None:
    """Return the times of the first and the last event that have a date (epoch seconds); None without such."""
    times = [event.at for event in events if is_dated(event.at)]
    return (min(times), max(times)) if times else None
