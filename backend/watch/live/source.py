"""A thread that reads what comes by itself: it blocks nobody else, and ends when it is told to."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from lockdeck.backend.system.clocks import steady_time
from lockdeck.backend.watch.live.buffer import LiveBuffer

_BLOCK = 1 << 16


class LiveSource(threading.Thread):
    """Reads into `buffers`. `root` is the root that it tells of, None for all.

    Written by the thread and read by the collector's: `problem` says why nothing comes, `awaited` that it may well come any
    moment, `finished` that it never will, `code` how a command ended, `heard_at` (of `steady_time`) when it last told
    something. `outlook` says what is done about a problem as long as we watch.
    """

    def __init__(self, label: str, root: str | None, wake: Callable[[], None], streams: int = 1) -> None:
        super().__init__(name="lockdeck-log", daemon=True)
        self.label = label
        self.root = root
        self.buffers = tuple(LiveBuffer() for _ in range(streams))
        self.problem: str | None = None
        self.code: int | None = None
        self.outlook = ""
        self.awaited = False
        self.finished = False
        self.heard_at: float | None = None
        self._wake = wake
        self._ending, self._end = os.pipe()
        self._stopped = False

    def run(self) -> None:
        """Read to the end (in the thread)."""
        problem: str | None = "is read no more; what happens since isn't seen"
        try:
            self.read_on()
            problem = self.problem
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            problem = f"can't be read: {reason}; what happens since isn't seen"
        finally:
            self.problem = problem
            self.end_streams()
            self.finished = True
            os.close(self._ending)
            self._wake()

    def read_on(self) -> None:
        """Read until nothing more can come or it is to end. Raises OSError."""
        raise NotImplementedError

    def stop(self) -> None:
        """Let it end soon; nobody waits for that."""
        if not self._stopped:
            self._stopped = True
            for buffer in self.buffers:
                buffer.close()
            os.close(self._end)
            if self.ident is None:  # never started
                os.close(self._ending)

    def pump(self, inputs: Mapping[int, LiveBuffer], note: Callable[[], float | None] = lambda: None) -> bool:
        """Read inputs to their ends; False when it is to stop. `note` is called before each wait, and says how long (s)."""
        poll, descriptors = select.poll(), dict(inputs)
        for descriptor in (self._ending, *descriptors):
            poll.register(descriptor, select.POLLIN)
        while descriptors:
            after = note()
            for descriptor, _ in poll.poll(None if after is None else 1000 * after):
                if descriptor == self._ending:
                    return False
                piece = self._read(descriptor)
                if piece:
                    self.hear()
                    descriptors[descriptor].put(piece)
                    self._wake()
                elif piece is not None:
                    poll.unregister(descriptor)
                    del descriptors[descriptor]
        return True

    def hear(self) -> None:
        """Note that something came."""
        self.heard_at = steady_time()

    def sleep(self, seconds: float) -> bool:
        """Wait; False when it is to stop."""
        return not select.select([self._ending], [], [], seconds)[0]

    def tell(self, problem: str | None) -> None:
        """Say why nothing comes, or that something does."""
        if problem != self.problem:
            self.problem = problem
            self._wake()

    def end_streams(self) -> None:
        """Say that what came so far has ended, and that what comes now begins anew."""
        for buffer in self.buffers:
            buffer.put(None)

    @staticmethod
    def _read(descriptor: int) -> bytes | None:
        """Read what is there; None where another reader of the same pipe was faster."""
        with suppress(BlockingIOError):
            return os.read(descriptor, _BLOCK)
        return None
