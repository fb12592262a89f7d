"""lockdeck asked again and again while something happens: `status` every two seconds, and `watch` beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.live.deck import Watch, status, watching
from tests.live.instance import Instance
from tests.live.matrix.judgement import Answer, answer_of
from tests.live.state import AGENTS

EVERY_S = 2.0


class Looks:
    """The answers of one scenario, in order, and the watch that ran beside them."""

    def __init__(self, instance: Instance, watch: Watch) -> None:
        self.watch = watch
        self.statuses: list[Answer] = []
        self.trouble: list[str] = []
        self._instance = instance
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="looks", daemon=True)

    def begin(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def end(self) -> None:
        """Ask no more; the last answer is there."""
        self._over.set()
        self._thread.join(150)

    @property
    def answers(self) -> list[Answer]:
        """All answers: those of `status`, and what `watch` had told by the time of each of them."""
        told = [
            Answer(
                a.asked_at,
                a.asked_at,
                {agent: s for agent in AGENTS if (s := self.watch.state_at(agent, a.asked_at))},
            )
            for a in self.statuses
        ]
        return [*self.statuses, *told]

    def _ask(self) -> None:
        while not self._over.is_set():
            asked_at = time.time()
            try:
                code, snapshot = status(self._instance)
            except (AssertionError, OSError) as error:
                self.trouble.append(str(error))
            else:
                self.statuses.append(answer_of(asked_at, time.time(), code, snapshot))
            self._over.wait(max(0.0, asked_at + EVERY_S - time.time()))


@contextmanager
def looking(instance: Instance) -> Iterator[Looks]:
    """Ask while the block runs."""
    with watching(instance) as watch:
        looks = Looks(instance, watch)
        looks.begin()
        try:
            yield looks
        finally:
            looks.end()
