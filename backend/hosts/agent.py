"""The owner's side of a host: one collector, and what it sees told to every deck that asks."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lockdeck import __version__
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.acts import HostActs
from lockdeck.backend.hosts.asks import ASK_S, Role, may_ask
from lockdeck.backend.hosts.board import Board
from lockdeck.backend.hosts.desk import Desk
from lockdeck.backend.hosts.frames import PROTOCOL, AskReader, Bye, FrameError, HostBeat, HostHello, encoded
from lockdeck.backend.hosts.owner import HostOwner
from lockdeck.backend.system.clocks import wall_time
from lockdeck.backend.system.host import host_name
from lockdeck.backend.system.namespaces import pid_namespace
from lockdeck.backend.system.procfs import read_file
from lockdeck.backend.watch.collector import Collector

BEAT_S = 2.0
"""A deck hears something at least so often (seconds)."""

Send = Callable[[bytes], None]
Receive = Callable[[], bytes]


class HostAgent:
    """Runs a collector until `stop` is set; `serve_viewer` is called in one thread for each deck.

    `role` is what decks may do, `came_from` the address from which they come, for the journal.
    """

    def __init__(
        self, collector: Collector, stop: threading.Event, role: Role, journal: Journal, came_from: str
    ) -> None:
        self._collector = collector
        self._stop = stop
        self._role = role
        self._came_from = came_from
        self._board = Board()
        self._acts = HostActs(
            newest=lambda: self._board.newest(ASK_S),
            settings=collector.settings,
            journal=journal,
            role=role,
            logs=lambda: collector.log_places,
        )
        self._desks: set[Desk] = set()
        self._desks_lock = threading.Lock()

    @property
    def role(self) -> Role:
        """What decks may do here at most."""
        return self._role

    def desk(self, role: Role, came_from: str, wake: Callable[[], None]) -> Desk:
        """Return a desk for one deck; what is begun there is finished before `run` ends."""
        desk = Desk(HostOwner(self._acts.as_role(role), came_from), wake)
        with self._desks_lock:
            self._desks = {desk, *(each for each in self._desks if each.alive)}
            if self._stop.is_set():
                desk.close()  # nobody would wait for what is begun now
        return desk

    @property
    def board(self) -> Board:
        """What the collector sees, for who tells it in another way."""
        return self._board

    def run(self) -> None:
        """Look until told to stop; what a deck has asked for and was begun is finished first."""
        try:
            # As `status` looks here: gateways get a moment to answer where only they tell.
            self._board.take(self._collector.look())
            self._collector.run(self._board.take, self._stop)
        finally:
            with self._desks_lock:
                desks = self._desks
            for desk in desks:
                desk.close()
                desk.join()

    def serve_viewer(self, send: Send, receive: Receive) -> None:
        """Tell one deck everything, and then what changes, until it is gone; do meanwhile what it asks for.

        `receive` gives what it says, nothing at its end. OSError of both ends it.
        """
        gone = threading.Event()
        desk = self.desk(self._role, self._came_from, self._board.wake)
        listener = threading.Thread(
            target=self._listen, args=(receive, gone, desk), name="lockdeck-viewer", daemon=True
        )
        try:
            send(encoded(hello_of_this_host(self._role)))
            listener.start()
            self._tell(send, gone, desk)
        finally:
            desk.close()
            desk.join()

    def _tell(self, send: Send, gone: threading.Event, desk: Desk) -> None:
        with self._board.outbox() as outbox:
            while not (gone.is_set() or desk.over or self._stop.is_set()):
                frames = self._board.next_frames(outbox, BEAT_S)
                send(b"".join([*frames, *desk.frames()]) or encoded(HostBeat(wall_time())))
        if self._stop.is_set() and not gone.is_set():
            send(encoded(Bye("lockdeck was ended there")))

    def _listen(self, receive: Receive, gone: threading.Event, desk: Desk) -> None:
        """Hand on what the deck asks, until its end."""
        reader = AskReader()
        try:
            while piece := receive():
                for frame in reader.feed(piece):
                    desk.take(frame)
        except (OSError, FrameError):
            pass
        gone.set()
        self._board.wake()


def hello_of_this_host(role: Role) -> HostHello:
    """Return who this host is, for a deck that may do what the role says."""
    boot_id = read_file("/proc/sys/kernel/random/boot_id", 64).decode("ascii", "replace").strip()
    return HostHello(
        protocols=(PROTOCOL, PROTOCOL),
        lockdeck=__version__,
        host=host_name(),
        role=role.value,
        boot_id=boot_id or None,
        pid_namespace=pid_namespace("self"),
        can=tuple(operation.value for operation in may_ask(role)),
        at=wall_time(),
    )
