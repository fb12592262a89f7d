"""Work beside the UI: each piece in a thread of its own, which only posts messages."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from textual.message import Message
from textual.message_pump import MessagePump

from lockdeck.backend.system.text import SafeText, safe

_LOG = logging.getLogger("lockdeck.background")


class WorkFailed(Message):
    """Work beside the UI ended with an error; `sentence` says which."""

    def __init__(self, sentence: SafeText) -> None:
        super().__init__()
        self.sentence = sentence


def post(to: MessagePump, message: Message) -> None:
    """Post from any thread; what is meant for a dashboard that is gone is dropped."""
    try:
        to.post_message(message)
    except RuntimeError:
        _LOG.info("nobody is there any more for %s", type(message).__name__)


def run_in_thread(
    work: Callable[[], None],
    to: MessagePump,
    name: str,
    *,
    must_finish: bool = False,
    failed: Callable[[SafeText], Message] = WorkFailed,
) -> None:
    """Run `work` in a thread. An error becomes a message to `to`, made by `failed` from a sentence.

    With `must_finish` the process does not end before the work has: an action that was begun is done and
    journaled even when the dashboard is left meanwhile.
    """

    def guarded() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the boundary of the thread: told to the person, never hidden
            _LOG.error("%s ended with %s", name, type(error).__name__)
            post(to, failed(safe(f"{type(error).__name__}: {error}", 300)))

    threading.Thread(target=guarded, name=f"lockdeck-{name}", daemon=not must_finish).start()
