"""The deck's side of asking: each ask is sent once; when the connection is lost it is recalled, and never repeated."""

from __future__ import annotations

import secrets
import shlex
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from msgspec.structs import replace

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.asks import (
    ASK_S,
    END_NOT_KNOWN,
    NEVER_BEGUN,
    Ask,
    AskAnswer,
    Operation,
    Recall,
    Told,
)
from lockdeck.backend.hosts.frames import FrameError, HostHello
from lockdeck.backend.hosts.link import HostLink, HostTalk, Say
from lockdeck.backend.hosts.nats.address import FleetHostAddress
from lockdeck.backend.hosts.state import HostState
from lockdeck.backend.model.hosts import Phase
from lockdeck.backend.system.accounts import person
from lockdeck.backend.system.clocks import steady_time
from lockdeck.backend.system.host import host_name
from lockdeck.backend.system.text import safe

RECALL_S = 120.0
"""So long (seconds) after the loss of a connection the answer to what was asked is sought."""
PLAN_S, ACT_S = 60.0, 600.0
"""A host that is there and says nothing for so long (seconds) to what was asked is given up: for a plan, for an act."""


class CannotAskError(Exception):
    """A host can't be asked, or does not answer; nothing was asked of it that acts. The text says why."""


def this_person() -> str:
    """Return who asks, for a host's journal."""
    return f"{person() or 'somebody'} on {host_name()}"


class AskLink(Protocol):
    """A line to a host: called again when it is lost, until `stop`."""

    @property
    def state(self) -> HostState:
        """The host as of now."""

    def start(self) -> None:
        """Begin to call it."""

    def stop(self) -> None:
        """Let it end soon."""


class LinkTo(Protocol):
    """Makes a line to a host."""

    def __call__(self, address: Any, wake: Callable[[], None], /, *, talk: HostTalk) -> AskLink:
        """Return the line."""


