"""The era of a root: its sessions are still in files, or in SQLite (2026.8.1 and later).

The database is looked at with plain bounded reads and never opened as one: a reader that merely opened
such databases made OpenClaw's own update refuse (openclaw#140467).
"""

from __future__ import annotations

import os
import struct
from collections import deque
from typing import Literal

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.openclaw.files import read_regular
from lockdeck.backend.openclaw.roots.budgets import AGENTS, ERA_BYTES, ERA_PAGES, BudgetError
from lockdeck.backend.openclaw.roots.layout import agent_ids

Era = Literal["files", "sqlite"]

MOST_BYTES = 256 * 1024
"""Most bytes of schema pages, and of the write-ahead log, that are looked at in one database."""

_HEADER = b"SQLite format 3\0"
_TABLE = b"tablesession_nodessession_nodes"
"""How the schema stores a table: its kind, its name and its name again, without anything between."""
_INTERIOR = 0x05
"""The kind byte of a tree page that has other pages below it."""


def era_of(root: str) -> Era:
    """Return "sqlite" when any agent of `root` has a session table in its database, else "files".

    Reads files every time: remember the answer with `era_signature`. Raises BudgetError where the databases are too
    many or too large together to tell.
    """
    cost = _Cost()
    databases = _databases(root)
    if any(has_session_table(path, cost) for path in databases):
        return "sqlite"
    if len(databases) == AGENTS:
        raise BudgetError(f"{AGENTS} agents or more: whether its sessions are in a database can't be known")
    return "files"


def era_signature(root: str) -> tuple[tuple[str, int, int], ...]:
    """Return (path, mtime_ns, size) of what `era_of` would read; equal signatures mean an equal era."""
    entries = []
    for path in _databases(root):
        for name in (path, f"{path}-wal"):
            try:
                status = os.stat(name)
            except OSError:
                continue
            entries.append((name, status.st_mtime_ns, status.st_size))
    return tuple(entries)


class _Cost:
    """What the databases of one root have cost together; BudgetError past the budget."""

    def __init__(self) -> None:
        self._pages = self._bytes = 0

    def count(self, size: int, pages: int = 0) -> None:
        """Count what was read."""
        self._pages += pages
        self._bytes += size
        if self._pages > ERA_PAGES or self._bytes > ERA_BYTES:
            raise BudgetError(
                f"more in the databases of its agents than the {ERA_PAGES} pages and {ERA_BYTES} bytes that are read: "
                "whether its sessions are in them can't be known"
            )


def has_session_table(path: str, cost: _Cost | None = None) -> bool:
    """Return whether the file at `path` is an SQLite database with a table `session_nodes` in its schema.

    A database that can't be read counts as none. `cost`: of all databases of the root. BudgetError.
    """
    cost = cost or _Cost()
    head = _head(path, 100)
    if len(head) < 100 or not head.startswith(_HEADER):
        return False
    size = int.from_bytes(head[16:18], "big")
    page_size = 65536 if size == 1 else size
    # A young database may still have its whole schema in the write-ahead log.
    if _in_schema_pages(path, page_size, cost):
        return True
    log = _head(f"{path}-wal", MOST_BYTES)
    cost.count(len(log))
    return _TABLE in log


def _databases(root: str) -> list[str]:
    agents = os.path.join(root, "agents")
    return [os.path.join(agents, agent, "agent", "openclaw-agent.sqlite") for agent in agent_ids(root)]


def _head(path: str, size: int) -> bytes:
    content = read_regular(path, size)
    # Larger than `size` is the usual case here: the first bytes are all that is needed.
    return b"" if content.presence in (Presence.ABSENT, Presence.IRREGULAR) else content.raw


def _in_schema_pages(path: str, page_size: int, cost: _Cost) -> bool:
    """Walk the schema's own tree from page 1: in an old database its pages may be anywhere in the file."""
    if page_size < 512:
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    queue, queued = deque([1]), {1}
    try:
        for _ in range(MOST_BYTES // page_size):
            if not queue:
                return False
            number = queue.popleft()
            page = os.pread(descriptor, page_size, (number - 1) * page_size)
            cost.count(len(page), pages=1)
            if _TABLE in page:
                return True
            children = [child for child in _children(page, 100 if number == 1 else 0) if child not in queued]
            queued.update(children)
            queue.extend(children)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _children(page: bytes, start: int) -> list[int]:
    """Return the pages below an interior page of the schema's tree; none for any other page."""
    if len(page) < start + 12 or page[start] != _INTERIOR:
        return []
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    pointers = page[start + 12 : start + 12 + 2 * count]
    offsets = [offset for (offset,) in struct.iter_unpack(">H", pointers[: len(pointers) & ~1])]
    cells = [
        int.from_bytes(page[offset : offset + 4], "big") for offset in offsets if offset + 4 <= len(page)
    ]
    return [child for child in (*cells, int.from_bytes(page[start + 8 : start + 12], "big")) if child > 0]
