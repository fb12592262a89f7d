"""What actions need, what is planned before they are asked about, and what plans and does them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.actions.journal import Journal, default_journal
from lockdeck.backend.actions.release.records import ReleasePlan
from lockdeck.backend.hosts.told import LadderTold, ReleaseTold
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.openclaw.log.place import LogPlace
from lockdeck.backend.settings.records import Settings
from lockdeck.tui.jobs import Piece
from lockdeck.tui.targets import Target

if TYPE_CHECKING:
    from lockdeck.backend.actions.cancel.context import CancelLimits

Tell = Callable[[int, Piece], None]
"""Hears how the piece at an index stands now."""
Later = Callable[[Callable[[], None]], None]
"""Runs something that nobody waits for."""
Remaining = Callable[[int], object]
"""Hears how many targets are still to be looked at."""
Ladder = CancelPlan | LadderTold
"""The ways to end a run, as they were found here or told by its host."""
Planned = tuple[Target, Ladder | None]
"""What was aimed at, and its ladder; None where the session or its root is not known any more."""


@dataclass(frozen=True, slots=True)
class ActionContext:
    """All that actions need. `watch_s`: for so many seconds a released lock's name is watched."""

    journal: Journal = field(default_factory=default_journal)
    env: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    settings: Settings = field(default_factory=Settings)
    logs: Callable[[], Sequence[LogPlace]] = tuple
    watch_s: float = 30.0
    clock: Callable[[], float] = time.time
    wait: Callable[[float], object] = time.sleep
    limits: CancelLimits | None = None


class Offer(Struct, frozen=True):
    """A release as planned here, or as its host tells it. `written_at`: of the transcript, epoch seconds."""

    target: Target
    plan: ReleasePlan | ReleaseTold
    written_at: float | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons why it is refused, empty where it may be done."""
        return self.plan.refusal.reasons if self.plan.refusal else ()

    @property
    def view(self) -> LockView | None:
        """The lock as it was looked at for this plan, else as it stands in its row."""
        return self.plan.view or self.target.lock


class Acts(Protocol):
    """Plans and does actions for one dialog and its job. All of it but `stop` and `close` may take seconds, and knows no widget."""

    def offer_releases(self, targets: Sequence[Target], remaining: Remaining) -> tuple[Offer, ...]:
        """Look afresh at the holds that were aimed at. Only one by itself may be released on a person's word."""

    def wait_until_quiet(
        self, offers: Sequence[Offer], tell: Callable[[float], object], over: threading.Event
    ) -> None:
        """Wait for young processes of OpenClaw as the releases would; `tell` hears how many seconds that may still take.

        It ends early when it is `over`.
        """

    def do_releases(self, offers: Sequence[Offer], tell: Tell, later: Later) -> None:
        """Release the locks; each has its result at once."""

    def offer_cancels(self, targets: Sequence[Target], remaining: Remaining) -> tuple[Planned, ...]:
        """Look afresh, and put the ladders together."""

    def do_cancels(
        self, targets: Sequence[Target], ladders: Sequence[Ladder], allow: frozenset[str], tell: Tell
    ) -> None:
        """End the runs by the rungs that were confirmed; each has its result at once."""

    def stop(self) -> None:
        """Begin nothing of what waits until its host takes more asks; what was begun is finished."""

    def close(self) -> None:
        """Let go of whatever was opened for this."""