class Conversation:
    """Asks one host one thing after the other, from one thread; `tell` hears the steps, in another thread.

    `journal` is the deck's own: what acts is written there before it is asked for.
    """

    def __init__(
        self,
        address: HostAddress | FleetHostAddress,
        journal: Journal,
        by: str,
        tell: Callable[[str], None],
        link_to: LinkTo | None = None,
    ) -> None:
        self._host, self._host_options = address.name, address.host_options
        self._journal, self._by, self._tell = journal, by, tell
        self._changed = threading.Condition()
        self._hello: HostHello | None = None
        self._greeted_at = 0.0
        self._say: Say | None = None
        self._ask: Ask | None = None
        self._sent = False
        self._heard_at = 0.0
        self._answer: AskAnswer | None = None
        self._closed = False
        self._link = (link_to or _link_to)(address, self._wake, talk=self)
        self._link.start()

    def close(self) -> None:
        """Let go of the host; what it has begun it finishes. Who waits for an answer in another thread has none."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._link.stop()

    def ask(self, ask: Ask) -> AskAnswer:
        """Ask, and wait for the answer, through losses of the connection. The nonce is made here.

        Raises CannotAskError, also where no plan is told within PLAN_S, and OSError where the own journal can't be written: nothing was sent then.
        """
        ask = replace(ask, nonce=secrets.token_hex(16), by=self._by)
        self._await_greeting(ask.op)
        if ask.op.acts:
            self._note("asked", ask)
        with self._changed:
            self._ask, self._sent, self._answer = ask, False, None
            self._heard_at = steady_time()
            self._send()
            try:
                answer = self._awaited()
            finally:
                self._ask = None
        if ask.op.acts:
            with suppress(OSError):
                self._note("answered", ask, status=answer.status, sentences=list(answer.sentences))
        return answer

    def greeted(self, hello: HostHello, say: Say) -> None:
        """See HostTalk: what was asked before the connection was lost is recalled."""
        with self._changed:
            self._hello, self._say, self._greeted_at = hello, say, steady_time()
            self._send()
            self._changed.notify_all()

    def take(self, frame: Told | AskAnswer) -> None:
        """See HostTalk."""
        with self._changed:
            if self._ask is None or frame.nonce != self._ask.nonce or not self._sent or self._answer:
                raise FrameError("it answers what nobody asked")
            self._heard_at = steady_time()
            if isinstance(frame, AskAnswer):
                self._answer = frame
                self._changed.notify_all()
        if isinstance(frame, Told):
            self._tell(safe(frame.sentence, 1000))

    def lost(self) -> None:
        """See HostTalk."""
        with self._changed:
            self._say = None
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _await_greeting(self, op: Operation) -> None:
        with self._changed:
            while self._say is None:
                if self._closed:
                    raise CannotAskError(f"{self._host} was let go before it was asked")
                state = self._link.state
                if state.phase in (Phase.LOST, Phase.REFUSED):
                    raise CannotAskError(f"{self._host} can't be reached: {state.problem}")
                self._changed.wait()
            assert self._hello is not None
            if self._hello.at is None or op not in self._hello.can:
                way = (
                    "lockdeck serve there must say --role operator"
                    if self._hello.can
                    else "upgrade lockdeck there"
                )
                raise CannotAskError(
                    f"{self._host} does nothing for this deck (role {safe(self._hello.role, 40)}): {way}"
                )

    def _send(self) -> None:
        """Send the ask, or recall it where that was done before; nothing while there is no connection."""
        if self._ask is None or self._say is None or self._answer is not None:
            return
        # What was sent may have arrived, also where sending it failed.
        repeated, self._sent = self._sent, True
        if not repeated or not self._ask.op.acts:
            assert self._hello is not None
            theirs = (self._hello.at or 0.0) + steady_time() - self._greeted_at
            self._ask = replace(self._ask, not_after=theirs + ASK_S - 1)
        recall = repeated and self._ask.op.acts
        with suppress(OSError):
            self._say(Recall(self._ask.nonce, self._ask.not_after) if recall else self._ask)

    def _awaited(self) -> AskAnswer:
        """Wait for the answer: while there is a connection as long as for such an ask, and RECALL_S without one."""
        assert self._ask is not None
        lost_at: float | None = None
        while self._answer is None:
            if self._say is None and lost_at is None and not self._closed:
                lost_at = steady_time()
                self._tell_unlocked(f"the connection to {self._host} is lost: what became of it is looked up")
                continue
            if self._say is not None and lost_at is not None:
                lost_at, self._heard_at = None, steady_time()
            patience_s = ACT_S if self._ask.op.acts else PLAN_S
            until = self._heard_at + patience_s if lost_at is None else lost_at + RECALL_S
            if self._closed or steady_time() >= until:
                return self._given_up(self._ask, patience_s, lost=lost_at is not None)
            self._changed.wait(until - steady_time())
        return self._answer

    def _tell_unlocked(self, sentence: str) -> None:
        self._changed.release()
        try:
            self._tell(sentence)
        finally:
            self._changed.acquire()

    def _given_up(self, ask: Ask, patience_s: float, *, lost: bool) -> AskAnswer:
        """Return what is known of an ask without an answer. Raises CannotAskError where it would change nothing."""
        why = (
            f"{self._host} was not seen again for {RECALL_S:g} s"
            if lost
            else f"{self._host} is there, and says nothing to this for {patience_s:g} s"
        )
        if self._closed:
            why = f"{self._host} was let go before it answered"
        if not ask.op.acts:
            raise CannotAskError(why)
        if not self._sent:
            return AskAnswer(ask.nonce, NEVER_BEGUN, (f"{why}: nothing was sent to it",))
        look = shlex.join(("lockdeck", "journal", *self._host_options))
        ended = f"{why}: its journal tells what became of {ask.nonce} (`{look}`)"
        return AskAnswer(ask.nonce, END_NOT_KNOWN, (ended,))

    def _note(self, kind: str, ask: Ask, **facts: object) -> None:
        about = {"path": ask.target} if ask.op is Operation.RELEASE else {"key": ask.target}
        self._journal.append(
            kind,
            host=self._host,
            nonce=ask.nonce,
            op=ask.op.value,
            **about,
            releaseId=ask.release_id,
            **facts,
        )


def _link_to(
    address: HostAddress | FleetHostAddress, wake: Callable[[], None], /, *, talk: HostTalk
) -> AskLink:
    if isinstance(address, HostAddress):
        return HostLink(address, wake, talk=talk)
    # What speaks with NATS is an extra, which few have.
    from lockdeck.backend.hosts.nats.calling import FleetHostLink

    return FleetHostLink(address, wake, talk=talk)
