"""Where a fleet is: the servers of a NATS, and the bucket in which its hosts write."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from msgspec import Struct

from lockdeck.backend.hosts.asks import Role
from lockdeck.backend.hosts.words import USUAL_FLEET
from lockdeck.backend.system.accounts import person

SCHEMES = ("nats", "tls")
PORT = 4222
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_LONGEST_HOST = 128


class FleetAddress(Struct, frozen=True):
    """One fleet: the `servers` that lead to it, as URLs, each as good as the other; `user` to be there, None where none.

    With `tls` nothing is said to a server before it has proven who it is.
    """

    servers: tuple[str, ...]
    fleet: str
    tls: bool = False
    user: str | None = None

    @property
    def name(self) -> str:
        """What stands in the place of a host's name where the fleet itself is meant."""
        return f"{','.join(self.servers)}/{self.fleet}"

    def host_options(self, host: str) -> tuple[str, ...]:
        """Return the words that name one of its hosts in a command of ours."""
        user = "" if self.user is None else f"{self.user}@"
        url = ",".join(server.replace("://", f"://{user}") for server in self.servers)
        return (
            "--nats",
            url,
            *(() if self.fleet == USUAL_FLEET else ("--fleet", self.fleet)),
            "--host",
            host,
        )

    @property
    def bucket(self) -> str:
        """The name of the fleet's key-value bucket."""
        return f"lockdeck-{self.fleet}"

    @property
    def stream(self) -> str:
        """The stream behind the bucket."""
        return f"KV_{self.bucket}"

    @property
    def subjects(self) -> str:
        """What stands before every key of the bucket in a subject."""
        return f"$KV.{self.bucket}."


class FleetHostAddress(Struct, frozen=True):
    """One host of a fleet that is asked for something; `who` asks, in a `role`: both are the server's to let through."""

    fleet: FleetAddress
    name: str
    who: str
    role: Role

    @property
    def asking(self) -> FleetHostAddress:
        """The same host: its role is in it."""
        return self

    @property
    def host_options(self) -> tuple[str, ...]:
        """The words that name it in a command of ours."""
        return self.fleet.host_options(self.name)


def fleet_address(words: str, fleet: str) -> FleetAddress:
    """Return the fleet of `nats://[user@]host[:port],…`. Raises ValueError, which says what is wrong."""
    from urllib.parse import urlsplit

    if not _WORD.fullmatch(fleet):
        raise ValueError(f"{fleet!r} is no name of a fleet: letters, digits, - and _ only, 64 at most")
    schemes, users, servers = set(), set(), []
    for word in words.split(","):
        parts = urlsplit(word if "://" in word else f"nats://{word}")
        try:
            port = parts.port or PORT
        except ValueError:
            raise ValueError(f"{word}: the port is no number between 0 and 65535") from None
        if parts.password is not None:
            raise ValueError(
                "a password in an address can be read by everybody on this machine: put it into the environment "
                "as NATS_PASSWORD, or better use a key (NATS_NKEY, NATS_CREDS)"
            )
        if parts.scheme not in SCHEMES or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(
                f"{word} is no address; write nats://[user@]host[:port], or tls://… for TLS alone"
            )
        schemes.add(parts.scheme)
        users.add(parts.username)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        servers.append(f"{parts.scheme}://{host}:{port}")
    if len(schemes) > 1 or len(users) > 1:
        raise ValueError(f"{words}: the servers of one fleet have one scheme and one user")
    return FleetAddress(tuple(dict.fromkeys(servers)), fleet, schemes == {"tls"}, users.pop())


def host_of_fleet(
    fleet: FleetAddress, host: str, role: Role, env: Mapping[str, str] = os.environ
) -> FleetHostAddress:
    """Return a host of a fleet, asked in a role by the user of the address, of NATS_USER, or of this machine.

    Raises ValueError, which says what is wrong.
    """
    who = fleet.user or env.get("NATS_USER") or person() or ""
    return FleetHostAddress(fleet, check_host_name(host), check_user_name(who), role)


def check_user_name(name: str) -> str:
    """Return the name of who asks, as it can stand in a subject. Raises ValueError, which says what is wrong."""
    if not _WORD.fullmatch(name):
        raise ValueError(
            f"{name!r} can't be the name of who asks in a fleet: letters, digits, - and _ only, 64 at most; "
            "write it into the address (nats://NAME@HOST)"
        )
    return name


def check_host_name(name: str) -> str:
    """Return the name of a host, as it can be a key. Raises ValueError, which says what is wrong."""
    if not is_host_name(name):
        raise ValueError(
            f"{name!r} can't be the name of a host in a fleet: letters, digits, -, _ and dots between them, "
            f"{_LONGEST_HOST} at most; name it with --as"
        )
    return name


def is_host_name(name: str) -> bool:
    """Return whether a host can have this name in a fleet."""
    return len(name) <= _LONGEST_HOST and _HOST.fullmatch(name) is not None
