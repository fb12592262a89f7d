"""The settings as records: every key of `config.toml` with its default and what it is about."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lockdeck.backend.model.trust import Vouch

NOTIFY = ("toast", "bell", "osc9", "osc777")


def _about(doc: str, **more: Any) -> dict[str, Any]:
    return {"doc": doc, **more}


@dataclass(frozen=True, slots=True)
class RootSettings:
    """The settings of one root.

    `own_namespace` vouches that every process which writes there shares lockdeck's pid namespace;
    needed only where lockdeck runs inside a container with a mounted state directory. `trusted_uid` is the account
    that `trusted_owner` names, None where it names none.
    """

    path: str = field(default="", metadata=_about("The OpenClaw state directory; ~ is understood."))
    read_only: bool = field(default=False, metadata=_about("Nothing that changes this root."))
    own_namespace: bool = field(
        default=False,
        metadata=_about("Every process that writes there shares lockdeck's pid namespace."),
    )
    trusted_owner: str | int = field(
        default="",
        metadata=_about(
            "What this account (name or uid) owns there counts as ours; empty means nobody else's."
        ),
    )
    trusted_uid: int | None = field(default=None, metadata={"internal": True})
    log_command: tuple[str, ...] = field(
        default=(),
        metadata=_about("A command that tells this root's log, instead of its own places; no shell is used."),
    )


@dataclass(frozen=True, slots=True)
class HostSettings:
    """Another host: how it is reached, and the name that stands in its rows."""

    name: str = field(default="", metadata=_about("The host's name, in every row of it."))
    command: tuple[str, ...] = field(
        default=(),
        metadata=_about(
            "A command whose stdin and stdout lead to `lockdeck serve --stdio` there; no shell is used."
        ),
    )
    group: str = field(default="", metadata=_about("The group that the host belongs to."))


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with their defaults. Durations in seconds.

    `lines` tells where in the file `origin` (empty: there was none) a value stands, by its key (`rescan_s`, `keys.quit`).
    `trusted_uids` are accounts that the command line vouches for, in every root.
    """

    read_only: bool = field(default=False, metadata=_about("Nothing that changes the world."))
    theme: str = field(default="", metadata=_about("Name of the theme; empty means dark."))
    logs: tuple[str, ...] = field(
        default=(), metadata=_about("Log files to read instead of OpenClaw's own places.")
    )
    roots: tuple[RootSettings, ...] = field(
        default=(), metadata=_about("State directories to watch instead of the usual ones.")
    )
    hosts: tuple[HostSettings, ...] = field(
        default=(), metadata=_about("Other hosts to watch beside this one.")
    )
    rescan_s: float = field(
        default=3.0, metadata=_about("Everything is looked at anew after so many seconds.")
    )
    gap_grace_s: float = field(
        default=3.0, metadata=_about("Two holds at most so far apart (seconds) are one occupation.")
    )
    columns: tuple[str, ...] = field(
        default=(), metadata=_about("Columns of the fleet table, in their order; empty means all.")
    )
    locks_columns: tuple[str, ...] = field(
        default=(), metadata=_about("Columns of the locks table, in their order; empty means all.")
    )
    events_columns: tuple[str, ...] = field(
        default=(), metadata=_about("Columns of the events table, in their order; empty means all.")
    )
    journal_columns: tuple[str, ...] = field(
        default=(), metadata=_about("Columns of the journal table, in their order; empty means all.")
    )
    hosts_columns: tuple[str, ...] = field(
        default=(), metadata=_about("Columns of the hosts table, in their order; empty means all.")
    )
    notify: tuple[str, ...] = field(
        default=("toast",),
        metadata=_about("How it is told that something turns critical, or clears.", choices=NOTIFY),
    )
    notify_after_s: float = field(
        default=5.0, metadata=_about("It is told once it has lasted so many seconds.")
    )
    notify_every_s: float = field(
        default=30.0, metadata=_about("At least so many seconds lie between two notifications.")
    )
    mouse: bool = field(
        default=True,
        metadata=_about("The mouse works in the dashboard, rather than the terminal's own selection."),
    )
    keys: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict,
        metadata=_about(
            "Keys of commands, by command id; each a key or a list of keys, an empty one for none."
        ),
    )
    origin: str = field(default="", metadata={"internal": True})
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, metadata={"internal": True})
    trusted_uids: frozenset[int] = field(default=frozenset(), metadata={"internal": True})

    @property
    def names_columns(self) -> bool:
        """Return whether columns are chosen for any table."""
        own = (self.columns, self.locks_columns, self.events_columns, self.journal_columns)
        return any(own) or bool(self.hosts_columns)

    def root(self, path: str) -> RootSettings:
        """Return what was said about a root; the defaults when nothing was."""
        for root in self.roots:
            if os.path.normpath(os.path.expanduser(root.path)) == os.path.normpath(path):
                return root  # without a look at any other: its file system may not answer
        real = os.path.realpath(path)
        for root in self.roots:
            if os.path.realpath(os.path.expanduser(root.path)) == real:
                return root
        return RootSettings(path)

    def vouch_for(self, path: str) -> Vouch:
        """Return the user's word about a root."""
        root = self.root(path)
        owners = self.trusted_uids if root.trusted_uid is None else self.trusted_uids | {root.trusted_uid}
        return Vouch(root.own_namespace, owners)

    def place(self, key: str) -> str:
        """Return where a value comes from: `default`, or file and line."""
        if key not in self.lines:
            return "default"
        return f"{self.origin}:{self.lines[key]}" if self.lines[key] else self.origin
