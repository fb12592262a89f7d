"""The connection to one host: its command is run, read, and run again when it ends."""

from __future__ import annotations

import os
import random
import select
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.asks import AskAnswer, Told
from lockdeck.backend.hosts.frames import (
    DeckFrame,
    Frame,
    FrameError,
    FrameReader,
    HostHello,
    encoded,
)
from lockdeck.backend.hosts.state import HostEndedError, HostRecord, HostState
from lockdeck.backend.model.hosts import Phase
from lockdeck.backend.system.clocks import steady_time, wall_time
from lockdeck.backend.system.text import safe
from lockdeck.backend.watch.live.supervisor import PATIENCE_S, supervised

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
"""A lost host is called again after so long (seconds), each time twice as long."""
CONNECT_S = 20.0
"""A command that has said nothing for so long after its start (seconds) leads nowhere."""
SILENT_S = 6.0
"""A host of which nothing was heard for so long (seconds) is lost: it beats every 2 s."""
_STARTS = threading.BoundedSemaphore(8)
"""So many hosts are called at the same time."""
_BLOCK = 1 << 16
_TAIL = 4096
_LEAVE_S = 3.0
_ACTS_S = 600.0
"""A command that may have begun something for us ends by itself within so long (seconds)."""
_NOTHING_TO_WATCH = 4


Say = Callable[[DeckFrame], None]
"""Says something to a host. OSError where it is gone."""


class HostTalk(Protocol):
    """Asks a host something over its link; all of it is called in the thread of the link."""

    def greeted(self, hello: HostHello, say: Say) -> None:
        """Hear that the host is there, and how to speak with it until `lost`."""

    def take(self, frame: Told | AskAnswer) -> None:
        """Take in what the host says to an ask. Raises FrameError where nothing was asked."""

    def lost(self) -> None:
        """Hear that the connection is gone."""


class HostLink:
    """Follows one host until `stop`. `wake` is called in its thread whenever there is news.

    With `once` a host that is lost is not called again. `talk` asks it something.
    """

    def __init__(
        self,
        address: HostAddress,
        wake: Callable[[], None],
        *,
        once: bool = False,
        talk: HostTalk | None = None,
    ) -> None:
        self._talk = talk
        self._address = address
        self._wake = wake
        self._once = once
        self._record = HostRecord(address.name)
        self._ending, self._end = os.pipe()
        self._thread = threading.Thread(target=self._follow, name="lockdeck-host", daemon=True)

    @property
    def state(self) -> HostState:
        """The host as of now; may be asked in any thread."""
        return self._record.state

    @property
    def states(self) -> tuple[HostState, ...]:
        """The one host as of now, as a fleet has many."""
        return (self.state,)

    def start(self) -> None:
        """Begin to call the host."""
        self._thread.start()

    def stop(self) -> None:
        """Let it end soon; nobody waits for that. Call it once."""
        os.close(self._end)

    def _follow(self) -> None:
        """Call the host again and again (in the thread)."""
        pause = FIRST_PAUSE_S
        try:
            while self._call():
                pause = FIRST_PAUSE_S if self._record.phase is Phase.LIVE else pause
                self._wake()
                # Spread, so that hosts lost together are not called together.
                spread = random.uniform(0.5, 1.0)  # noqa: S311 - no secret depends on it
                if self._once or select.select([self._ending], [], [], pause * spread)[0]:
                    return
                pause = min(2 * pause, LONGEST_PAUSE_S)
        finally:
            os.close(self._ending)

    def _call(self) -> bool:
        """Run the command to its end and note why that was; False when we are to stop."""
        self._record.call()
        patience_s = PATIENCE_S if self._talk is None else _ACTS_S
        try:
            with _running(self._address.command, patience_s) as child:
                reading = _CommandOutput(child, self._ending)
                try:
                    for piece in reading.pieces():
                        self._take(reading, piece)
                    if reading.stopped:
                        return False
                    self._record.lose(reading.why_over())
                finally:
                    if self._talk is not None:
                        self._talk.lost()
        except OSError as error:
            self._record.lose(f"{self._address.command[0]}: {error.strerror or error}")
        except HostEndedError as error:
            self._record.lose(str(error))
        except FrameError as error:
            self._record.lose(str(error), refused=True)
        return True

    def _take(self, reading: _CommandOutput, piece: bytes) -> None:
        # Not any(): every frame is to be taken.
        news = [self._take_frame(frame, reading.say) for frame in reading.frames.feed(piece)]
        if any(news):
            self._wake()

    def _take_frame(self, frame: Frame, say: Say) -> bool:
        if isinstance(frame, Told | AskAnswer):
            if self._talk is None:
                raise FrameError("it answers what nobody asked")
            self._talk.take(frame)
            return False
        news = self._record.take(frame, wall_time())
        if self._talk is not None and isinstance(frame, HostHello):
            self._talk.greeted(frame, say)
        return news


