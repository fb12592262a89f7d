"""How a person left the tables and the theme of the dashboard, kept in a file beside the journal.

Every change reads the file anew under a kernel lock and replaces it in one step: two dashboards lose nothing, and of one table
the last word counts.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.openclaw.files import read_regular
from lockdeck.backend.system.folders import private_folder, state_dir
from lockdeck.backend.system.ownership import ownership_of

FILE = "deck.json"
MAX_BYTES = 1 << 18
"""A larger file is not ours."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class LooksError(ValueError):
    """What was kept can't be used; the message names place and cause. `broken`: the content is wrong, not the access."""

    def __init__(self, sentence: str, *, broken: bool = False) -> None:
        super().__init__(sentence)
        self.broken = broken


class TableLook(Struct, frozen=True, omit_defaults=True):
    """A table as it was left: the column it was sorted by (None: as it comes), filter, and columns (None: as configured).

    `instead_of` are the columns that were configured when others were chosen: a configuration that says something else
    by now is younger, and counts.
    """

    sort: str | None = None
    reverse: bool = False
    filter: str = ""
    columns: tuple[str, ...] | None = None
    instead_of: tuple[str, ...] = ()


class ThemeChoice(Struct, frozen=True):
    """The theme that was chosen, and the one that was configured then."""

    name: str
    instead_of: str = ""


class Looks(Struct, frozen=True, omit_defaults=True):
    """All that is kept, tables by name."""

    theme: ThemeChoice | None = None
    tables: Mapping[str, TableLook] = field(default_factory=dict)

    def of(self, table: str) -> TableLook:
        """Return how a table was left; as it comes where nothing is kept."""
        return self.tables.get(table, TableLook())

    def with_table(self, table: str, look: TableLook) -> Looks:
        """Return the looks with another one of a table; one that is as it comes is not kept."""
        others = {name: other for name, other in self.tables.items() if name != table}
        return replace(self, tables=others if look == TableLook() else {**others, table: look})


Change = Callable[[Looks], Looks]


def looks_path() -> str:
    """Return where the looks are kept. NoHomeError."""
    return os.path.join(state_dir(), FILE)


def read_looks(path: str) -> Looks:
    """Read what is kept; nothing where there is no file. LooksError where it is not ours or can't be understood."""
    fault = ownership_of(path).fault
    content = read_regular(path, MAX_BYTES, follow=False)
    if content.presence is Presence.ABSENT:
        return Looks()
    if fault is not None:
        raise LooksError(f"{path} is not used: {fault}")
    if content.problem is not None:
        raise LooksError(content.problem)
    try:
        return msgspec.json.decode(content.raw, type=Looks)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LooksError(f"{path} is broken: {error}", broken=True) from None


def set_aside(path: str) -> str:
    """Move a file that can't be understood out of the way, for a person to look at; return where it is now. OSError."""
    beside = f"{path}.broken"
    with _turn(path) as folder:
        os.replace(os.path.basename(path), os.path.basename(beside), src_dir_fd=folder, dst_dir_fd=folder)
    return beside


def change_looks(path: str, change: Change) -> None:
    """Change what is kept. LooksError where the file is not ours or broken, OSError where it can't be written."""
    with _turn(path) as folder:
        before = read_looks(path)
        after = change(before)
        if after != before:
            _replace(folder, os.path.basename(path), msgspec.json.format(msgspec.json.encode(after)))


@contextmanager
def _turn(path: str) -> Iterator[int]:
    """Have the folder of a file to ourselves, and yield its descriptor; the lock ends with its process."""
    with private_folder(os.path.dirname(path)) as folder:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield folder


def _replace(folder: int, name: str, raw: bytes) -> None:
    beside = f".{name}.{secrets.token_hex(8)}"
    number = os.open(beside, _NEW, 0o600, dir_fd=folder)
    try:
        with open(number, "wb") as file:
            file.write(raw + b"\n")
        os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside, dir_fd=folder)
        raise
