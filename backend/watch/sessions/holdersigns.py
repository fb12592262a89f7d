"""What the process that proves to hold a lock shows of itself: whether it works, and whether somebody has stopped it."""

from __future__ import annotations

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import Proof
from lockdeck.backend.watch.progress import Progress

Process = tuple[int, int | None]
"""A process by its pid and the ticks of its start."""
Signs = tuple[float | None, str | None]
"""When a holder was last seen working (epoch seconds), and that it is stopped, in a sentence."""
NO_SIGNS: Signs = (None, None)


class HolderSigns:
    """Asks holders, each once a look. Owned by the collector's thread."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._asked: set[Process] = set()

    def of(self, lock: LockView | None, now: float) -> Signs:
        """Return what the proven holder of a lock shows at `now` (epoch seconds), nothing where there is none."""
        holder = lock.judgement.holder if lock else None
        if holder is None or holder.proof is Proof.NONE:
            return NO_SIGNS
        process = (holder.pid, holder.start_ticks)
        self._asked.add(process)
        return self._progress.worked_at(*process, now), self._progress.suspension(*process, now)

    def take_asked(self) -> set[Process]:
        """Return the processes that were asked since the last time."""
        asked, self._asked = self._asked, set()
        return asked
