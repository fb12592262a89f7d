"""OpenClaw's own word that a session is stuck, kept together with what its recoveries came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.runs.events import RecoveryOutcome, StuckSession
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.words import duration, times

CHAINED_S = 900.0
"""Diagnoses at most this far apart (seconds) are one: 2026.7.1 repeats its own every six minutes."""

PROVEN_S = 300.0
"""So long (seconds) a queue must have been told to wait before that alone shows a wedge."""


class Wedge(Struct, frozen=True):
    """Diagnoses that follow each other: told from `since` to `last_at` (epoch seconds), with their last figures.

    `diagnosis` is the last one. `aborts` counts recoveries that reported an abort, `released` the locks that all
    recoveries freed. `recoveries` are all that ended in an outcome.
    """

    since: float
    last_at: float
    diagnosis: StuckSession | None = None
    aborts: int = 0
    released: int = 0
    recoveries: int = 0

    @property
    def is_proven(self) -> bool:
        """Return whether messages wait, or recoveries were tried in vain: else nobody is kept out."""
        queued = self.diagnosis is not None and bool(self.diagnosis.queue_depth)
        lasts = self.last_at - self.since >= PROVEN_S
        return (queued and lasts) or (self.aborts > 1 and not self.released)

    def sentences(self, now: float) -> tuple[str, ...]:
        """Say at `now` (epoch seconds) what OpenClaw says, and what its recoveries came to."""
        depth = self.diagnosis.queue_depth if self.diagnosis is not None else None
        queued = f", {times(depth, 'message')} queued" if depth else ""
        told = f"OpenClaw says stuck for {duration(now - self.since)}{queued}"
        if not self.aborts:
            return (told,)
        freed = times(self.released, "lock") if self.released else "nothing"
        return (f"{told}; its recovery reported {times(self.aborts, 'abort')} and released {freed}",)


def wedges_by_key(book: RunBook, keys: Mapping[str, str]) -> dict[str, Wedge]:
    """Return the newest chain of diagnoses of each session; `keys` are session keys by session id."""
    wedges: dict[str, Wedge] = {}
    for event in _told(book):
        key = event.session_key or keys.get(event.session_id or "")
        if key is None:
            continue
        wedge = wedges.get(key)
        if wedge is None or event.at - wedge.last_at > CHAINED_S:
            wedge = Wedge(event.at, event.at)
        wedges[key] = _with(wedge, event)
    return wedges


def _told(book: RunBook) -> Iterator[StuckSession | RecoveryOutcome]:
    for event in book.notices:
        slow = isinstance(event, StuckSession) and event.kind.startswith("long")
        if isinstance(event, StuckSession | RecoveryOutcome) and not slow:
            yield event


def _with(wedge: Wedge, event: StuckSession | RecoveryOutcome) -> Wedge:
    wedge = replace(wedge, last_at=max(wedge.last_at, event.at))
    if isinstance(event, StuckSession):
        return replace(wedge, diagnosis=event)
    # A recovery tells what it does in one line and its outcome in the next: only the outcome has a status.
    if event.status is None:
        return wedge
    return replace(
        wedge,
        aborts=wedge.aborts + (event.status == "aborted"),
        released=wedge.released + (event.released or 0),
        recoveries=wedge.recoveries + 1,
    )
