"""What the rungs of one cancel work with."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from lockdeck.backend.actions.cancel.log import LogSince
from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.actions.cancel.verify_files import Limits, Target
from lockdeck.backend.model.locks import LockKind, LockRecord
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.locks.lockfile import read_lock


class Scene(Struct, frozen=True):
    """What the rungs of one cancel work with. `tell` hears what is going on, `connect` opens a new line."""

    plan: CancelPlan
    target: Target
    limits: Limits
    line: Line | None
    log: LogSince
    clock: Callable[[], float]
    wait: Callable[[float], object]
    tell: Callable[[str], None]
    connect: Callable[[], Line]

    def look(self) -> LockRecord:
        """Read the lock as it is now."""
        return read_lock(self.target.lock_path, self.plan.root, None, LockKind.SESSION)


class NobodyThereError(Exception):
    """No lock of the run came within the limit, or another process has it: there is nothing to fire at."""
