"""The journals of hosts, each as its host tells it: asked for by a few threads, and heard as they come."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.addresses import DeckAddresses
from lockdeck.backend.hosts.asks import PLANNED, UNNAMED, Ask, Operation, Role
from lockdeck.backend.hosts.conversation import CannotAskError, Conversation, LinkTo, this_person
from lockdeck.backend.hosts.told import JournalTold, journal_told
from lockdeck.backend.system.text import SafeText, safe

AT_ONCE = 8
"""So many hosts are asked at the same time: one that does not answer takes the place of one, for a minute."""


class HostJournal(Struct, frozen=True):
    """The journal of a host; None with the `problem` why it is not told."""

    host: str
    reading: JournalTold | None = None
    problem: SafeText = SafeText()


class JournalAsker:
    """Asks hosts for their journals until `close`; `tell` hears each, in a thread of ours."""

    def __init__(
        self,
        addresses: DeckAddresses,
        journal: Journal,
        tell: Callable[[HostJournal], object],
        link_to: LinkTo | None = None,
    ) -> None:
        self._addresses, self._journal = addresses, journal
        self._tell, self._link_to = tell, link_to
        self._lock = threading.Lock()
        self._waiting = deque[tuple[str, int]]()
        self._threads = 0
        self._open: set[Conversation] = set()
        self._closed = False

    def ask(self, host: str, limit: int) -> None:
        """Have a host asked for so many of its newest entries; returns at once."""
        with self._lock:
            self._waiting.append((host, limit))
            if self._closed or self._threads >= AT_ONCE:
                return
            self._threads += 1
        threading.Thread(target=self._work, name="lockdeck-asking", daemon=True).start()

    def close(self) -> None:
        """Ask no more, and let go of who is being asked."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            talks, self._open = self._open, set()
        for talk in talks:
            talk.close()

    def _work(self) -> None:
        """Ask one host after the other, until none is left (in a thread)."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    return
                host, limit = self._waiting.popleft()
            try:
                journal = HostJournal(host, self._journal_of(host, limit))
            except (CannotAskError, ValueError, OSError) as error:
                journal = HostJournal(host, problem=safe(error, 1000))
            self._tell(journal)

    def _journal_of(self, host: str, limit: int) -> JournalTold:
        """Return the journal of a host. Raises CannotAskError, ValueError, OSError."""
        address = self._addresses.asked(host, Role.VIEWER)
        if address is None:
            raise CannotAskError(f"{host} is no host of this deck")
        talk = Conversation(address, self._journal, this_person(), lambda _: None, self._link_to)
        with self._lock:
            self._open.add(talk)
            closed = self._closed
        try:
            if closed:
                raise CannotAskError("nobody wants to know it any more")
            answer = talk.ask(Ask(UNNAMED, Operation.JOURNAL, limit=limit))
        finally:
            self._let_go(talk)
        if answer.status != PLANNED:
            raise CannotAskError("; ".join(answer.sentences) or "it does not tell its journal")
        return journal_told(answer, limit)

    def _let_go(self, talk: Conversation) -> None:
        with self._lock:
            if talk not in self._open:
                return
            self._open.discard(talk)
        talk.close()
