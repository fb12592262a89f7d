"""The places where the log of a root is or may be, and what is seen of each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.sources import LogLook, SourceState
from lockdeck.backend.model.trust import ROOT_UID
from lockdeck.backend.openclaw.log.files import read_end
from lockdeck.backend.openclaw.log.inputs.packing import LONGEST_MARK, why_packed
from lockdeck.backend.openclaw.log.place import LogPlace, named_log, open_log
from lockdeck.backend.openclaw.log.scan import NO_LOG_FILE
from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts
from lockdeck.backend.system.namespaces import shares_our_mounts
from lockdeck.backend.system.ownership import account
from lockdeck.backend.system.text import SafeText, safe
from lockdeck.backend.watch.logs.directory import LogDirectory, logs_in, usual_directories
from lockdeck.backend.watch.root import WatchedRoot

SHAPE_BYTES = 1 << 20
"""So many bytes at the end of a named file are searched for lines of a log, until one was found."""

Inode = tuple[int, int]


def log_directories(owner: int, env: Mapping[str, str]) -> tuple[LogDirectory, ...]:
    """Return where the gateways of a user log to by default, as far as our own environment tells."""
    return usual_directories(owner, env.get("TMPDIR") or _temporary())


def _temporary() -> str:
    import tempfile

    return tempfile.gettempdir()


def console_files(root: str) -> tuple[str, ...]:
    """Return what a service manager keeps of a gateway's console, where it does."""
    paths = (os.path.join(root, "logs", name) for name in ("gateway.log", "gateway.err.log"))
    return tuple(path for path in paths if os.path.exists(path))


def owner_of(root: str) -> int:
    """Return the user whose gateway serves a root: its owner; our own where that can't be seen."""
    try:
        return os.stat(root).st_uid
    except (OSError, ValueError):
        return os.geteuid()


def look_at_named(paths: Sequence[str], logs: set[Inode]) -> tuple[LogLook, ...]:
    """Look at the logs that a person named: they tell of every root. `logs` are files that were found to be some."""
    return tuple(replace(look_at_log(named_log(path), logs), named=True) for path in paths)


def places_of_root(root: WatchedRoot, reported: str | None) -> tuple[LogPlace, ...]:
    """Return where the gateway of a root logs as configured, as it says (`reported`), and its console."""
    configured = root.config.logging_file if root.config else None
    files = [path for path in (configured, reported) if path is not None]
    consoles = (_place(root, path, console=True) for path in console_files(root.path))
    return (*(_place(root, path) for path in files), *consoles)


def _place(root: WatchedRoot, path: str, *, console: bool = False) -> LogPlace:
    """Return the place of a log of a root. Where others say where that is, it has to be below the root or theirs."""
    if not root.confined:
        return LogPlace(path, console, may_link=True)
    path = os.path.normpath(path)
    below = root.path if path.startswith(root.path.rstrip("/") + "/") else None
    return LogPlace(path, console, root.ownership.ours, below, _owners_of_logs(root))


def _owners_of_logs(root: WatchedRoot) -> frozenset[int]:
    """Return whose logs elsewhere may be read for a root of others: its owner's, or those of who is vouched for."""
    if root.ownership.ours:
        return root.root.vouch.owners - {ROOT_UID, os.geteuid()}
    owner, at_fault = owner_of(root.path), root.ownership.uid
    # A root of ours with a config of another's: it is that account which says where the log is.
    return frozenset({owner if owner not in (ROOT_UID, os.geteuid()) or at_fault is None else at_fault})


def look_at_places(root: WatchedRoot, reported: str | None, env: Mapping[str, str]) -> tuple[LogLook, ...]:
    """Look at all places where the gateway of a root logs: as configured, as it says, its console, and by default."""
    configured = root.config.logging_file if root.config else None
    looks = [look_at_log(place) for place in places_of_root(root, reported)]
    if configured is not None and traits_of(root.version).honours_log_file:
        return tuple(looks)
    return (*looks, *_default_looks(root, env))


def look_at_log(place: LogPlace, logs: set[Inode] | None = None) -> LogLook:
    """Look at one file; with `logs`, files known to be logs, also whether it is one. Raises nothing."""
    where = safe(place.path, 4096)
    try:
        descriptor = open_log(place)
    except FileNotFoundError:
        return LogLook(where, SourceState.MISSING, why="there is no such file")
    except (OSError, ValueError) as error:
        return LogLook(where, SourceState.REFUSED, why=_reason(error))
    try:
        status = os.fstat(descriptor)
        if logs is not None and not _is_log(descriptor, status, logs):
            packed = why_packed(os.pread(descriptor, LONGEST_MARK, 0))
            why = NO_LOG_FILE if packed is None else f"no log: {packed}"
            return LogLook(where, SourceState.REFUSED, status.st_mtime, why)
        return LogLook(where, SourceState.READ, status.st_mtime, empty=place.console and not status.st_size)
    except OSError as error:
        return LogLook(where, SourceState.REFUSED, why=_reason(error))
    finally:
        os.close(descriptor)


def _is_log(descriptor: int, status: os.stat_result, logs: set[Inode]) -> bool:
    """Return whether lines at the end of a file have the shape of a log's; an empty file may become one."""
    inode = (status.st_dev, status.st_ino)
    if inode in logs or not status.st_size:
        return True
    raw, counts = read_end(descriptor, SHAPE_BYTES)[0], LineCounts()
    stream = EventStream()
    if not raw.strip():
        return True
    told = sum(1 for _ in (*stream.feed(raw, counts), *stream.finish(counts)))
    if told or counts.of_log:
        logs.add(inode)
    return bool(told) or counts.of_log


def _default_looks(root: WatchedRoot, env: Mapping[str, str]) -> Iterator[LogLook]:
    owner = owner_of(root.path)
    elsewhere = _own_mounts(root)
    for directory in log_directories(owner, env):
        look = _look_into(directory, owner)
        if elsewhere is not None and look.state is SourceState.READ:
            look = replace(look, state=SourceState.STALE, why=elsewhere)
        yield look


def _look_into(directory: LogDirectory, owner: int) -> LogLook:
    """Look at a directory with a log for each day: before today's first line yesterday's is the newest."""
    where, problems = safe(directory.path, 4096), list[SafeText]()
    logs = [look_at_log(place) for place in logs_in(directory, problems)[:2]]
    newest = max(logs, key=lambda look: (look.state is SourceState.READ, look.as_of or 0.0), default=None)
    if newest is not None and newest.state is SourceState.READ:
        return newest
    if newest is not None:
        way = f"run lockdeck as {account(owner)}" if owner != os.geteuid() else "make it readable"
        return replace(newest, why=f"{newest.why}, {way}")
    if problems:
        return LogLook(where, SourceState.REFUSED, why=problems[0].removeprefix(f"{directory.path}: "))
    return LogLook(where, SourceState.MISSING, why="holds no log")


def _own_mounts(root: WatchedRoot) -> str | None:
    """Say that the gateway of a root has a temporary directory of its own (a container, `PrivateTmp`)."""
    gateway = root.gateway
    if gateway is None or not gateway.alive or shares_our_mounts(gateway.pid) is not False:
        return None
    try:
        theirs, ours = os.stat(f"/proc/{gateway.pid}/root/tmp"), os.stat("/tmp")  # noqa: S108  compared only
    except OSError:
        return None
    if (theirs.st_dev, theirs.st_ino) == (ours.st_dev, ours.st_ino):
        return None
    return (
        f"the gateway (pid {gateway.pid}) has a /tmp of its own and logs there: look below "
        f"/proc/{gateway.pid}/root/tmp"
    )


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
