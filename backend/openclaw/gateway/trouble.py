"""The troubles between lockdeck and a gateway: each is one sentence with the way out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.system.text import SafeText, safe


class Trouble(StrEnum):
    """The kinds of trouble that a caller may want to tell apart."""

    NOT_OURS = "not-ours"
    NO_CREDENTIALS = "no-credentials"
    BAD_URL = "bad-url"
    UNREACHABLE = "unreachable"
    NOT_A_GATEWAY = "not-a-gateway"
    OTHER_GATEWAY = "other-gateway"
    TLS = "tls"
    SILENT = "silent"
    CLOSED = "closed"
    NOT_PAIRED = "not-paired"
    AUTH = "auth"
    SIGNATURE = "signature"
    PROTOCOL = "protocol"
    SCOPE = "scope"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    COMMAND = "command"


class GatewayError(Exception):
    """No answer, or a refusal. `sentence` says what happened and what to do; it never holds a credential."""

    def __init__(self, kind: Trouble, sentence: str, code: str = "") -> None:
        self.kind = kind
        self.code = safe(code, 60)
        self.sentence: SafeText = safe(sentence)
        super().__init__(self.sentence)


_APPROVE = "approve it with `openclaw devices list` and `openclaw devices approve ID`, then try again"
_CHANGED = (
    "it was changed after that gateway started, or belongs to another one: restart the gateway, or set "
    "OPENCLAW_GATEWAY_TOKEN together with OPENCLAW_STATE_DIR"
)
_PROTOCOL = "use a lockdeck that knows this OpenClaw, or `openclaw gateway call`"
_TROUBLES: Mapping[str, tuple[Trouble, str]] = {
    "NOT_PAIRED": (Trouble.NOT_PAIRED, f"the gateway does not know this device; {_APPROVE}"),
    "DEVICE_IDENTITY_REQUIRED": (Trouble.NOT_PAIRED, f"the gateway wants a paired device; {_APPROVE}"),
    "PAIRING_REQUIRED": (Trouble.NOT_PAIRED, f"the gateway wants this device paired; {_APPROVE}"),
    "AUTH_TOKEN_MISMATCH": (Trouble.AUTH, f"the gateway refuses the token; {_CHANGED}"),
    "AUTH_DEVICE_TOKEN_MISMATCH": (Trouble.AUTH, f"the gateway refuses the device token; {_APPROVE}"),
    "AUTH_TOKEN_MISSING": (Trouble.AUTH, "the gateway wants a token: set OPENCLAW_GATEWAY_TOKEN"),
    "AUTH_REQUIRED": (
        Trouble.AUTH,
        "the gateway wants a credential: set OPENCLAW_GATEWAY_TOKEN or _PASSWORD",
    ),
    "AUTH_UNAUTHORIZED": (Trouble.AUTH, "the gateway refuses the credential: set OPENCLAW_GATEWAY_TOKEN"),
    "AUTH_PASSWORD_MISSING": (Trouble.AUTH, "the gateway wants a password: set OPENCLAW_GATEWAY_PASSWORD"),
    "AUTH_PASSWORD_MISMATCH": (
        Trouble.AUTH,
        "the gateway refuses the password: set OPENCLAW_GATEWAY_PASSWORD to the one it was started with",
    ),
    "AUTH_RATE_LIMITED": (Trouble.AUTH, "the gateway has seen too many wrong credentials: wait a minute"),
    "AUTH_SCOPE_MISMATCH": (Trouble.SCOPE, f"the gateway grants fewer scopes; {_APPROVE}"),
    "DEVICE_AUTH_SIGNATURE_EXPIRED": (
        Trouble.AUTH,
        "the gateway's clock differs from ours by more than two minutes: set the clocks right",
    ),
    "DEVICE_AUTH_SIGNATURE_INVALID": (
        Trouble.SIGNATURE,
        "the gateway does not accept how this device signs: use a lockdeck that knows this OpenClaw",
    ),
    "PROTOCOL_MISMATCH": (Trouble.PROTOCOL, f"the gateway speaks another protocol; {_PROTOCOL}"),
    "UNAVAILABLE": (Trouble.UNAVAILABLE, "the gateway can't do it now: try again in a moment"),
}
_MISSING_SCOPE = late_pattern(r"missing scope: (operator\.[a-z.]+)")


def refusal(call: str, error: object) -> GatewayError:
    """Turn the `error` of an `ok: false` frame into an exception, whatever its shape; `call` names it.

    The most telling code counts: `details.code` (from 2026.4 on) before `code`; 2026.4.5 tells a protocol
    mismatch only by `details.expectedProtocol`.
    """
    facts: Mapping[str, Any] = error if isinstance(error, dict) else {}
    details = facts.get("details")
    details = details if isinstance(details, dict) else {}
    message, own_code = _text(facts.get("message")), _text(facts.get("code"))
    code = next((c for c in (_text(details.get("code")), own_code) if c in _TROUBLES), own_code)
    if "expectedProtocol" in details or message == "protocol mismatch":
        code = "PROTOCOL_MISMATCH"
        message = f"it expects {_text(details.get('expectedProtocol')) or 'another version'}"
    if message == "device signature invalid":
        code = "DEVICE_AUTH_SIGNATURE_INVALID"  # 2026.2.9 tells it by words alone
    scope = _MISSING_SCOPE.search(message)
    if scope:
        return GatewayError(Trouble.SCOPE, f"{call}: lockdeck lacks the scope {scope[1]}; {_APPROVE}", code)
    if details.get("reason") == "scope-upgrade":
        sentence = f"this device is paired with fewer scopes than it asks for; {_APPROVE}"
        return GatewayError(Trouble.NOT_PAIRED, f"{call}: {sentence} (PAIRING_REQUIRED)", "PAIRING_REQUIRED")
    kind, sentence = _TROUBLES.get(code, (Trouble.REFUSED, "the gateway refuses"))
    words = ": ".join(word for word in (code, message) if word) or "it does not say why"
    return GatewayError(kind, f"{call}: {sentence} ({words})", code)


def _text(value: object) -> str:
    """Return what a gateway says in one place as a short text; empty for what is neither text nor number."""
    return str(safe(value, 160)) if isinstance(value, (str, int, float)) else ""


def closed(url: str, code: int | None, reason: str, call: str) -> GatewayError:
    """Return the trouble of a connection that the gateway closed (1012: it is restarting)."""
    cause = f"code {code}" if code is not None else "without a word"
    cause += f", {safe(reason, 120)}" if reason else ""
    way = "it is restarting: try again in a moment" if code == 1012 else "look whether it is still running"
    return GatewayError(
        Trouble.CLOSED, f"{call}: the gateway at {url} closed the connection ({cause}); {way}"
    )


def redirected(url: str, status: int, where: str) -> GatewayError:
    """Return the trouble of an address that sends us elsewhere: nobody is shown a credential who was not named."""
    sentence = (
        f"what listens at {url} sends us elsewhere (HTTP {status} to {safe(where, 120) or 'nowhere'}): lockdeck follows "
        "no redirect; check port and URL, or name the right --url"
    )
    return GatewayError(Trouble.NOT_A_GATEWAY, sentence)


def failed(url: str, reason: str) -> GatewayError:
    """Return the trouble of a connection that broke in a way nobody has foreseen."""
    return GatewayError(
        Trouble.PROTOCOL, f"the connection to the gateway at {url} failed ({safe(reason, 160)}); try again"
    )


def busy(url: str) -> GatewayError:
    """Return the trouble of a gateway that takes no new connection for now (HTTP 503)."""
    sentence = (
        f"the gateway at {url} takes no connection now (HTTP 503): it is starting, or was told to end and lets its "
        "runs go on first"
    )
    return GatewayError(Trouble.UNAVAILABLE, sentence)


def silent(url: str, seconds: float, call: str) -> GatewayError:
    """Return the trouble of a gateway that does not answer in time."""
    sentence = (
        f"{call}: the gateway at {url} did not answer within {seconds:g} s: its event loop may be blocked, "
        "or somebody else listens there; try again, or restart it"
    )
    return GatewayError(Trouble.SILENT, sentence)
