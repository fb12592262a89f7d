"""The way to a root's gateway: our own connection, else the paired command line's, else its command."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lockdeck.backend.openclaw.gateway.client import CALL_S, Gateway, open_gateway
from lockdeck.backend.openclaw.gateway.command import CommandGateway, find_command
from lockdeck.backend.openclaw.gateway.credentials import find_access
from lockdeck.backend.openclaw.gateway.device import cli_device, own_device
from lockdeck.backend.openclaw.gateway.frames import Frame, Hello, RunEvent
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.environment import same_place
from lockdeck.backend.system.childenv import minimal_environment
from lockdeck.backend.system.ownership import ownership_of
from lockdeck.backend.system.text import safe


class Line(Protocol):
    """The part of a connection that a caller needs, however it is made."""

    transport: str
    url: str
    hello: Hello

    def call(self, method: str, params: Mapping[str, Any] | None = None, seconds: float = CALL_S) -> Frame:
        """Call a method and return its payload; GatewayError."""
        ...

    def run_events(self) -> tuple[RunEvent, ...]:
        """Return the latest attempts that the gateway told of."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


def reach(
    root: str,
    config: Config,
    env: Mapping[str, str],
    folder: str,
    *,
    url: str | None = None,
    fingerprint: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Line:
    """Open a line to the gateway of `root`; GatewayError says why there is none and what to do.

    `folder` is lockdeck's own state folder, where its device key lives.  A gateway that serves another root
    is refused, unless the user named the URL (in a container the same root has another path).  For a root that is not
    ours there is none at all: nothing of ours is looked up, nobody is connected to, no command is run.
    """
    _must_be_ours(root, config)
    access = find_access(root, config, env, url=url, fingerprint=fingerprint)
    if not access.has_credential:
        paired = (
            None if access.by_user else cli_device(root, config.owners, only_vouched=config.ownership.vouched)
        )
        if paired is not None:
            return _checked(open_gateway(access, paired, clock), root)
        # Its secrets may be commands and files that the config names: they would be run and read as us.
        command = None if config.ownership.vouched else find_command(env)
        if command is not None and not access.by_user:
            return CommandGateway(command, root, config.path, minimal_environment(env, config.variables))
        raise GatewayError(Trouble.NO_CREDENTIALS, access.why_no_credential())
    gateway = open_gateway(access, own_device(folder), clock)
    return gateway if access.by_user else _checked(gateway, root)


def _must_be_ours(root: str, config: Config) -> None:
    """Refuse a root that is not ours, as its config was read or as it stands now. GatewayError (NOT_OURS)."""
    for ownership in (config.ownership, ownership_of(root, config.owners)):
        if ownership.sentence is not None:
            raise GatewayError(Trouble.NOT_OURS, ownership.sentence)


def _checked(gateway: Gateway, root: str) -> Gateway:
    serves = gateway.hello.state_dir
    if serves is None or same_place(serves, root):
        return gateway
    gateway.close()
    sentence = f"the gateway at {gateway.url} serves {safe(serves, 120)}, not {safe(root, 120)}: name the right --url"
    raise GatewayError(Trouble.OTHER_GATEWAY, sentence)
