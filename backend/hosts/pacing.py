"""Asking a host for many things: where it takes no more for now, the rest waits until it does."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lockdeck.backend.hosts.asks import Ask, AskAnswer, RetryAfter, retry_after
from lockdeck.backend.hosts.conversation import CannotAskError, Conversation
from lockdeck.backend.system.clocks import steady_time

LONGEST_S = 600.0
"""A host that has taken no more for so long (seconds) is not waited for: others ask it for more than it takes."""
STOPPED = "stopped before it was asked for: nothing was done"
WaitFor = Callable[[RetryAfter], object]
"""Hears that an ask waits, why, and for how long."""


class PacedConversation:
    """Asks one host one thing after the other, as fast as it takes them; what it takes later was not begun before."""

    def __init__(self, talk: Conversation, wait_for: WaitFor) -> None:
        self._talk, self._wait_for = talk, wait_for
        self._over = threading.Event()

    def ask(self, ask: Ask) -> AskAnswer:
        """Ask as `Conversation.ask`, and again each time when the host takes more; each time it is an ask of its own.

        Raises CannotAskError, also for what waited or was still to come when it was told to `stop`.
        """
        until = steady_time() + LONGEST_S
        while not self._over.is_set():
            answer = self._talk.ask(ask)
            retry = retry_after(answer)
            if retry is None or steady_time() + retry.seconds > until:
                return answer
            self._wait_for(retry)
            self._over.wait(retry.seconds)
        raise CannotAskError(STOPPED)

    def stop(self) -> None:
        """Ask for nothing more, from any thread; what was asked for is still answered."""
        self._over.set()

    def close(self) -> None:
        """Let go of the host, from any thread."""
        self.stop()
        self._talk.close()
