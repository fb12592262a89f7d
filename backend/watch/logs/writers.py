"""Who writes one log that is followed, and whose lines count: those of one, or of such as name a session of ours.

Several gateways may have a session of the same key: what the wrong one says of it would be a false alarm or a false calm.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.model.runs.sources import origins_apart
from lockdeck.backend.model.words import times
from lockdeck.backend.openclaw.log.datings import FURTHER, MOST_ORIGINS, Origins

MOST_KEPT = 4096
"""So many events of each who writes are kept until it is known whose they are."""


class Writers:
    """Takes the events of one log in their order. Where one writes it they are told; where several do, those of `ours`."""

    def __init__(self) -> None:
        self._kept: dict[Origins, deque[Event]] = {}
        self._ours: set[Origins] = set()
        self._withdrawn: list[Event] = []
        self.several = False

    def take(self, origins: Origins, event: Event) -> Iterator[Event]:
        """Yield the event if it is to be told."""
        if origins not in self._kept:
            origins = origins if len(self._kept) < MOST_ORIGINS else FURTHER
            self._kept.setdefault(origins, deque(maxlen=MOST_KEPT))
            self._look_whether_several()
        self._kept[origins].append(event)
        if not self.several or origins in self._ours:
            yield event

    def attribute(self, known: Collection[str]) -> tuple[list[Event], list[Event]]:
        """Return what is to be told after all and what was told and isn't to count; `known` are ids of sessions of ours."""
        told: list[Event] = []
        for origins, kept in self._kept.items() if self.several else ():
            if origins not in self._ours and any(event.session_id in known for event in kept):
                self._ours.add(origins)
                told += kept
        withdrawn, self._withdrawn = self._withdrawn, []
        return told, withdrawn

    def withheld(self, oldest: float) -> str | None:
        """Say whose lines since (epoch seconds) count for nothing, so that what they tell isn't known; None where all count."""
        silent = [
            " ".join(origins) or "nobody that is named"
            for origins, kept in self._kept.items()
            if origins not in self._ours
            and any(event.at >= oldest for event in kept)
            # Who names sessions, none of them ours, is another gateway's; that of the root is another of these.
            and not (self._ours and any(event.session_id for event in kept))
        ]
        if not self.several or not silent:
            return None
        return (
            f"of {times(len(self._kept), 'source')} in one stream, no line of {', '.join(sorted(silent)[:3])} names a session "
            "that is known here: what they tell counts for nothing; give each root a log of its own"
        )

    def _look_whether_several(self) -> None:
        if not self.several and len(set(origins_apart(self._kept).values())) > 1:
            self.several = True
            self._withdrawn = [event for kept in self._kept.values() for event in kept]


def attributed(every: Iterable[Writers], known: Collection[str]) -> tuple[list[Event], list[Event]]:
    """Return what all of them tell after all, and what they withdraw."""
    told: list[Event] = []
    withdrawn: list[Event] = []
    for writers in every:
        more, less = writers.attribute(known)
        told, withdrawn = told + more, withdrawn + less
    return told, withdrawn
