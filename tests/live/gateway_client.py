"""A small client for a gateway's WebSocket, for tests: one device, any call, runs that finish later.

Frames as seen on 2026.4.5 (protocol 3), 2026.7.35 and 2026.9.6 (protocol 4).
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import ExitStack
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

CLIENT = {"id": "gateway-client", "version": "0.1.0", "platform": "linux", "mode": "backend"}
SCOPES = ("operator.admin", "operator.read", "operator.write")
PROTOCOLS = (3, 9)
MAX_FRAME_BYTES = 32 << 20
HANDSHAKE_S = 60.0
"""So long (seconds) a gateway may take to answer: 2026.9.6 begins lost runs again after a SIGKILL, and took longer than 10."""
CHAT_IS_OVER = frozenset({"final", "aborted", "error"})

Frame = dict[str, Any]


class GatewayError(Exception):
    """The gateway answered `ok: false`; `code` is its error code."""

    def __init__(self, method: str, error: Mapping[str, Any]) -> None:
        self.code = str(error.get("code"))
        super().__init__(f"{method}: {self.code}: {error.get('message')}")


class Run:
    """A run the gateway has accepted. `id` is its run id, `accepted` the payload of the acceptance."""

    def __init__(self, run_id: str, session_key: str, accepted: Frame, final: Future[Frame]) -> None:
        self.id = run_id
        self.session_key = session_key
        self.accepted = accepted
        self._final = final

    @property
    def finished(self) -> bool:
        """Whether the gateway has told how the run ended, or the connection is gone."""
        return self._final.done()

    def wait(self, seconds: float) -> Frame:
        """Return the last frame of the run: the second reply to `agent`, or the closing `chat` event.

        TimeoutError after `seconds`; ConnectionError when the gateway went away first. A chat run that
        exhausts all models gets no closing event on 2026.4.5.
        """
        return self._final.result(seconds)


class GatewayClient:
    """One authenticated connection with a device of its own; a thread reads what arrives."""

    def __init__(self, port: int, token: str, signature: str = "v3") -> None:
        """`signature`: the form in which the device signs (`v2` up to 2026.2)."""
        self._signature = signature
        self._replies: dict[str, Future[Frame]] = {}
        self._finals: dict[tuple[str, str], Future[Frame]] = {}  # by (kind of last frame, run id)
        self._lock = threading.Lock()
        self.events: list[Frame] = []
        """Every event frame so far, in order."""
        self._open = ExitStack()
        self._socket: ClientConnection = self._open.enter_context(
            connect(f"ws://127.0.0.1:{port}", max_size=MAX_FRAME_BYTES, proxy=None, ping_interval=None)
        )
        try:
            self.hello: Frame = self._shake_hands(token)
            """Payload of `hello-ok`; `server.version` is the gateway's own."""
        except BaseException:
            self._open.close()
            raise
        self._reader = threading.Thread(target=self._read, name=f"gateway {port}", daemon=True)
        self._reader.start()

    def call(self, method: str, params: Mapping[str, Any] | None = None, *, seconds: float = 30) -> Frame:
        """Call any method and return the payload of its first reply; GatewayError when refused."""
        reply = self._send(method, params or {}, str(uuid.uuid4())).result(seconds)
        return _payload(method, reply)

    def start(self, agent: str, message: str, via: str, *, seconds: float = 60) -> Run:
        """Start a run in the agent's main session and return once it is accepted.

        `via` is `agent` (what `openclaw agent` uses) or `chat` (`chat.send`, what WebChat uses).
        """
        run_id, session_key = str(uuid.uuid4()), f"agent:{agent}:main"
        params = {"sessionKey": session_key, "message": message, "idempotencyKey": run_id}
        method, last = {"agent": ("agent", "res"), "chat": ("chat.send", "chat")}[via]
        if via == "agent":
            params["agentId"] = agent
        with self._lock:
            final = self._finals[last, run_id] = Future()
        accepted = _payload(method, self._send(method, params, run_id).result(seconds))
        return Run(str(accepted.get("runId", run_id)), session_key, accepted, final)

    def close(self) -> None:
        """Close the connection and wait for the reader to end."""
        self._open.close()
        self._reader.join(10)

    def _shake_hands(self, token: str) -> Frame:
        nonce = json.loads(self._socket.recv(HANDSHAKE_S))["payload"]["nonce"]
        params = {
            "minProtocol": PROTOCOLS[0],
            "maxProtocol": PROTOCOLS[1],
            "client": CLIENT,
            "role": "operator",
            "scopes": SCOPES,
            "caps": [],
            "auth": {"token": token},
            "device": _signed_device(token, nonce, self._signature),
        }
        self._socket.send(json.dumps({"type": "req", "id": "connect", "method": "connect", "params": params}))
        while True:
            frame = json.loads(self._socket.recv(HANDSHAKE_S))
            if frame.get("type") == "res" and frame.get("id") == "connect":
                return _payload("connect", frame)

    def _send(self, method: str, params: Mapping[str, Any], frame_id: str) -> Future[Frame]:
        reply: Future[Frame] = Future()
        with self._lock:
            self._replies[frame_id] = reply
        self._socket.send(json.dumps({"type": "req", "id": frame_id, "method": method, "params": params}))
        return reply

    def _read(self) -> None:
        try:
            for text in self._socket:
                self._take(json.loads(text))
        except ConnectionClosed as closed:
            reason = str(closed)
        else:
            reason = "connection closed"
        with self._lock:
            waiting = [*self._replies.values(), *self._finals.values()]
        for future in waiting:
            _settle(future, ConnectionError(reason))

    def _take(self, frame: Frame) -> None:
        if frame.get("type") == "event":
            self.events.append(frame)
            payload = frame.get("payload") or {}
            if frame.get("event") == "chat" and payload.get("state") in CHAT_IS_OVER:
                self._finish("chat", str(payload.get("runId")), frame)
        elif frame.get("type") == "res":
            frame_id = str(frame.get("id"))
            with self._lock:
                reply = self._replies.pop(frame_id, None)
            if reply is not None:
                _settle(reply, frame)
            else:  # `agent` answers twice: accepted, and later how it ended
                self._finish("res", frame_id, frame)

    def _finish(self, kind: str, run_id: str, frame: Frame) -> None:
        with self._lock:
            final = self._finals.pop((kind, run_id), None)
        if final is not None:
            _settle(final, frame)


def _settle(future: Future[Frame], outcome: Frame | Exception) -> None:
    try:
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
    except InvalidStateError:
        return  # told already: the first word counts


def _payload(method: str, frame: Frame) -> Frame:
    if not frame.get("ok"):
        raise GatewayError(method, frame.get("error") or {})
    payload: Frame = frame.get("payload") or {}
    return payload


def _signed_device(token: str, nonce: str, form: str) -> Frame:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    device = hashlib.sha256(public).hexdigest()
    at = int(time.time() * 1000)
    words = (form, device, CLIENT["id"], CLIENT["mode"], "operator", ",".join(SCOPES), str(at), token, nonce)
    platform = (CLIENT["platform"], "") if form == "v3" else ()
    signature = key.sign("|".join((*words, *platform)).encode())
    return {
        "id": device,
        "publicKey": _b64(public),
        "signature": _b64(signature),
        "signedAt": at,
        "nonce": nonce,
    }


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
