"""Open the WebSocket to a gateway: the address that was checked is the one that is spoken to, and no other.

A name is resolved once, and the socket that was connected is handed to the library; a redirect is an answer like
any other and is not followed (websockets would follow it to another host, with the handshake and the token).
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect

from lockdeck.backend.openclaw.gateway.addresses import is_loopback
from lockdeck.backend.openclaw.gateway.credentials import Access
from lockdeck.backend.openclaw.gateway.redaction import Redaction
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble, busy, redirected, silent
from lockdeck.backend.system.ownership import account
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.system.sockets import who_is_behind
from lockdeck.backend.system.text import safe

_CLOSE_S = 0.3
_BUSY = 503
"""The answer of a gateway that is starting, or that was told to end and lets its runs go on (seen on 2026.9.6)."""
_MOST_BYTES = 8 << 20
"""The largest frame that is taken in; the rows of 500 sessions are a twentieth of it."""
_MOST_FRAMES = 8
"""So many frames wait in memory at most; then the gateway has to."""


class _NoUpgradeError(Exception):
    """The other side answered, and not by going over to WebSocket."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class _Connection(ClientConnection):
    """A connection of which the library sees no redirect: it would follow one."""

    def handshake(self, *arguments: Any, **options: Any) -> None:
        """Shake hands by HTTP. _NoUpgradeError for every other answer."""
        try:
            super().handshake(*arguments, **options)
        except InvalidStatus as error:
            raise _NoUpgradeError(error.response) from None


def dial(
    access: Access, url: str, seconds: float, redaction: Redaction, stack: contextlib.ExitStack
) -> ClientConnection:
    """Open the WebSocket within `seconds`, to be closed by `stack`. GatewayError, with `url` as it may be shown.

    A certificate that must have a known fingerprint is checked before a word is said.
    """
    deadline = time.monotonic() + seconds
    try:
        plain = _connected(access.url, url, deadline)
        stack.callback(plain.close)
        _check_owner(plain, access, url)
        connection: ClientConnection = stack.enter_context(_opening(access, plain, deadline))
    except _NoUpgradeError as error:
        raise _no_upgrade(url, error.response, redaction) from None
    except ssl.SSLError as error:
        reason = redaction.words(str(error.reason or error))
        raise GatewayError(Trouble.TLS, f"no TLS with {url}: {reason}; check the URL") from None
    except TimeoutError:
        raise silent(url, seconds, "connect") from None
    except (WebSocketException, EOFError) as error:
        raise _no_gateway(url, redaction.words(str(error))) from None
    except OSError as error:
        sentence = f"nobody answers at {url} ({error.strerror or error}); is the gateway running?"
        raise GatewayError(Trouble.UNREACHABLE, sentence) from None
    if access.fingerprint is not None and access.url.startswith("wss://"):
        _check_fingerprint(connection, access.fingerprint, url)
    return connection


def _connected(address: str, url: str, deadline: float) -> socket.socket:
    """Connect to the first of the addresses that answers. OSError, GatewayError."""
    failure = OSError("it has no address")
    for family, kind, number, _, place in _resolved(address, url):
        plain = socket.socket(family, kind, number)
        try:
            plain.settimeout(max(0.001, deadline - time.monotonic()))
            plain.connect(place)
        except OSError as error:
            plain.close()
            failure = error
        else:
            plain.settimeout(None)
            return plain
    raise failure


def _check_owner(plain: socket.socket, access: Access, url: str) -> None:
    """Refuse to say a word to a socket of another account: while a gateway is down anybody may take its port.

    Who can't be shown to be one of the owners is none. Only Linux shows it to everybody.
    """
    if access.owners is None or not LINUX:
        return
    behind = who_is_behind(plain.getpeername()[:2], plain.getsockname()[:2])
    strangers = sorted(behind.uids - access.owners)
    if strangers:
        sentence = (
            f"what listens at {url} belongs to {account(strangers[0])}, not to the owner of this root: it is told nothing; "
            "find out who took the port, or name the right --url"
        )
        raise GatewayError(Trouble.OTHER_GATEWAY, sentence)
    if not behind.answers:
        sentence = (
            f"nothing shows whose process answers at {url}: it is told nothing; where the port is passed on to a container "
            "use `docker exec`, or vouch for who is there: --url or OPENCLAW_GATEWAY_URL, with OPENCLAW_GATEWAY_TOKEN"
        )
        # One that has just closed the connection is not shown either: another try may find its owner.
        raise GatewayError(Trouble.UNREACHABLE, sentence)


def _resolved(address: str, url: str) -> list[tuple[Any, ...]]:
    """Resolve the host, once. What has no TLS must be this machine, whatever the name says. GatewayError."""
    parts = urlsplit(address)
    secure = parts.scheme == "wss"
    try:
        places: list[tuple[Any, ...]] = list(
            socket.getaddrinfo(parts.hostname, parts.port or (443 if secure else 80), type=socket.SOCK_STREAM)
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such name"
        raise GatewayError(Trouble.UNREACHABLE, f"{url} has no address ({reason}); check the URL") from None
    if secure:
        return places
    ours = [place for place in places if is_loopback(str(place[4][0]))]
    if not ours:
        sentence = f"{url} is not this machine, and would be sent the credential in the clear: use wss:// or an ssh tunnel"
        raise GatewayError(Trouble.BAD_URL, sentence)
    return ours


def _opening(access: Access, plain: socket.socket, deadline: float) -> Any:
    return connect(
        access.url,
        sock=plain,
        ssl=_tls(access) if access.url.startswith("wss://") else None,
        open_timeout=max(0.001, deadline - time.monotonic()),
        close_timeout=_CLOSE_S,
        ping_interval=None,
        max_size=_MOST_BYTES,
        max_queue=_MOST_FRAMES,
        compression=None,
        proxy=None,
        create_connection=_Connection,
        # A logger of its own: at DEBUG the library writes whole frames, the token among them.
        logger=logging.Logger("lockdeck.gateway", logging.CRITICAL),  # noqa: LOG001
    )


def _no_upgrade(url: str, response: Response, redaction: Redaction) -> GatewayError:
    status = response.status_code
    if status == _BUSY:
        return busy(url)
    if 300 <= status < 400:
        return redirected(url, status, redaction.words(", ".join(response.headers.get_all("Location"))))
    return _no_gateway(url, f"server rejected WebSocket connection: HTTP {status}")


def _no_gateway(url: str, reason: str) -> GatewayError:
    sentence = f"what listens at {url} is no gateway ({safe(reason, 120)}); check port and URL"
    return GatewayError(Trouble.NOT_A_GATEWAY, sentence)


def _tls(access: Access) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if access.fingerprint is not None:
        # A self-signed certificate: its fingerprint proves more than any authority could.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _check_fingerprint(connection: ClientConnection, expected: str, url: str) -> None:
    raw = connection.socket
    certificate = raw.getpeercert(binary_form=True) if isinstance(raw, ssl.SSLSocket) else None
    digest = hashlib.sha256(certificate or b"").hexdigest()
    if digest != expected.lower().removeprefix("sha256:").replace(":", "").strip():
        sentence = (
            f"the certificate of {url} has another fingerprint (sha256:{digest[:16]}…): is this your gateway?"
        )
        raise GatewayError(Trouble.TLS, sentence)
