"""The frames that a host and a deck exchange: their records, and their bytes.

A frame is four bytes of length, big-endian, and one msgpack map with a `type`. Fields that are not known are ignored,
so that a newer side may tell more within one protocol.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from lockdeck.backend.hosts.asks import Ask, AskAnswer, Recall, Told
from lockdeck.backend.model.fleet import LockView, RootView, SessionView
from lockdeck.backend.model.incidents.records import Incident

PROTOCOL = 1
"""The protocol that is spoken here. Another number: what a frame means, or a word of an enumeration, has changed."""
MOST_BYTES = 1 << 20
"""A longer frame ends the connection."""
_LENGTH = struct.Struct(">I")
_ODD_NUMBER = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]|\xca[\x7f\xff][\x80-\xff]")
"""How msgpack writes infinity and what is no number; other bytes may look like it."""

SessionName = tuple[str, str, str]
"""A session of a host: its root, its key, and its id, since two logs may give one key to two."""


def row_name(view: SessionView) -> SessionName:
    """Return the name by which a session is told of."""
    return (view.root, view.key, view.session_id or "")


class FrameError(ValueError):
    """What came is no frame that may come here; the text says why."""


class HostHello(Struct, frozen=True, tag="hello"):
    """The first frame of an owner host: who it is.

    `protocols`: the oldest and the newest that it speaks. `lockdeck`: its version. `boot_id` and `pid_namespace` tell
    whether two names are one machine; None where not known. `role` is what the owner's side lets this deck do, `can`
    names the operations that it may ask for. `at`: now, by the owner's clock (epoch seconds), None where not told.
    """

    protocols: tuple[int, int]
    lockdeck: str
    host: str
    role: str
    boot_id: str | None = None
    pid_namespace: int | None = None
    can: tuple[str, ...] = ()
    at: float | None = None


class Rows(Struct, frozen=True, tag="rows", omit_defaults=True):
    """Rows that changed since the last frame, each with its newest state; the first frames tell all there are.

    `generated_at`: of the snapshot, by the owner's clock (epoch seconds). `roots`, `notes` and `incidents` are whole,
    None where they are as before. `more`: this is a part; the picture is whole again with the frame that says otherwise.
    `withheld` names what is too long for a frame.
    """

    generated_at: float
    roots: tuple[RootView, ...] | None = None
    notes: tuple[str, ...] | None = None
    incidents: tuple[Incident, ...] | None = None
    sessions: tuple[SessionView, ...] = ()
    gone_sessions: tuple[SessionName, ...] = ()
    locks: tuple[LockView, ...] = ()
    gone_locks: tuple[str, ...] = ()
    more: bool = False
    withheld: tuple[str, ...] = ()


class HostBeat(Struct, frozen=True, tag="beat"):
    """A sign of life; `at` by the owner's clock (epoch seconds)."""

    at: float


class Bye(Struct, frozen=True, tag="bye"):
    """The last frame of an owner host: why nothing more comes."""

    why: str


Frame = HostHello | Rows | HostBeat | Bye | Told | AskAnswer
"""What a host says."""
DeckFrame = Ask | Recall
"""What a deck says."""
Said = TypeVar("Said")
_ENCODER = msgspec.msgpack.Encoder(enc_hook=str)


def encoded(frame: Frame | DeckFrame) -> bytes:
    """Return a frame as bytes, its length before it. Raises FrameError where it is too long."""
    try:
        body = _ENCODER.encode(frame)
    except UnicodeEncodeError:  # a path that is not UTF-8
        body = _ENCODER.encode(spelled(msgspec.to_builtins(frame, enc_hook=str)))
    if len(body) > MOST_BYTES:
        raise FrameError(f"a frame of {len(body)} bytes is longer than {MOST_BYTES}")
    return _LENGTH.pack(len(body)) + body


def spelled(value: Any) -> Any:
    """Return a value whose texts can be sent: bytes that are no UTF-8 are written as their escapes."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {key: spelled(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [spelled(item) for item in value]
        case _:
            return value


class FrameCutter(Generic[Said]):
    """Cuts a stream of bytes into frames of one side. What is kept is never longer than one frame and one piece."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[Said]) -> None:
        self._decoder = decoder
        self._rest = bytearray()

    def feed(self, piece: bytes) -> Iterator[Said]:
        """Yield the frames that a piece of the stream completes. Raises FrameError; nothing can be read after it."""
        self._rest += piece
        start = 0
        while len(self._rest) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._rest, start)
            if length > MOST_BYTES:
                raise FrameError(
                    f"it announces a frame of {length} bytes; no frame is longer than {MOST_BYTES}"
                )
            end = start + _LENGTH.size + length
            if len(self._rest) < end:
                break
            yield self._decoded(bytes(self._rest[start + _LENGTH.size : end]))
            start = end
        del self._rest[:start]

    def _decoded(self, body: bytes) -> Said:
        try:
            frame = self._decoder.decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise FrameError(f"it sent what is no frame of protocol {PROTOCOL}: {error}") from None
        if _ODD_NUMBER.search(body) and not _countable(msgspec.to_builtins(frame)):
            raise FrameError("it sent a number that is none")
        return frame


class FrameReader(FrameCutter[Frame]):
    """Reads what a host says."""

    def __init__(self) -> None:
        super().__init__(msgspec.msgpack.Decoder(Frame))


class AskReader(FrameCutter[DeckFrame]):
    """Reads what a deck says."""

    def __init__(self) -> None:
        super().__init__(msgspec.msgpack.Decoder(DeckFrame))


def _countable(value: Any) -> bool:
    """Return whether all numbers of a value are finite: no time or duration can be told of another."""
    match value:
        case float():
            return math.isfinite(value)
        case dict():
            return all(map(_countable, value.values()))
        case list() | tuple() | set() | frozenset():
            return all(map(_countable, value))
        case _:
            return True
