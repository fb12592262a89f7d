"""A connection to a NATS server: as whom, how it is proven who the server is, and why it ended."""

from __future__ import annotations

import asyncio
import os
import random
import ssl
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import nats.errors
from nats.aio.client import Client

from lockdeck.backend.hosts.nats.address import FleetAddress
from lockdeck.backend.hosts.nats.reasons import reason_of

CONNECT_S = 3.0
"""A server that is called says who it is within so long (seconds)."""
ANSWER_S = 5.0
"""A server answers within so long (seconds); one that has no quorum does not."""
PING_S = 2
"""A server is asked so often (seconds) whether it is still there; it may miss two."""
TROUBLE = (OSError, nats.errors.Error, asyncio.TimeoutError, ValueError, TypeError, LookupError)
"""What talking to a server may end with; the last three where it says what no server says."""
T = TypeVar("T")
_SEED_MARK, _JWT_MARK = b"BEGIN USER NKEY SEED", b"BEGIN NATS USER JWT"


class NatsError(Exception):
    """The server can't be spoken with, or no longer; the text says why."""


class Connection:
    """A connection as long as it lasts."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why it is over, once it is."""
        self.served = False
        """It did what it is for: when it is lost, it is worth while to try again soon."""

    async def do(self, work: Coroutine[Any, Any, T], patience_s: float = ANSWER_S) -> T:
        """Return what the work returns. Raises NatsError when it fails, takes too long, or the connection ends."""
        task = asyncio.ensure_future(work)
        either: set[asyncio.Future[Any]] = {task, self.over}
        await asyncio.wait(either, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            raise NatsError(
                self.over.result() if self.over.done() else f"it did not answer within {patience_s:g} s"
            )
        try:
            return task.result()
        except TROUBLE as error:
            raise NatsError(self.over.result() if self.over.done() else reason_of(error)) from error

    async def end(self, why: BaseException | str | None = None) -> None:
        """Note why the connection is over; the first reason counts."""
        if not self.over.done():
            self.over.set_result(why if isinstance(why, str) else reason_of(why))


@asynccontextmanager
async def connected(
    address: FleetAddress, inbox: str, env: Mapping[str, str] = os.environ
) -> AsyncIterator[Connection]:
    """Be connected to one of the servers; answers come below `inbox`. Raises NatsError where none can be reached."""
    options = _options(address, env)
    reasons = []
    for server in random.sample(address.servers, len(address.servers)):
        client = _Client(must_be_safe="tls" in options)
        connection = Connection(client)
        try:
            await _connect(connection, server, inbox, options)
        except TROUBLE as error:
            trouble = connection.over.result() if connection.over.done() else reason_of(error)
            reasons.append(f"{server}: {trouble}")
            await _close(client)
            continue
        connection.over = asyncio.get_running_loop().create_future()
        try:
            yield connection
        except NatsError as error:
            raise NatsError(f"{server}: {error}") from error
        finally:
            await _close(client)
        return
    raise NatsError("; ".join(reasons))


class _Client(Client):
    """A client that says nothing to a server which should be one behind TLS, and isn't."""

    def __init__(self, *, must_be_safe: bool) -> None:
        super().__init__()
        self._must_be_safe = must_be_safe

    def _connect_command(self) -> bytes:
        # nats-py goes on in the clear with who offers no TLS, and would give it our password.
        if self._must_be_safe and not self._server_info.get("tls_required"):
            raise nats.errors.SecureConnWantedError
        command: bytes = super()._connect_command()
        return command


async def _connect(connection: Connection, server: str, inbox: str, options: Mapping[str, Any]) -> None:
    async def closed() -> None:
        await connection.end(connection.client.last_error)

    connecting = connection.client.connect(
        server,
        name="lockdeck",
        error_cb=connection.end,
        closed_cb=closed,
        # We begin anew ourselves: what was missed meanwhile is told again.
        allow_reconnect=False,
        max_reconnect_attempts=1,
        reconnect_time_wait=0,
        ping_interval=PING_S,
        max_outstanding_pings=2,
        inbox_prefix=inbox,
        **options,
    )
    await asyncio.wait_for(connecting, CONNECT_S)


async def _close(client: Client) -> None:
    """Close a connection; a server that stands still is not waited for."""
    try:
        await asyncio.wait_for(client.close(), 1.0)
    except TROUBLE:
        return


def _options(address: FleetAddress, env: Mapping[str, str]) -> dict[str, Any]:
    """Return who we are and whom we trust, from the variables that the `nats` command reads. Raises NatsError."""
    options: dict[str, Any] = {}
    user, password = address.user or env.get("NATS_USER"), env.get("NATS_PASSWORD")
    if user and password:
        options |= {"user": user, "password": password}
    if creds := env.get("NATS_CREDS"):
        options["user_credentials"] = _readable("NATS_CREDS", creds, _SEED_MARK, _JWT_MARK)
    elif seed := env.get("NATS_NKEY"):
        options["nkeys_seed"] = _readable("NATS_NKEY", seed, b"SU")
    authorities, certificate = env.get("NATS_CA"), env.get("NATS_CERT")
    if address.tls or authorities or certificate:
        try:
            context = ssl.create_default_context(cafile=authorities)
            if certificate:
                context.load_cert_chain(certificate, env.get("NATS_KEY"))
        except OSError as error:
            raise NatsError(f"NATS_CA, NATS_CERT or NATS_KEY can't be used: {error}") from error
        options["tls"] = context
    return options


def _readable(variable: str, path: str, *marks: bytes) -> str:
    """Return the path of a file with these words in it: nats-py would read on for ever without them."""
    try:
        with open(path, "rb") as file:
            text = file.read(1 << 16)
    except OSError as error:
        raise NatsError(f"{variable}: {path}: {error.strerror}") from error
    if not all(mark in text for mark in marks):
        raise NatsError(f"{variable}: {path} is no such file as is meant")
    return path
