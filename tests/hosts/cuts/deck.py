"""The deck: a real conversation over a line that is cut where the test says, and called again at once."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterator

from msgspec import Struct

from lockdeck.backend.hosts.asks import AskAnswer, Told
from lockdeck.backend.hosts.frames import DeckFrame, FrameReader, HostHello, encoded
from lockdeck.backend.hosts.link import HostTalk
from lockdeck.backend.hosts.state import HostState
from lockdeck.backend.model.hosts import Phase
from tests.hosts.cuts.agents import STEPS, Agents

MOST_SAID, MOST_HEARD = 250, 500
"""An ask has about so many bytes, and what a host says after its greeting until it has answered."""
_BLOCK = 1 << 16


class Cut(Struct, frozen=True):
    """Where a connection ends after its greeting: when so many bytes were said, or heard, or the agent is at some step."""

    said: int | None = None
    heard: int | None = None
    dies_at: int | None = None


NEVER = Cut()


def cuts(dice: random.Random) -> list[Cut]:
    """Return where the connections of one ask are cut, one after the other."""
    return [_cut(dice) for _ in range(dice.choice((1, 1, 1, 2, 2, 3)))]


def _cut(dice: random.Random) -> Cut:
    where = dice.randrange(3)
    if where == 0:
        return Cut(said=dice.randrange(MOST_SAID))
    return Cut(heard=dice.randrange(MOST_HEARD)) if where == 1 else Cut(dies_at=dice.randrange(STEPS))


class CutLink:
    """A line to one host; every connection has an agent of its own. `made`: so many connections there were."""

    def __init__(self, agents: Agents, folder: str, where: list[Cut], talk: HostTalk) -> None:
        self.state = HostState("alpha", Phase.CALLED)
        self.made = 0
        self._agents, self._folder, self._talk = agents, folder, talk
        self._cuts: Iterator[Cut] = iter(where)
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._follow)

    def start(self) -> None:
        """Begin to call."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up, and wait for that."""
        with self._lock:
            self._stopped = True
            if self._connection is not None:
                _shut(self._connection)
        self._thread.join()

    def _follow(self) -> None:
        while True:
            cut = next(self._cuts, NEVER)
            with self._lock:
                if self._stopped:
                    return
                self._connection = self._agents.connect(self._folder, cut.dies_at)
                self.made += 1
            with self._connection:
                self._hear(self._connection, cut)
            self._talk.lost()

    def _hear(self, connection: socket.socket, cut: Cut) -> None:
        reader, left = FrameReader(), None
        try:
            while piece := connection.recv(_BLOCK if left is None else min(left, _BLOCK)):
                left = None if left is None else left - len(piece)
                for frame in reader.feed(piece):
                    if isinstance(frame, HostHello):
                        left = cut.heard
                        self._talk.greeted(frame, _say(connection, cut.said))
                    elif isinstance(frame, Told | AskAnswer):
                        self._talk.take(frame)
        except OSError:
            return


def _say(connection: socket.socket, most: int | None) -> Callable[[DeckFrame], None]:
    """Return what says something, but not more bytes than these."""

    def say(frame: DeckFrame) -> None:
        connection.sendall(encoded(frame)[:most])
        if most is not None:
            _shut(connection)

    return say


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