@contextmanager
def _running(command: tuple[str, ...], patience_s: float) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command that ends with us, whatever becomes of us; it has ended when the block has. Raises OSError."""
    theirs, lifeline = os.pipe()
    try:
        with _STARTS:
            child = subprocess.Popen(
                supervised(theirs, command, patience_s),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[theirs],
                # Without our terminal: nobody is there to be asked for a password.
                start_new_session=True,
            )
    except OSError:
        os.close(lifeline)
        raise
    finally:
        os.close(theirs)
    try:
        yield child
    finally:
        os.close(lifeline)
        with child, suppress(subprocess.TimeoutExpired):
            child.wait(_LEAVE_S)
        child.kill()


class _CommandOutput:
    """Reads what a command says until it ends, falls silent, or we are to stop."""

    def __init__(self, child: subprocess.Popen[bytes], ending: int) -> None:
        assert child.stdout is not None
        assert child.stderr is not None
        self.frames = FrameReader()
        self.stopped = False
        self._child, self._ending = child, ending
        self._out, self._err = child.stdout.fileno(), child.stderr.fileno()
        self._limit_s = CONNECT_S
        self._silent = False
        self._said = b""

    def say(self, frame: DeckFrame) -> None:
        """Write a frame to the command. OSError where it has ended."""
        assert self._child.stdin is not None
        data = memoryview(encoded(frame))
        while data:
            data = data[os.write(self._child.stdin.fileno(), data) :]

    def pieces(self) -> Iterator[bytes]:
        """Yield what comes on stdout."""
        poll = select.poll()
        for descriptor in (self._ending, self._out, self._err):
            poll.register(descriptor, select.POLLIN)
        until = steady_time() + self._limit_s
        while True:
            happened = {descriptor for descriptor, _ in poll.poll(1000 * max(0.0, until - steady_time()))}
            if not happened or self._ending in happened:
                self.stopped, self._silent = self._ending in happened, not happened
                return
            if self._err in happened and not self._hear_err():
                poll.unregister(self._err)
            if self._out in happened:
                piece = os.read(self._out, _BLOCK)
                if not piece:
                    return
                self._limit_s = SILENT_S
                until = steady_time() + SILENT_S
                yield piece

    def why_over(self) -> str:
        """Return why nothing more comes: its silence, or the last that the command wrote to stderr."""
        if self._silent:
            return f"nothing was heard of it for {self._limit_s:g} s"
        while self._hear_err():
            pass
        lines = [line for line in self._said.decode("utf-8", "replace").splitlines() if line.strip()]
        with suppress(subprocess.TimeoutExpired):
            if self._child.wait(_LEAVE_S) == _NOTHING_TO_WATCH:
                return "nothing to watch was found there"
        return safe(lines[-1].strip(), 200) if lines else "its command ended without a word"

    def _hear_err(self) -> bool:
        piece = os.read(self._err, _BLOCK)
        self._said = (self._said + piece)[-_TAIL:]
        return bool(piece)
