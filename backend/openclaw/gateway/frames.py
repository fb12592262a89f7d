"""The gateway's frames of every protocol that a release has: built and read.

Pure, but for the signature that a device adds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lockdeck import __version__
from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.events import AttemptStarted, RunEnded
from lockdeck.backend.openclaw.gateway.credentials import Access
from lockdeck.backend.openclaw.gateway.device import Device
from lockdeck.backend.openclaw.gateway.redaction import Redaction
from lockdeck.backend.openclaw.log.values import flag, ident, number

PROTOCOLS = (min(Traits.protocol.values), max(Traits.protocol.values))
SIGNATURES = tuple(sorted(set(Traits.device_signature.values), reverse=True))
"""The forms in which a device signs, newest first: which release answers is not known before the handshake."""
SCOPES = ("operator.admin", "operator.read", "operator.write")
CONNECT_ID = "connect"
CLIENT = {"id": "gateway-client", "mode": "backend"}
"""With a device and the gateway's own token it gets any scope at once and leaves no pairing record."""
CLI_CLIENT = {"id": "cli", "mode": "cli"}

_LONGEST_NONCE = 256

Frame = Mapping[str, Any]
RunEvent = AttemptStarted | RunEnded


class Hello(Struct, frozen=True):
    """A gateway's word about itself. `scopes` None: it does not tell which were granted."""

    version: Version | None
    protocol: int | None
    scopes: tuple[str, ...] | None
    methods: frozenset[str]
    state_dir: str | None


def decode(text: str | bytes, redaction: Redaction) -> Frame | None:
    """Read one frame, without our credentials; None for anything that is no JSON object. Never raises."""
    try:
        value = redaction.tree(json.loads(text if isinstance(text, str) else text.decode()))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def id_of(frame: Frame) -> str:
    """Return the id that a frame bears; empty where that is no text."""
    frame_id = frame.get("id")
    return frame_id if isinstance(frame_id, str) else ""


def request(frame_id: str, method: str, params: Mapping[str, Any]) -> str:
    """Return the text of a request."""
    return json.dumps({"type": "req", "id": frame_id, "method": method, "params": params})


def nonce_of(frame: Frame | None) -> str | None:
    """Return the nonce of a `connect.challenge`; None for any other frame."""
    if frame is None or frame.get("event") != "connect.challenge":
        return None
    nonce = _part(frame, "payload").get("nonce")
    return nonce if isinstance(nonce, str) and len(nonce) <= _LONGEST_NONCE else None


def connect_params(
    access: Access, device: Device, nonce: str, now_ms: int, signature: str = SIGNATURES[0]
) -> dict[str, Any]:
    """Build the params of `connect`: all scopes at once, for a later upgrade needs a person's approval.

    A paired device of the command line shows the token it was given; anybody else the gateway's own.
    """
    paired = device.token is not None
    client = {**(CLI_CLIENT if paired else CLIENT), "version": __version__, "platform": sys.platform}
    auth = {
        name: secret.reveal()
        for name, secret in (
            ("deviceToken" if paired else "token", device.token if paired else access.token),
            ("password", None if paired else access.password),
        )
        if secret is not None
    }
    token = auth.get("token") or auth.get("deviceToken") or ""
    words = (signature, device.id, client["id"], client["mode"], "operator", ",".join(SCOPES))
    platform = () if signature == "v2" else (client["platform"].lower(), "")
    signed = "|".join((*words, str(now_ms), token, nonce, *platform))
    return {
        "minProtocol": PROTOCOLS[0],
        "maxProtocol": PROTOCOLS[1],
        "client": client,
        "role": "operator",
        "scopes": list(SCOPES),
        "caps": [],
        "auth": auth,
        "device": {
            "id": device.id,
            "publicKey": device.public_key,
            "signature": device.sign(signed),
            "signedAt": now_ms,
            "nonce": nonce,
        },
    }


def granted_secrets(payload: Frame) -> tuple[str, ...]:
    """Return what the payload of `hello-ok` gives this device to show in future (2026.4.5)."""
    token = _part(payload, "auth").get("deviceToken")
    return (token,) if isinstance(token, str) else ()


def hello_of(payload: Frame, redaction: Redaction) -> Hello:
    """Read the payload of `hello-ok`; its texts are for people."""
    scopes = _part(payload, "auth").get("scopes")
    methods = _part(payload, "features").get("methods")
    protocol, state_dir = payload.get("protocol"), _part(payload, "snapshot").get("stateDir")
    return Hello(
        version=Version.parse(_part(payload, "server").get("version")),
        protocol=number(protocol),
        scopes=tuple(s for s in scopes if isinstance(s, str)) if isinstance(scopes, list) else None,
        methods=frozenset(m for m in (methods if isinstance(methods, list) else []) if isinstance(m, str)),
        state_dir=redaction.words(state_dir) if isinstance(state_dir, str) and state_dir else None,
    )


def lifecycle_of(frame: Frame, at: float) -> RunEvent | None:
    """Read an `agent` event: a start per attempt, one end or error per run (seen on 2026.4.5)."""
    payload = _part(frame, "payload")
    if frame.get("event") != "agent" or payload.get("stream") != "lifecycle":
        return None
    data, run_id, key = _part(payload, "data"), ident(payload.get("runId")), ident(payload.get("sessionKey"))
    phase = data.get("phase")
    if run_id is None:
        return None
    if phase == "start":
        return AttemptStarted(at, run_id, session_key=key)
    if phase in ("end", "error"):
        return RunEnded(at, run_id, phase == "end", flag(data.get("aborted")) is True, session_key=key)
    return None


def _part(frame: Frame, key: str) -> Frame:
    value = frame.get(key)
    return value if isinstance(value, dict) else {}
