"""One connection to a gateway: connect, call, hear which attempts start. No caller ever waits past its deadline.

All reading, and the whole of connecting, happens in one daemon thread; a caller waits for its result with a
deadline of its own, so that a blocked event loop or a half-open socket costs seconds and never a dashboard.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING, Any

from lockdeck.backend.openclaw.gateway import frames
from lockdeck.backend.openclaw.gateway.credentials import Access
from lockdeck.backend.openclaw.gateway.device import Device
from lockdeck.backend.openclaw.gateway.frames import Frame, Hello, RunEvent
from lockdeck.backend.openclaw.gateway.redaction import Redaction
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble, closed, failed, refusal, silent
from lockdeck.backend.system.text import safe

if TYPE_CHECKING:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import ClientConnection

CONNECT_S = 3.0
"""The longest that opening the socket, TLS and the HTTP upgrade may take, in seconds."""
CALL_S = 5.0
"""The longest that one answer may take, the handshake's included, in seconds."""
_MOST_EVENTS = 256


class Gateway:
    """An open, authenticated connection; made by `open_gateway`. Usable from any thread."""

    transport = "WebSocket"

    def __init__(
        self,
        access: Access,
        device: Device,
        clock: Callable[[], float],
        signature: str = frames.SIGNATURES[0],
    ) -> None:
        """Nothing happens yet; `clock`: epoch seconds, for the signature, of that form, and the times of events."""
        self.url = str(safe(access.url, 120))
        self.hello: Hello
        """Set once `start` has returned."""
        self.hear: Callable[[Frame], None] = _unheard
        """Gets every frame from now on, in the reading thread: it must be quick and raise nothing."""
        self._access = access
        self._device = device
        self._clock = clock
        self._signature = signature
        self._redaction = Redaction((*(secret.reveal() for secret in access.secrets), *device.secrets))
        self._socket: ClientConnection | None = None
        self._waiting: dict[str, tuple[str, Future[Frame]]] = {}
        self._lock = threading.Lock()
        self._ended: GatewayError | None = None
        self._run_events: deque[RunEvent] = deque(maxlen=_MOST_EVENTS)
        self._ready: Future[Hello] = Future()

    def start(self) -> None:
        """Connect and shake hands; GatewayError when that fails or takes longer than CONNECT_S + CALL_S."""
        threading.Thread(target=self._live, name="lockdeck gateway", daemon=True).start()
        try:
            self.hello = self._ready.result(CONNECT_S + CALL_S)
        except TimeoutError:
            self.close()
            raise silent(self.url, CONNECT_S + CALL_S, "connect") from None

    def call(self, method: str, params: Mapping[str, Any] | None = None, seconds: float = CALL_S) -> Frame:
        """Call a method and return its payload; GatewayError when refused, closed, or silent for `seconds`."""
        frame_id, reply = uuid.uuid4().hex, Future[Frame]()
        with self._lock:
            if self._ended is not None or self._socket is None:
                raise self._ended or closed(self.url, None, "", method)
            self._waiting[frame_id] = (method, reply)
        try:
            self._send(self._socket, frames.request(frame_id, method, params or {}), method)
            return reply.result(seconds)
        except TimeoutError:
            raise silent(self.url, seconds, method) from None
        finally:
            with self._lock:
                self._waiting.pop(frame_id, None)

    def run_events(self) -> tuple[RunEvent, ...]:
        """Return the latest attempts that the gateway said to have started or ended, oldest first."""
        with self._lock:
            return tuple(self._run_events)

    def close(self) -> None:
        """Close the connection; whoever still waits for an answer gets a GatewayError at once."""
        self._end(GatewayError(Trouble.CLOSED, f"the connection to {self.url} was closed by lockdeck"))
        socket = self._socket
        if socket is not None:
            socket.close()

    def _live(self) -> None:
        """Be the thread: connect, shake hands, read until the end."""
        from websockets.exceptions import ConnectionClosed

        from lockdeck.backend.openclaw.gateway.dial import dial

        try:
            with contextlib.ExitStack() as stack:
                self._converse(dial(self._access, self.url, CONNECT_S, self._redaction, stack))
        except ConnectionClosed as error:
            self._end(self._why_closed(error, "call" if self._ready.done() else "connect"))
        except TimeoutError:
            self._end(silent(self.url, CALL_S, "connect"))
        except GatewayError as error:
            self._end(error)
        except Exception as error:  # noqa: BLE001 - the boundary of the thread: told to who waits, never hidden
            self._end(failed(self.url, self._redaction.words(f"{type(error).__name__}: {error}")))
        finally:
            self._end(closed(self.url, None, "", "call"))

    def _converse(self, socket: ClientConnection) -> None:
        hello = self._shake_hands(socket)
        with self._lock:
            if self._ended is not None:
                return
            self._socket = socket
        with contextlib.suppress(InvalidStateError):
            self._ready.set_result(hello)
        for text in socket:
            self._take(frames.decode(text, self._redaction))

    def _shake_hands(self, socket: ClientConnection) -> Hello:
        deadline = time.monotonic() + CALL_S
        while (nonce := frames.nonce_of(self._receive(socket, deadline))) is None:
            continue
        now_ms = int(self._clock() * 1000)
        params = frames.connect_params(self._access, self._device, nonce, now_ms, self._signature)
        self._redaction = self._redaction.with_more(params["device"]["signature"])
        socket.send(frames.request(frames.CONNECT_ID, "connect", params))
        while True:
            frame = self._receive(socket, deadline)
            if frame is not None and frame.get("type") == "res" and frame.get("id") == frames.CONNECT_ID:
                payload = self._payload("connect", frame)
                # The gateway may give this device a token of its own, and repeat it later.
                self._redaction = self._redaction.with_more(*frames.granted_secrets(payload))
                return frames.hello_of(payload, self._redaction)

    def _receive(self, socket: ClientConnection, deadline: float) -> Frame | None:
        return frames.decode(socket.recv(max(0.0, deadline - time.monotonic())), self._redaction)

    def _take(self, frame: Frame | None) -> None:
        if frame is None:
            return
        self.hear(frame)
        event = frames.lifecycle_of(frame, self._clock())
        with self._lock:
            if event is not None:
                self._run_events.append(event)
            method, reply = self._waiting.get(frames.id_of(frame), ("", None))
        if reply is None or frame.get("type") != "res":
            return
        try:
            payload = self._payload(method, frame)
        except GatewayError as error:
            _fail(reply, error)
        else:
            with contextlib.suppress(InvalidStateError):
                reply.set_result(payload)

    def _payload(self, method: str, frame: Frame) -> Frame:
        if frame.get("ok") is not True:
            raise refusal(method, frame.get("error"))
        payload = frame.get("payload")
        return payload if isinstance(payload, dict) else {}

    def _send(self, socket: ClientConnection, text: str, method: str) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            socket.send(text)
        except ConnectionClosed as error:
            raise self._why_closed(error, method) from None

    def _why_closed(self, error: ConnectionClosed, call: str) -> GatewayError:
        frame = error.rcvd
        code, reason = (frame.code, self._redaction.words(frame.reason)) if frame else (None, "")
        return closed(self.url, code, reason, call)

    def _end(self, error: GatewayError) -> None:
        """Remember why this connection is over, and tell everybody who waits. Only the first word counts."""
        with self._lock:
            self._ended = self._ended or error
            error = self._ended
            futures: list[Future[Any]] = [self._ready, *(reply for _, reply in self._waiting.values())]
        for future in futures:
            _fail(future, error)


def _unheard(_frame: Frame) -> None:
    """Nobody listens yet."""


def open_gateway(access: Access, device: Device, clock: Callable[[], float] = time.time) -> Gateway:
    """Connect to a gateway and return the connection, to be closed by the caller. Raises GatewayError.

    One that does not know the newest form of a device's signature is offered the older one (up to 2026.2).
    """
    *newer, oldest = frames.SIGNATURES
    for signature in newer:
        gateway = Gateway(access, device, clock, signature)
        try:
            gateway.start()
        except GatewayError as error:
            if error.kind is not Trouble.SIGNATURE:
                raise
        else:
            return gateway
    gateway = Gateway(access, device, clock, oldest)
    gateway.start()
    return gateway


def _fail(future: Future[Any], error: GatewayError) -> None:
    with contextlib.suppress(InvalidStateError):
        future.set_exception(error)
