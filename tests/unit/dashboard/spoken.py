"""Hosts for tests of what is asked of them: they stand in for the link to each, and say what a test has them say."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.addresses import DeckAddresses
from lockdeck.backend.hosts.asks import PLANNED, Ask, AskAnswer, Operation, Role, may_ask
from lockdeck.backend.hosts.frames import HostHello
from lockdeck.backend.hosts.nats.address import FleetAddress
from lockdeck.backend.hosts.state import HostState
from lockdeck.backend.model.hosts import Phase
from lockdeck.tui.acting.asked import AskedActs

Answering = Callable[[Ask], Iterable[Any]]
"""What a host says to an ask: `Told` and `AskAnswer`, or nothing."""


class Spoken:
    """Hosts by name, what each says to an ask, and all that they were asked."""

    def __init__(
        self,
        journal: Journal,
        hosts: Mapping[str, Answering],
        role: Role = Role.OPERATOR,
        addresses: Sequence[HostAddress | FleetAddress] = (),
    ) -> None:
        self.asked: list[tuple[str, Ask]] = []
        self.links: list[Any] = []
        spoken = self

        class Link:
            """Greets at once, and answers in a thread of its own."""

            def __init__(self, address: Any, _wake: object, /, *, talk: Any) -> None:
                self.address = address
                self.state = HostState(address.name, Phase.CALLED)
                self.stopped = 0
                self._name, self._talk = address.name, talk
                self._frames: queue.Queue[Any] = queue.Queue()
                self._thread = threading.Thread(target=self._follow, daemon=True)
                spoken.links.append(self)

            def start(self) -> None:
                self._thread.start()

            def stop(self) -> None:
                self.stopped += 1
                self._frames.put(None)

            def _follow(self) -> None:
                can = tuple(operation.value for operation in may_ask(role))
                hello = HostHello((1, 1), "9", self._name, role.value, can=can, at=time.time())
                self._talk.greeted(hello, self._frames.put)
                while (ask := self._frames.get()) is not None:
                    spoken.asked.append((self._name, ask))
                    for frame in hosts[self._name](ask):
                        self._talk.take(frame)
                self._talk.lost()

        known = addresses or [HostAddress(name, ()) for name in hosts]
        self.link_to = Link
        self.acts = AskedActs(DeckAddresses(known), journal, Link)

    def operations(self, host: str) -> Sequence[str]:
        """What one host was asked for, in order."""
        return [ask.op.value for name, ask in self.asked if name == host]


def planned(ask: Ask, **facts: object) -> AskAnswer:
    """The plan of a release that may be done."""
    body = {"path": ask.target, "allowed": True, "releaseId": ask.release_id, "evidence": ["seen"], **facts}
    return AskAnswer(ask.nonce, PLANNED, body=body)


def willing(ask: Ask) -> Iterable[object]:
    """Plan and release whatever is asked for."""
    yield planned(ask) if ask.op is Operation.PLAN_RELEASE else AskAnswer(ask.nonce, "released", ("gone",))
