"""The gateway's single-instance lock: which process serves a root, with which config, on which port."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeGuard

import msgspec
from msgspec import Struct

from lockdeck.backend.model.digest import sha256
from lockdeck.backend.model.locks import LockKind, Presence
from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.openclaw.files import is_possible_path, read_regular
from lockdeck.backend.openclaw.locks.lockfile import epoch_of, role_of, whole_number
from lockdeck.backend.openclaw.roots.environment import real, same_place
from lockdeck.backend.openclaw.roots.layout import lock_kind

CAP_BYTES = 64 * 1024
MOST_LOCKS = 256
"""No more locks of one directory are looked at; a host has one per config file."""
GUARD_S = 30.0
"""OpenClaw takes a lock over in milliseconds: a mark of it older than this (seconds) was left behind."""
_GUARD = late_pattern(r"gateway\.[\w-]{1,80}\.lock\.reclaim")


class GatewayLock(Struct, frozen=True):
    """The word of an owner about itself; whether that process is alive is not known from here.

    `start_ticks`: clock ticks since boot, Linux only. `created_at`: epoch seconds. `port` is written from
    2026.7 on (seen on 2026.7.35), `state_dir` and `role` from 2026.8 on (seen on 2026.9.6); `role` is None
    for a gateway.
    """

    path: str
    pid: int
    start_ticks: int | None
    created_at: float | None
    config_path: str
    port: int | None
    role: str | None = None
    state_dir: str | None = None


def serving_gateway_lock(root: str, config_path: str, env: Mapping[str, str], uid: int) -> GatewayLock | None:
    """Return the lock of the gateway that serves `root` with `config_path`; None where there is none.

    `uid` is the gateway's user, as a rule the owner of the root: nothing of another user is believed. Up to
    2026.7 the lock is in `<tmp>/openclaw-<uid>`, from 2026.8 in `<root>/tmp/openclaw-<uid>`; its name has the
    first eight hex digits of the SHA-256 of the config path as the gateway spells it. Raises nothing.
    """
    locks = (gateway_lock_at(path, uid) for path in gateway_lock_paths(root, config_path, env, uid))
    # From 2026.8 on embedded agents and maintenance take locks of the same name; they serve nobody.
    serving = [lock for lock in locks if lock is not None and lock.role is None]
    return max(serving, key=lambda lock: lock.created_at or 0.0, default=None)


def gateway_lock_paths(root: str, config_path: str, env: Mapping[str, str], uid: int) -> tuple[str, ...]:
    """Return every gateway lock of a root, whoever took it and whether or not it can be read, without duplicates.

    2026.8 and later have two: one for the config and one for the state (`gateway.state.lock`).
    """
    paths = (
        path
        for directory in lock_directories(root, env, uid)
        for path in _lock_paths(directory, uid, config_path)
        if is_lock_of_root(path, root, config_path, uid)
    )
    return tuple(dict.fromkeys(paths))


def is_lock_of_root(path: str, root: str, config_path: str, uid: int | None = None) -> bool:
    """Return whether a gateway lock is of this root: by what it says, else by its place and name. Raises nothing."""
    lock = gateway_lock_at(path, uid)
    in_root = os.path.dirname(real(os.path.dirname(path))) == os.path.join(real(root), "tmp")
    if lock is None:
        return in_root or os.path.basename(path) == f"gateway.{_digest(config_path)}.lock"
    if lock.state_dir is not None:
        return same_place(lock.state_dir, root)
    return in_root or same_place(lock.config_path, config_path)


def expected_lock_paths(root: str, config_path: str, env: Mapping[str, str], uid: int) -> tuple[str, ...]:
    """Return where gateways of a root put their locks, links resolved, whether or not any stands there now."""
    directories = [real(directory) for directory in lock_directories(root, env, uid)]
    name = f"gateway.{_digest(config_path)}.lock"
    return (
        *(os.path.join(directory, name) for directory in directories),
        os.path.join(directories[0], "gateway.state.lock"),
    )


def stale_guards(root: str, now: float) -> tuple[str, ...]:
    """Return the marks of takeovers that have not ended within `GUARD_S` (`….lock.reclaim`, 2026.8 and later).

    While one stands OpenClaw takes no stale lock of that name over (openclaw#138657; read in 2026.9.6).
    """
    try:
        directory = os.path.join(root, "tmp", f"openclaw-{os.stat(root).st_uid}")
        names = sorted(os.listdir(directory))[:MOST_LOCKS]
    except (OSError, ValueError):
        return ()
    paths = (os.path.join(directory, name) for name in names if _GUARD.fullmatch(name))
    return tuple(path for path in paths if _stands_since(path, now) >= GUARD_S)


def _stands_since(path: str, now: float) -> float:
    try:
        return now - os.lstat(path).st_mtime
    except OSError:
        return 0.0


def lock_directories(root: str, env: Mapping[str, str], uid: int) -> tuple[str, ...]:
    """Return where gateways of `uid` may keep their lock, without duplicates."""
    bases = [os.path.join(root, "tmp"), *_tmp_directories(env)]
    return tuple(dict.fromkeys(os.path.join(base, f"openclaw-{uid}") for base in bases))


def _tmp_directories(env: Mapping[str, str]) -> Iterator[str]:
    """Yield what Node's `os.tmpdir()` may have been for a gateway started by another shell or service."""
    yield from (
        env[name].rstrip("/") for name in ("TMPDIR", "TMP", "TEMP") if env.get(name, "").startswith("/")
    )
    yield "/tmp"  # noqa: S108  a place to look at, nothing is written there
    if "CS_DARWIN_USER_TEMP_DIR" in os.confstr_names:
        darwin = os.confstr("CS_DARWIN_USER_TEMP_DIR")
        if darwin:
            yield darwin.rstrip("/")


def _lock_paths(directory: str, uid: int, config_path: str) -> Iterable[str]:
    """Return the gateway locks in `directory`, the one this config should have first."""
    try:
        status = os.lstat(directory)
        paths = [os.path.join(directory, name) for name in sorted(os.listdir(directory))]
    except (OSError, ValueError):
        return ()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid:
        return ()  # anybody may make this name in /tmp
    expected = os.path.join(directory, f"gateway.{_digest(config_path)}.lock")
    locks = [path for path in paths if lock_kind(path) is LockKind.GATEWAY]
    return sorted(locks, key=lambda path: path != expected)[:MOST_LOCKS]


def gateway_lock_at(path: str, uid: int | None = None) -> GatewayLock | None:
    """Read one lock; None where it says nothing that can be used, or is not a file of `uid`. Raises nothing."""
    content = read_regular(path, CAP_BYTES)
    if content.presence is not Presence.FILE or content.stat is None:
        return None
    if uid is not None and content.stat.st_uid != uid:
        return None
    try:
        value = msgspec.json.decode(content.raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return _gateway_lock(path, value) if isinstance(value, dict) else None


def _gateway_lock(path: str, value: dict[str, Any]) -> GatewayLock | None:
    pid, config_path = whole_number(value.get("pid"), 1), value.get("configPath")
    if pid is None or not isinstance(config_path, str) or not is_possible_path(config_path):
        return None
    port, state_dir = whole_number(value.get("port"), 1), value.get("stateDir")
    return GatewayLock(
        path=path,
        pid=pid,
        start_ticks=whole_number(value.get("startTime"), 0),
        created_at=epoch_of(value.get("createdAt")),
        config_path=config_path,
        port=port if port is not None and port < 65536 else None,
        role=role_of(value),
        state_dir=state_dir if _is_absolute(state_dir) else None,
    )


def _is_absolute(path: object) -> TypeGuard[str]:
    return isinstance(path, str) and os.path.isabs(path) and is_possible_path(path)


def _digest(config_path: str) -> str:
    return sha256(os.fsencode(config_path)).hexdigest()[:8]
