"""The simulated gateway's protocol: challenge, handshake, requests, events, as 2026.4.5 answers them.

What the calls do is in `rpc_methods`.  `Manners` makes it another version, or a gateway that misbehaves.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import socket
import uuid
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from lockdeck.backend.simulate.clock import epoch_ms

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

Frame = Mapping[str, Any]
ALL = ("operator.admin", "operator.read", "operator.write")


class Mood(StrEnum):
    """How a gateway may misbehave.

    MUTE never says a word, DEAF shakes hands and then answers nothing, RESTARTING closes with 1012 instead,
    GARBLED answers with what is no frame, FLOODING sends events without a pause and answers all the same.
    """

    WELL = "well"
    MUTE = "mute"
    DEAF = "deaf"
    RESTARTING = "restarting"
    GARBLED = "garbled"
    FLOODING = "flooding"


class Manners(Struct, frozen=True):
    """What a gateway is like. `scopes` are those it grants at most; `state_dir` is told in hello-ok.

    `signature` is the one form of a device's signature that it knows; a gateway of `v2` (2026.2) tells no codes.
    """

    token: str
    version: str = "2026.4.5"
    protocol: int = 3
    scopes: tuple[str, ...] = ALL
    state_dir: str = ""
    signature: str = "v3"
    mood: Mood = Mood.WELL


class RefusedError(Exception):
    """A request is answered `ok: false`."""

    def __init__(self, code: str, message: str, /, **details: object) -> None:
        super().__init__(message)
        self.error: dict[str, object] = {"code": code, "message": message}
        if details:
            self.error["details"] = details


class Methods(Protocol):
    """What the calls do. `answer` raises RefusedError; `listen` hears every event frame from now on."""

    def answer(self, method: str, params: Frame) -> dict[str, object]:
        """Do a call and return its payload."""
        ...

    def listen(self, hear: Callable[[dict[str, object]], None]) -> Callable[[], None]:
        """Let `hear` have the events; returns what ends that."""
        ...


_NO_FRAME = "}{ \x1b[2J this is no frame"
_NEEDS = {
    "sessions.list": "operator.read",
    "logs.tail": "operator.read",
    "chat.send": "operator.write",
    "chat.abort": "operator.write",
    "sessions.abort": "operator.write",
    "agent": "operator.write",
    "sessions.reset": "operator.admin",
}


async def serve(server: socket.socket, manners: Manners, methods: Methods) -> None:
    """Serve on a bound socket until cancelled. The library is loaded beside the loop, not in its way."""
    library = await asyncio.to_thread(_library)

    async def meet(connection: ServerConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        with contextlib.suppress(ConnectionClosed):
            await _converse(connection, manners, methods)

    async with library.serve(meet, sock=server, ping_interval=None, close_timeout=0.2):
        await asyncio.Event().wait()


def _library() -> Any:
    import websockets.asyncio.server as library

    return library


async def _converse(connection: ServerConnection, manners: Manners, methods: Methods) -> None:
    if manners.mood is Mood.MUTE:
        await connection.wait_closed()
        return
    nonce = str(uuid.uuid4())
    await _send(
        connection,
        {"type": "event", "event": "connect.challenge", "payload": {"nonce": nonce, "ts": epoch_ms()}},
    )
    first = json.loads(await connection.recv())
    try:
        scopes = shake_hands(first.get("params") or {}, nonce, manners)
    except RefusedError as refused:
        await _send(connection, {"type": "res", "id": first.get("id"), "ok": False, "error": refused.error})
        await connection.close(1008, str(refused))
        return
    await _send(
        connection, {"type": "res", "id": first.get("id"), "ok": True, "payload": _hello(manners, scopes)}
    )
    background: set[asyncio.Task[None]] = set()

    def hear(frame: dict[str, object]) -> None:
        task = asyncio.ensure_future(_send(connection, frame))
        background.add(task)
        task.add_done_callback(background.discard)

    forget = methods.listen(hear)
    flood = asyncio.ensure_future(_flood(connection)) if manners.mood is Mood.FLOODING else None
    try:
        async for text in connection:
            if manners.mood is Mood.RESTARTING:
                await connection.close(1012, "service restart")
            elif manners.mood is Mood.GARBLED:
                await connection.send(_NO_FRAME)
            elif manners.mood is not Mood.DEAF:
                await _send(connection, _reply(json.loads(text), scopes, methods))
    finally:
        forget()
        if flood is not None:
            flood.cancel()


async def _flood(connection: ServerConnection) -> None:
    """Send one event after another until cancelled, or until nobody is there."""
    from websockets.exceptions import ConnectionClosed

    number = 0
    with contextlib.suppress(ConnectionClosed):
        while True:
            number += 1
            payload = {"runId": f"flood-{number}", "stream": "lifecycle", "data": {"phase": "start"}}
            event = {
                "type": "event",
                "event": "agent",
                "payload": {**payload, "sessionKey": f"agent:f:{number % 50}"},
            }
            await connection.send(json.dumps(event))
            await asyncio.sleep(0)


def _reply(request: Frame, scopes: tuple[str, ...], methods: Methods) -> dict[str, object]:
    method, frame_id = str(request.get("method")), request.get("id")
    try:
        needed = _NEEDS.get(method)
        if needed is not None and needed not in scopes and "operator.admin" not in scopes:
            raise RefusedError("INVALID_REQUEST", f"missing scope: {needed}")
        payload = methods.answer(method, request.get("params") or {})
    except RefusedError as refused:
        return {"type": "res", "id": frame_id, "ok": False, "error": refused.error}
    return {"type": "res", "id": frame_id, "ok": True, "payload": payload}


def shake_hands(params: Frame, nonce: str, manners: Manners) -> tuple[str, ...]:
    """Check the params of `connect` and return the scopes granted; RefusedError in the words of 2026.4.5."""
    least, most = params.get("minProtocol", 0), params.get("maxProtocol", 0)
    if not least <= manners.protocol <= most:
        raise RefusedError("INVALID_REQUEST", "protocol mismatch", expectedProtocol=manners.protocol)
    if (params.get("auth") or {}).get("token") != manners.token:
        told = "unauthorized: gateway token mismatch"
        raise RefusedError("INVALID_REQUEST", told, code="AUTH_TOKEN_MISMATCH")
    device = params.get("device")
    if not isinstance(device, dict):
        raise RefusedError("NOT_PAIRED", "device identity required", code="DEVICE_IDENTITY_REQUIRED")
    if not signed(params, device, nonce, manners.signature):
        code = {} if manners.signature == "v2" else {"code": "DEVICE_AUTH_SIGNATURE_INVALID"}
        raise RefusedError("INVALID_REQUEST", "device signature invalid", **code)
    return tuple(scope for scope in params.get("scopes") or () if scope in manners.scopes)


def signed(params: Frame, device: Frame, nonce: str, form: str = "v3") -> bool:
    """Whether the device signed exactly this handshake, by the words that 2026.4.5 (2026.2.9: `v2`) puts together."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    client, public = params["client"], _bytes(device["publicKey"])
    if device["nonce"] != nonce or hashlib.sha256(public).hexdigest() != device["id"]:
        return False
    words = (form, device["id"], client["id"], client["mode"], params["role"], ",".join(params["scopes"]))
    platform = () if form == "v2" else (client["platform"].lower(), "")
    rest = (str(device["signedAt"]), params["auth"]["token"], nonce, *platform)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(
            _bytes(device["signature"]), "|".join(words + rest).encode()
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def _hello(manners: Manners, scopes: tuple[str, ...]) -> dict[str, object]:
    return {
        "type": "hello-ok",
        "protocol": manners.protocol,
        "server": {"version": manners.version, "connId": str(uuid.uuid4())},
        "features": {"methods": sorted(_NEEDS), "events": ["agent", "shutdown"]},
        "snapshot": {"stateDir": manners.state_dir} if manners.state_dir else {},
        "auth": {"role": "operator", "scopes": list(scopes)},
    }


async def _send(connection: ServerConnection, frame: Frame) -> None:
    from websockets.exceptions import ConnectionClosed

    with contextlib.suppress(ConnectionClosed):
        await connection.send(json.dumps(frame))


def _bytes(word: str) -> bytes:
    return base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
