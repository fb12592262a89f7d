"""What one deck asks of this host: done one after the other in a thread, and told back when the deck takes it."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable

from lockdeck.backend.hosts.asks import REFUSED, AskAnswer, Recall, Told
from lockdeck.backend.hosts.frames import DeckFrame, FrameError, encoded
from lockdeck.backend.hosts.owner import HostOwner
from lockdeck.backend.system.text import safe

MOST_WAITING = 8
"""So many asks of one deck wait for their turn."""
_MOST_UNTOLD = 200
"""So many steps wait for a deck that does not read; older ones are dropped. With more answers it is let go."""


class Desk:
    """Takes the asks of one deck, while its connection lasts. What was begun is finished without it."""

    def __init__(self, owner: HostOwner, wake: Callable[[], None]) -> None:
        """`wake`: called when there is something to tell."""
        self._owner = owner
        self._wake = wake
        self._asks: queue.Queue[DeckFrame | None] = queue.Queue()
        self._steps = deque[bytes](maxlen=_MOST_UNTOLD)
        self._answers = deque[bytes]()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="lockdeck-asks", daemon=True)
        self._thread.start()

    def take(self, frame: DeckFrame) -> None:
        """Put an ask behind the others. Raises FrameError for a deck that asks and asks and does not read."""
        if len(self._answers) > _MOST_UNTOLD:
            raise FrameError("it asks and does not read the answers")
        if self._asks.qsize() < MOST_WAITING:
            self._asks.put(frame)
        else:
            self._say(AskAnswer(frame.nonce, REFUSED, ("too much is asked at once: nothing was done",)))

    @property
    def over(self) -> bool:
        """Return whether nothing more is begun: after `close`, or after an error of ours."""
        return self._closed.is_set()

    @property
    def alive(self) -> bool:
        """Return whether anything is being done, or may still be."""
        return self._thread.is_alive()

    def frames(self) -> list[bytes]:
        """Take out what is to be told: steps, then answers."""
        answers = [self._answers.popleft() for _ in range(len(self._answers))]
        return [*(self._steps.popleft() for _ in range(len(self._steps))), *answers]

    def close(self) -> None:
        """Begin nothing more."""
        self._closed.set()
        self._asks.put(None)

    def join(self) -> None:
        """Wait until what was begun has ended; call it after `close`."""
        self._thread.join()

    def _work(self) -> None:
        try:
            while (frame := self._asks.get()) is not None and not self.over:
                if (answer := self._answer(frame)) is not None:
                    self._say(answer)
        finally:
            self._closed.set()
            self._wake()

    def _answer(self, frame: DeckFrame) -> AskAnswer | None:
        if isinstance(frame, Recall):
            return self._owner.recall(frame, lambda: not self.over)
        return self._owner.answer(frame, lambda sentence: self._tell(frame.nonce, sentence))

    def _tell(self, nonce: str, sentence: str) -> None:
        self._steps.append(encoded(Told(nonce, safe(sentence, 1000))))
        self._wake()

    def _say(self, answer: AskAnswer) -> None:
        self._answers.append(encoded(answer))
        self._wake()
