"""What a deck knows of one host of a fleet: its picture, and what vouches for it."""

from __future__ import annotations

from msgspec.structs import replace

from lockdeck.backend.hosts.frames import Bye, Frame, FrameError, FrameReader, HostBeat, HostHello, Rows
from lockdeck.backend.hosts.nats.entries import BEAT, FleetEntry
from lockdeck.backend.hosts.nats.packing import StreamUnpacker
from lockdeck.backend.hosts.state import HostEndedError, HostRecord, HostState
from lockdeck.backend.model.hosts import Phase
from lockdeck.backend.system.text import SafeText, safe


class FleetHost:
    """Takes in what stands under the keys of a host. Its rows stay, whatever becomes of it."""

    def __init__(self, name: str) -> None:
        self.heard_at: float | None = None
        """When its newest state or sign of life was stored, by the server's clock (epoch seconds)."""
        self.heard: float | None = None
        """When that came (of `steady_time`); None where it was there before we looked."""
        self.whole = False
        """Its picture was told to us, all of it, over this connection."""
        self._name = name
        self._record = HostRecord(name)
        self.begin()

    def begin(self) -> None:
        """Begin a connection: nothing of it is proven yet."""
        self.heard, self.whole = None, False
        self._trouble: tuple[Phase, SafeText] | None = None
        self._number = 0
        self._stream: tuple[StreamUnpacker, FrameReader] | None = None

    @property
    def trouble(self) -> tuple[Phase, SafeText] | None:
        """What is wrong with what it told, if anything is."""
        return self._trouble

    def state(self, phase: Phase, problem: SafeText | None, server_ahead: float | None) -> HostState:
        """Return the host as it stands; `server_ahead`: so much the server's clock is ahead of ours (seconds)."""
        state = self._record.state
        known = state.ahead_s is not None and server_ahead is not None
        ahead = state.ahead_s + server_ahead if known else None  # type: ignore[operator]
        return replace(state, phase=phase, problem=problem, heard_at=self.heard_at, ahead_s=ahead)

    def take(self, entry: FleetEntry, now: float) -> bool:
        """Take in what stands under one of its keys; return whether anything that is shown has changed."""
        try:
            news = self._take_beat(entry) if entry.kind == BEAT else self._take_state(entry)
        except FrameError as error:
            self._trouble, self._stream = (Phase.REFUSED, safe(str(error))), None
        except HostEndedError as error:
            self._trouble, self._stream = (Phase.LOST, safe(str(error))), None
        else:
            if news is None:
                return False
            self.heard_at, self.heard = entry.stored_at, None if entry.old else now
            return news
        return True

    def _take_beat(self, entry: FleetEntry) -> bool | None:
        """Take in a sign of life; None where it does not vouch for the state that we have."""
        if self._stream is None or entry.about != self._number:
            return None
        match list(FrameReader().feed(entry.data)):
            case [HostBeat() as beat]:
                self._record.take(beat, entry.stored_at)
                return False
        raise FrameError("its sign of life is none")

    def _take_state(self, entry: FleetEntry) -> bool | None:
        """Take in a part of its state; None where what it belongs to is not there."""
        self._number = entry.number
        if entry.first:
            self._trouble, self._stream = None, (StreamUnpacker(), FrameReader())
            self._record.call()
        if self._stream is None:
            return None
        unpacker, reader = self._stream
        # Not any(): every frame is to be taken.
        news = [
            self._take_frame(frame, entry.stored_at)
            for part in unpacker.feed(entry.data)
            for frame in reader.feed(part)
        ]
        return any(news)

    def _take_frame(self, frame: Frame, stored_at: float) -> bool:
        match frame:
            case HostHello() if frame.host != self._name:
                raise FrameError(f"it says that it is {frame.host}")
            case HostHello() | Rows() | Bye():
                news = self._record.take(frame, stored_at)
                self.whole = self.whole or news
                return news
        raise FrameError("it told what does not belong into a state")
