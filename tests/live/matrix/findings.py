"""What the scenarios found on one release, and its line of the table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

COLUMNS = (
    "release",
    "answers",
    "false greens",
    "flips",
    "attempts right",
    "decisions right",
    "cancels true",
    "without credentials",
    "other faults",
)


@dataclass(slots=True)
class Findings:
    """What the scenarios found on one release; each false green, flip and fault is a sentence.

    `unseen`: answers without credentials in which nothing was green while a request was open.
    """

    release: str
    looks: int = 0
    false_greens: list[str] = field(default_factory=list)
    flips: list[str] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    cancels: Counter[str] = field(default_factory=Counter)
    unseen: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    not_tried: list[str] = field(default_factory=list)

    def count(self, counter: Counter[str], right: bool, fault: str) -> None:
        """Count one thing that was looked at; what is not right is written down."""
        counter["all"] += 1
        counter["right"] += right
        if not right:
            self.faults.append(fault)

    @property
    def clean(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.false_greens or self.flips or self.faults)

    @property
    def sentences(self) -> list[str]:
        """All that was wrong, then what could not be tried."""
        return [*self.false_greens, *self.flips, *self.faults, *self.not_tried]

    def row(self) -> str:
        """The release's line of the table."""
        figures = (self.looks, len(self.false_greens), len(self.flips))
        shares = (self.attempts, self.decisions, self.cancels, self.unseen)
        cells = (self.release, *map(str, figures), *map(_share, shares), _faults(self.faults))
        return f"| {' | '.join(cells)} |"


def _faults(faults: list[str]) -> str:
    """Return how many faults there are, and in which scenarios."""
    scenarios = dict.fromkeys(fault.partition(":")[0] for fault in faults)
    return f"{len(faults)} ({', '.join(scenarios)})" if faults else "0"


def _share(counter: Counter[str]) -> str:
    return f"{counter['right']} of {counter['all']}" if counter["all"] else "not needed"
