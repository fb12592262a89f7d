"""The settings as records: every key of `config.toml` with its default and what it is about."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from lockdeck.backend.model.trust import Vouch

NOTIFY = ("toast", "bell", "osc9", "osc777")


class RootSettings(Struct, frozen=True):
    """The settings of one root.

    `own_namespace` vouches that every process which writes there shares lockdeck's pid namespace;
    needed only where lockdeck runs inside a container with a mounted state directory. `trusted_uid` is the account
    that `trusted_owner` names, None where it names none.
    """

    path: Annotated[str, Meta(description="The OpenClaw state directory; ~ is understood.")] = ""
    read_only: Annotated[bool, Meta(description="Nothing that changes this root.")] = False
    own_namespace: Annotated[
        bool, Meta(description="Every process that writes there shares lockdeck's pid namespace.")
    ] = False
    trusted_owner: Annotated[
        str | int,
        Meta(
            description="What this account (name or uid) owns there counts as ours; empty means nobody else's."
        ),
    ] = ""
    trusted_uid: int | None = None
    log_command: Annotated[
        tuple[str, ...],
        Meta(
            description="A command that tells this root's log, instead of its own places; no shell is used."
        ),
    ] = ()


class HostSettings(Struct, frozen=True):
    """Another host: how it is reached, and the name that stands in its rows."""

    name: Annotated[str, Meta(description="The host's name, in every row of it.")] = ""
    command: Annotated[
        tuple[str, ...],
        Meta(
            description="A command whose stdin and stdout lead to `lockdeck serve --stdio` there; no shell is used."
        ),
    ] = ()
    group: Annotated[str, Meta(description="The group that the host belongs to.")] = ""


class Settings(Struct, frozen=True):
    """All settings with their defaults. Durations in seconds.

    `lines` tells where in the file `origin` (empty: there was none) a value stands, by its key (`rescan_s`, `keys.quit`).
    `trusted_uids` are accounts that the command line vouches for, in every root.
    """

    read_only: Annotated[bool, Meta(description="Nothing that changes the world.")] = False
    theme: Annotated[str, Meta(description="Name of the theme; empty means dark.")] = ""
    logs: Annotated[
        tuple[str, ...], Meta(description="Log files to read instead of OpenClaw's own places.")
    ] = ()
    roots: Annotated[
        tuple[RootSettings, ...], Meta(description="State directories to watch instead of the usual ones.")
    ] = ()
    hosts: Annotated[tuple[HostSettings, ...], Meta(description="Other hosts to watch beside this one.")] = ()
    rescan_s: Annotated[float, Meta(description="Everything is looked at anew after so many seconds.")] = 3.0
    gap_grace_s: Annotated[
        float, Meta(description="Two holds at most so far apart (seconds) are one occupation.")
    ] = 3.0
    columns: Annotated[
        tuple[str, ...], Meta(description="Columns of the fleet table, in their order; empty means all.")
    ] = ()
    locks_columns: Annotated[
        tuple[str, ...], Meta(description="Columns of the locks table, in their order; empty means all.")
    ] = ()
    events_columns: Annotated[
        tuple[str, ...], Meta(description="Columns of the events table, in their order; empty means all.")
    ] = ()
    journal_columns: Annotated[
        tuple[str, ...], Meta(description="Columns of the journal table, in their order; empty means all.")
    ] = ()
    hosts_columns: Annotated[
        tuple[str, ...], Meta(description="Columns of the hosts table, in their order; empty means all.")
    ] = ()
    notify: Annotated[
        tuple[str, ...],
        Meta(
            description="How it is told that something turns critical, or clears.", extra={"choices": NOTIFY}
        ),
    ] = ("toast",)
    notify_after_s: Annotated[float, Meta(description="It is told once it has lasted so many seconds.")] = 5.0
    notify_every_s: Annotated[
        float, Meta(description="At least so many seconds lie between two notifications.")
    ] = 30.0
    mouse: Annotated[
        bool, Meta(description="The mouse works in the dashboard, rather than the terminal's own selection.")
    ] = True
    keys: Annotated[
        Mapping[str, tuple[str, ...]],
        Meta(
            description="Keys of commands, by command id; each a key or a list of keys, an empty one for none."
        ),
    ] = {}
    origin: str = ""
    lines: Mapping[str, int] = {}
    trusted_uids: frozenset[int] = frozenset()

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
