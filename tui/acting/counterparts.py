"""The hosts of a deck as they are asked in one dialog and its job: a conversation with each, all at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.addresses import DeckAddresses
from lockdeck.backend.hosts.asks import END_NOT_KNOWN, Ask, AskAnswer, RetryAfter, Role
from lockdeck.backend.hosts.conversation import CannotAskError, Conversation, LinkTo, this_person
from lockdeck.backend.hosts.nats.address import FleetHostAddress
from lockdeck.backend.hosts.pacing import STOPPED, PacedConversation, WaitFor
from lockdeck.backend.model.words import time_of_day
from lockdeck.tui.targets import Target

Hear = Callable[[str], object]
"""Hears a step that a host tells."""


class Counterpart:
    """One host that is asked: one thing after the other, from one thread at a time."""

    def __init__(
        self, address: HostAddress | FleetHostAddress, journal: Journal, link_to: LinkTo | None
    ) -> None:
        self._name = address.name
        self._hear: Hear = _nobody
        self._wait_for: WaitFor = _nobody
        self._gone: CannotAskError | None = None
        talk = Conversation(address.asking, journal, this_person(), self._tell, link_to)
        self._talk = PacedConversation(talk, self._waits)

    def ask(self, ask: Ask, hear: Hear | None = None, wait_for: WaitFor | None = None) -> AskAnswer:
        """Ask, and wait for the answer; `hear` hears the steps, `wait_for` that the host takes no more for now.

        Raises CannotAskError: nothing was asked that acts. Who could not be asked once, or did not tell an end, is not waited for again.
        """
        if self._gone is not None:
            raise self._gone
        self._hear, self._wait_for = hear or _nobody, wait_for or _nobody
        try:
            answer = self._talk.ask(ask)
        except CannotAskError as error:
            self._gone = error
            raise
        except OSError as error:
            raise CannotAskError(f"the journal here can't be written: {error}") from None
        finally:
            self._hear = self._wait_for = _nobody
        if answer.status == END_NOT_KNOWN:
            self._gone = CannotAskError(
                f"how the last one ended on {self._name} is not known: no more is asked of it"
            )
        return answer

    def stop(self) -> None:
        """Ask for nothing more; what was asked for is still answered."""
        self._talk.stop()

    def close(self) -> None:
        """Let go of the host."""
        self._talk.close()

    def _tell(self, sentence: str) -> None:
        self._hear(sentence)

    def _waits(self, retry: RetryAfter) -> None:
        self._wait_for(retry)


class Counterparts:
    """Has one conversation with each host that is asked, from the first ask until `close`."""

    def __init__(self, addresses: DeckAddresses, journal: Journal, link_to: LinkTo | None) -> None:
        self._addresses = addresses
        self._journal, self._link_to = journal, link_to
        self._lock = threading.Lock()
        self._open: dict[str, Counterpart] = {}
        self._stopped = self._closed = False

    def of(self, target: Target) -> Counterpart:
        """Return the host of a target, and begin to speak with it. Raises CannotAskError."""
        host = target.row.host
        moments = [view.last_seen for view in (target.session, target.lock) if view is not None]
        last_seen = next((moment for moment in moments if moment is not None), None)
        if last_seen is not None:
            raise CannotAskError(
                f"{host} was lost at {time_of_day(last_seen)}: act when it is seen again, or on that host itself"
            )
        with self._lock:
            if self._closed:
                raise CannotAskError("the dialog was closed: nothing more is asked")
            if self._stopped and host not in self._open:
                raise CannotAskError(STOPPED)
            if host not in self._open:
                self._open[host] = Counterpart(self._address(host), self._journal, self._link_to)
            return self._open[host]

    def stop(self) -> None:
        """Ask no host for anything more, from any thread; what was asked for is still answered."""
        with self._lock:
            self._stopped = True
            for counterpart in self._open.values():
                counterpart.stop()

    def close(self) -> None:
        """Let go of all hosts, from any thread; what they have begun they finish."""
        with self._lock:
            self._closed = True
            counterparts = tuple(self._open.values())
            self._open.clear()
        for counterpart in counterparts:
            counterpart.close()

    def _address(self, host: str) -> HostAddress | FleetHostAddress:
        try:
            address = self._addresses.asked(host, Role.OPERATOR)
        except ValueError as error:
            raise CannotAskError(str(error)) from None
        if address is None:
            raise CannotAskError(
                "of which host this row is is not said: nothing is asked, and nothing done here"
            )
        return address


def each_host(targets: Sequence[Target], work: Callable[[Sequence[int]], None]) -> None:
    """Do work for the indices of each host's targets, one thread a host, and wait for all; then raise what went wrong."""
    of_host: dict[str, list[int]] = {}
    for index, target in enumerate(targets):
        of_host.setdefault(target.row.host, []).append(index)
    errors: list[Exception] = []

    def guarded(indices: Sequence[int]) -> None:
        try:
            work(indices)
        except Exception as error:  # noqa: BLE001 - the boundary of the thread: raised again below
            errors.append(error)

    threads = _started(of_host, guarded)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _started(
    of_host: Mapping[str, Sequence[int]], work: Callable[[Sequence[int]], None]
) -> list[threading.Thread]:
    threads = [
        threading.Thread(target=work, args=(indices,), name="lockdeck-asking", daemon=True)
        for indices in of_host.values()
    ]
    for thread in threads:
        thread.start()
    return threads


def _nobody(_news: object) -> None:
    """Hear what nobody waits for."""
