"""The gateway's single-instance lock: which process serves a root, with which config, on which port."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from backend.model.locks import Presence
from backend.openclaw.files import read_regular
from backend.openclaw.lockfile import epoch_of, whole

CAP_BYTES = 64 * 1024
MOST_LOCKS = 256
"""No more locks of one directory are looked at; a host has one per config file."""


@dataclass(frozen=True, slots=True)
class GatewayLock:
    """What a gateway says about itself; whether that process is alive is not known from here.

    `start_ticks`: clock ticks since boot, Linux only. `created_at`: epoch seconds. `port` is written from
    2026.7 on (seen on 2026.7.35).
    """

    path: str
    pid: int
    start_ticks: int | None
    created_at: float | None
    config_path: str
    port: int | None


def read_gateway_lock(root: str, config_path: str, env: Mapping[str, str], uid: int) -> GatewayLock | None:
    """Return the lock of the gateway that serves `root` with `config_path`; None where there is none.

    `uid` is the gateway's user, as a rule the owner of the root: nothing of another user is believed. Up to
    2026.7 the lock is in `<tmp>/openclaw-<uid>`, from 2026.8 in `<root>/tmp/openclaw-<uid>`; its name has the
    first eight hex digits of the SHA-256 of the config path as the gateway spells it. Raises nothing.
    """
    wanted = {_real(config_path)}
    found = (
        lock
        for directory in lock_directories(root, env, uid)
        for path in _lock_paths(directory, uid, config_path)
        if (lock := _read(path, uid)) is not None and _real(lock.config_path) in wanted
    )
    return max(found, key=lambda lock: lock.created_at or 0.0, default=None)


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
        names = sorted(name for name in os.listdir(directory) if _is_gateway_lock(name))
    except (OSError, ValueError):
        return ()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid:
        return ()  # anybody may make this name in /tmp
    digest = hashlib.sha256(os.fsencode(config_path)).hexdigest()[:8]
    names.sort(key=lambda name: name != f"gateway.{digest}.lock")
    return [os.path.join(directory, name) for name in names[:MOST_LOCKS]]


def _is_gateway_lock(name: str) -> bool:
    return name.startswith("gateway.") and name.endswith(".lock")


def _read(path: str, uid: int) -> GatewayLock | None:
    found = read_regular(path, CAP_BYTES)
    if found.presence is not Presence.FILE or found.stat is None or found.stat.st_uid != uid:
        return None
    try:
        value = msgspec.json.decode(found.raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return _gateway_lock(path, value) if isinstance(value, dict) else None


def _gateway_lock(path: str, value: dict[str, Any]) -> GatewayLock | None:
    pid, config_path = whole(value.get("pid"), 1), value.get("configPath")
    # From 2026.8 on embedded agents and maintenance take locks of the same name; they serve nobody.
    if pid is None or not isinstance(config_path, str) or value.get("role", "gateway") != "gateway":
        return None
    port = whole(value.get("port"), 1)
    return GatewayLock(
        path=path,
        pid=pid,
        start_ticks=whole(value.get("startTime"), 0),
        created_at=epoch_of(value.get("createdAt")),
        config_path=config_path,
        port=port if port is not None and port < 65536 else None,
    )


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path
