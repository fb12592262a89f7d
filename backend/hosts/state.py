"""What a deck knows of one host, as its frames tell it."""

from __future__ import annotations

import threading
from itertools import count

from msgspec import Struct

from lockdeck.backend.hosts.frames import PROTOCOL, Bye, FrameError, HostBeat, HostHello, Rows
from lockdeck.backend.hosts.picture import HostPicture
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.model.hosts import Phase
from lockdeck.backend.system.text import SafeText, safe


class HostState(Struct, frozen=True):
    """What is known of a host. `problem`: why it isn't live, in one sentence.

    `snapshot`: its fleet, by its own clock, as of `heard_at` (epoch seconds, our clock); None as long as nothing whole
    came. `ahead_s`: so much its clock is ahead of ours (seconds), None where not known. `withheld` names rows that the
    host could not send.
    """

    name: str
    phase: Phase = Phase.CALLED
    problem: SafeText | None = None
    hello: HostHello | None = None
    snapshot: FleetSnapshot | None = None
    withheld: tuple[str, ...] = ()
    heard_at: float | None = None
    ahead_s: float | None = None


class HostRecord:
    """Takes in the frames of one host, in one thread; its `state` may be asked in any.

    Rows of a host that is lost stay: what was seen last is worth more than nothing.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._phase, self._problem = Phase.CALLED, SafeText()
        self._hello: HostHello | None = None
        self._numbers = count(1)
        self._shown = self._coming = HostPicture(name)
        self._snapshot: FleetSnapshot | None = None
        self._heard_at: float | None = None
        self._ahead_s: float | None = None
        self._state: HostState | None = None

    @property
    def phase(self) -> Phase:
        """What we have of the host."""
        return self._phase

    @property
    def state(self) -> HostState:
        """The host as of now; the same object as long as nothing was heard of it."""
        state = self._state
        if state is not None:  # as of when it was asked for
            return state
        with self._lock:
            if self._state is not None:  # another thread has asked meanwhile
                return self._state
            if self._snapshot is None and self._shown.whole:
                self._snapshot = self._shown.snapshot(next(self._numbers))
            self._state = HostState(
                self._name,
                self._phase,
                self._problem or None,
                self._hello,
                self._snapshot,
                self._shown.withheld,
                self._heard_at,
                self._ahead_s,
            )
            return self._state

    def call(self) -> None:
        """Begin anew: the host will say who it is, and tell all that there is."""
        with self._lock:
            self._state = None
            self._hello, self._coming, self._ahead_s = None, HostPicture(self._name), None

    def lose(self, problem: str, *, refused: bool = False) -> None:
        """Note that nothing comes any more, and why."""
        with self._lock:
            self._state = None
            self._phase = Phase.REFUSED if refused else Phase.LOST
            self._problem = safe(problem)

    def take(self, frame: HostHello | HostBeat | Rows | Bye, now: float) -> bool:
        """Take in one frame (`now`: epoch seconds); return whether anything that is shown has changed.

        Raises FrameError where the host can't be spoken with, or says what no host may, and HostEndedError for its farewell.
        """
        match frame:
            case HostHello():
                _check_protocol(frame)
                with self._lock:
                    self._state = None
                    self._hello, self._heard_at = frame, now
                return False
            case HostBeat():
                with self._lock:
                    self._measure(frame.at, now)
                return False
            case Rows():
                return self._take_rows(frame, now)
            case Bye():
                raise HostEndedError(frame.why)

    def _take_rows(self, rows: Rows, now: float) -> bool:
        if self._hello is None:
            raise FrameError("it did not say who it is first")
        with self._lock:
            self._state = None
            self._coming.take(rows)
            self._heard_at = now
            if not self._coming.whole:
                return False
            self._shown, self._snapshot = self._coming, None
            self._phase, self._problem = Phase.LIVE, SafeText()
        return True

    def _measure(self, theirs: float, now: float) -> None:
        """Learn how far the clocks are apart: a frame is on its way for a while, never for less than nothing."""
        ahead, self._state = theirs - now, None
        self._heard_at = now
        self._ahead_s = ahead if self._ahead_s is None else max(self._ahead_s, ahead)


class HostEndedError(Exception):
    """The host said why nothing more comes."""


def _check_protocol(hello: HostHello) -> None:
    oldest, newest = hello.protocols
    if not oldest <= PROTOCOL <= newest:
        side = "here" if oldest > PROTOCOL else "there"
        raise FrameError(
            f"lockdeck {hello.lockdeck} there speaks protocol {oldest} to {newest}, we speak {PROTOCOL}: "
            f"upgrade lockdeck {side}"
        )
