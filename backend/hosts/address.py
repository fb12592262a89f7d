"""Where a host is: its name, and the command whose stdin and stdout lead to `lockdeck serve --stdio` there."""

from __future__ import annotations

import shlex

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.hosts.asks import Role
from lockdeck.backend.hosts.words import SCHEME

_SSH = (
    *("ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=8"),
    # A cable that is cut is noticed after some 5 s.
    *("-o", "ServerAliveInterval=2", "-o", "ServerAliveCountMax=2"),
)
"""The system's own ssh; nobody is there to be asked for a password or about a key."""
_CONTAINERS = frozenset({"docker", "podman", "nerdctl", "kubectl", "oc"})
"""Commands that give a terminal for `-it`."""


class HostAddress(Struct, frozen=True):
    """One host: `name` in every row, `command` to reach it, `group` it belongs to (empty: none).

    `host_options`: the words that name it in a command of ours; none for this machine. `by_hand`: the command with which a
    person looks there, none where none is known. `acting`: the command by which it is asked to act, where that is another one.
    """

    name: str
    command: tuple[str, ...]
    group: str = ""
    host_options: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    acting: tuple[str, ...] = ()

    @property
    def asking(self) -> HostAddress:
        """The same host, to be asked to act."""
        return replace(self, command=self.acting or self.command)


def ssh_address(word: str) -> HostAddress:
    """Return the host of `ssh://[user@]host[:port][/root]`. Raises ValueError, which says what is wrong.

    A path is the one root that is looked at there, `/~/…` below the home of the account. To act the role operator is asked
    for; a command that the host binds to the key may give less.
    """
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(word)
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"{word}: the port is no number between 0 and 65535") from None
    if not parts.hostname or parts.query or parts.fragment or parts.password is not None:
        raise ValueError(f"{word} is no address; write ssh://[user@]host[:port][/root]")
    destination = SCHEME + (f"{parts.username}@" if parts.username else "") + _bracketed(parts.hostname)
    if port is not None:
        destination += f":{port}"
    root = unquote(parts.path) if parts.path not in ("", "/") else ""
    # The account's shell reads the words anew.
    serve, roots = (*_SSH, destination, "lockdeck", "serve", "--stdio"), ([_quoted(root)] if root else [])
    return HostAddress(
        destination.removeprefix(SCHEME) + root,
        (*serve, *roots),
        host_options=("--host", word),
        by_hand=("ssh", "-t", destination, "lockdeck", *roots),
        acting=(*serve, "--role", Role.OPERATOR.value, *roots),
    )


def by_hand(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command with which a person opens the dashboard where another leads to `lockdeck serve`; none where it can't be told."""
    if "serve" not in command:
        return ()
    words = list(command[: command.index("serve")])
    name = words[0].rpartition("/")[2]
    if name == "ssh":
        words = ["ssh", "-t", *(word for word in words[1:] if word not in ("-T", "-t"))]
    elif name in _CONTAINERS:
        words = ["-it" if word == "-i" else word for word in words]
    return tuple(words)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _quoted(root: str) -> str:
    if root.startswith("/~/"):
        return "~/" + shlex.quote(root[3:]) if root[3:] else "~"
    return shlex.quote(root)
