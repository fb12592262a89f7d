"""lockdeck asked again and again while something happens: `status` every two seconds, and `watch` beside it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import groupby
from typing import Any

from tests.live.deck import Watch, by_agent, status, watching
from tests.live.instance import Instance
from tests.live.matrix.judgement import Answer, answer_of
from tests.live.state import AGENTS

EVERY_S = 2.0


class Looks:
    """The answers of one scenario, in order, and the watch that ran beside them."""

    def __init__(self, instance: Instance, watch: Watch) -> None:
        self.began_at = time.time()
        self.watch = watch
        self.statuses: list[Answer] = []
        self.snapshots: list[dict[str, Any]] = []
        """What `status` printed, one for each of `statuses`."""
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
                unseen=self.watch.unseen_at(a.asked_at),
            )
            for a in self.statuses
        ]
        return [*self.statuses, *told]

    def pictures(self, agent: str) -> Iterator[dict[str, Any]]:
        """Yield every picture of an agent's main session, of `status` and of `watch`."""
        yield from self.watch.sessions(agent)
        yield from (session for s in self.snapshots if (session := by_agent(s).get(agent)))

    def states(self, agent: str) -> tuple[list[str], list[str]]:
        """Return the states an agent went through, by `watch` and by `status`, repeats left out.

        An answer that shows no row and says that it can't see all tells none.
        """
        told = [a for a in self.statuses if agent in a.states or not a.unseen]
        asked = [state for state, _ in groupby(a.states.get(agent, "no row") for a in told)]
        return self.watch.states(agent), asked

    def write(self, scenario: str) -> None:
        """Keep everything beside the instance's log, where a person finds out why."""
        folder = self._instance.folder / "answers"
        folder.mkdir(exist_ok=True)
        asked = [
            {"askedAt": a.asked_at, "answeredAt": a.answered_at, "code": a.code, "status": snapshot}
            for a, snapshot in zip(self.statuses, self.snapshots, strict=True)
        ]
        told = [
            {"at": at, "line": line} for at, line in zip(self.watch.arrivals, self.watch.lines, strict=False)
        ]
        seen = [asdict(r) for r in self._instance.provider.history if r.began_at >= self.began_at]
        for name, lines in (("status", asked), ("watch", told), ("provider", seen)):
            path = folder / f"{len(list(folder.iterdir())):02}-{scenario}-{name}.jsonl"
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def _ask(self) -> None:
        while not self._over.is_set():
            asked_at = time.time()
            try:
                code, snapshot = status(self._instance)
            except (AssertionError, OSError) as error:
                self.trouble.append(str(error))
            else:
                self.statuses.append(answer_of(asked_at, time.time(), code, snapshot))
                self.snapshots.append(snapshot)
            self._over.wait(max(0.0, asked_at + EVERY_S - time.time()))


@contextmanager
def looking(instance: Instance, scenario: str) -> Iterator[Looks]:
    """Ask while the block runs."""
    with watching(instance) as watch:
        looks = Looks(instance, watch)
        looks.begin()
        try:
            yield looks
        finally:
            looks.end()
    looks.write(scenario)
