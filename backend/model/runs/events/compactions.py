"""Events of compactions: OpenClaw shortens a transcript while the session is held."""

from __future__ import annotations

from typing import ClassVar, Protocol

from lockdeck.backend.model.runs.events.base import About, CausalOrder, Event, Handling
from lockdeck.backend.model.runs.events.wording import in_brackets


class CompactionSteps(Protocol):
    """Steps of reading a compaction."""

    def compacted(self, event: CompactionTimeout) -> None:
        """Take the begin or the end of a compaction that a timeout is about."""

    def compaction(self, event: RunCompaction) -> None:
        """Take the begin or the end of a compaction."""


class RunCompaction(Event, frozen=True):
    """`embedded run auto-compaction start` or `complete` (2026.5.28; at INFO). `reason`: threshold, overflow, manual."""

    run_id: str
    begins: bool
    session_id: str | None = None
    reason: str | None = None
    trace_id: str | None = None

    handling: ClassVar[Handling] = Handling("compaction", CausalOrder.COMPACTION, About.RUN)

    def sentence(self) -> str:
        """Say whether it begins or is over."""
        if not self.begins:
            return "the compaction of the transcript is over"
        return f"the transcript is being compacted{in_brackets(self.reason)}"

    def take(self, steps: CompactionSteps) -> None:
        """Take the begin or the end of a compaction."""
        steps.compaction(self)


class CompactionTimeout(Event, frozen=True):
    """A timeout that has to do with compaction; such timeouts never rotate. `text` tells which.

    `extra_ms` is what a run timeout that came during a compaction is put off by; `tries` how often the prompt can
    still be tried after a compaction that a timeout started (at most 2 in 2026.4.5), each but the last with another.
    """

    run_id: str | None
    session_id: str | None
    text: str
    trace_id: str | None = None
    extra_ms: int | None = None
    tries: int = 0

    handling: ClassVar[Handling] = Handling("compaction timeout", CausalOrder.COMPACTION_TIMEOUT, About.RUN)

    @property
    def begins(self) -> bool:
        """Return whether OpenClaw compacts from here on; else a compaction is over."""
        return self.tries > 0 or "extending deadline" in self.text

    def sentence(self) -> str:
        """Say whether a compaction begins or is over."""
        return (
            "timed out and compacts the transcript now" if self.begins else "a compaction ran into a timeout"
        )

    def take(self, steps: CompactionSteps) -> None:
        """Take the begin or the end of a compaction."""
        steps.compacted(self)
