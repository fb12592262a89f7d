"""One root followed through time: config, era, gateway, sessions directories, other locks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.model.fleet import GatewayView, RootView
from backend.model.locks import Liveness
from backend.model.policy import exposure_notes
from backend.openclaw.config import Config, load_config
from backend.openclaw.era import era_of, era_signature
from backend.openclaw.evidence import Place
from backend.openclaw.gatewaylock import GatewayLock, read_gateway_lock
from backend.openclaw.layout import Root, lock_kind, other_locks, sessions_dirs, why_not_a_root
from backend.system import processes
from backend.system.volumes import volume_of
from backend.watch.directory import Directory


@dataclass(slots=True)
class RootWatch:
    """What is known of one root. Owned by the collector's thread."""

    root: Root
    env: Mapping[str, str]
    own_namespace: bool | None = None
    config: Config | None = None
    era: str = "files"
    gateway: GatewayView | None = None
    directories: dict[str, Directory] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    network: bool = False
    problem: str | None = None
    _era_seen: tuple[object, ...] | None = None
    _config_seen: tuple[object, ...] | None = None

    @property
    def path(self) -> str:
        """The root's path."""
        return self.root.path

    def refresh(self) -> None:
        """Look at everything but the contents of the sessions directories. Raises nothing."""
        why = why_not_a_root(self.path)
        self.problem = str(why) if why else None
        self._refresh_config()
        seen = era_signature(self.path)
        if seen != self._era_seen:
            self._era_seen, self.era = seen, era_of(self.path)
        self.network = volume_of(self.path).kind == "network"
        self._refresh_directories()
        self.others = tuple(other_locks(self.path))
        self.gateway = self._find_gateway()

    def other_places(self) -> list[Place]:
        """Return the locks outside the sessions directories: shown, never releasable."""
        return [
            Place(path, self.path, _agent_in(path), lock_kind(path), self.era, self.own_namespace)
            for path in self.others
            if os.path.dirname(path) not in self.directories
        ]

    def view(self, live: bool) -> RootView:
        """Return the root as a snapshot shows it; `live`: file events are coming."""
        version = self.config.version if self.config else None
        return RootView(
            path=self.path,
            era=self.era,
            gateway=self.gateway,
            watch="live" if live and not self.network else "polling",
            problems=tuple(self._problems()),
            version=str(version) if version else None,
        )

    def exposures(self) -> tuple[str, ...]:
        """Say once what this root's version is exposed to, and which first version behaves better."""
        version = self.config.version if self.config else None
        return exposure_notes(version) if version else ()

    def _problems(self) -> list[str]:
        found = [self.problem] if self.problem else []
        if self.config is not None and self.config.problem:
            found.append(str(self.config.problem))
        if self.config is not None:
            found += [str(note) for note in self.config.notes]
        found += [directory.problem for directory in self.directories.values() if directory.problem]
        return found

    def _refresh_config(self) -> None:
        path = self.config.path if self.config else None
        seen = _signature(path) if path else None
        if self.config is None or seen != self._config_seen or seen is None:
            self.config = load_config(self.path, self.env)
            self._config_seen = _signature(self.config.path)

    def _refresh_directories(self) -> None:
        config = self.config or Config(self.path)
        found = sessions_dirs(self.path, config)
        known = self.directories
        self.directories = {
            where.path: known[where.path] if where.path in known else Directory(where, self.path) for where in found
        }

    def _find_gateway(self) -> GatewayView | None:
        config = self.config
        if config is None:
            return None
        try:
            uid = os.stat(self.path).st_uid
        except OSError:
            return None
        lock = read_gateway_lock(self.path, config.path, self.env, uid)
        if lock is None:
            return None
        version = str(config.version) if config.version else None
        return GatewayView(lock.pid, version, lock.port or config.gateway_port, _is_alive(lock))


def _is_alive(lock: GatewayLock) -> bool:
    look = processes.look(lock.pid)
    if look.liveness is not Liveness.ALIVE:
        return False
    ticks = look.identity.start_ticks if look.identity else None
    return lock.start_ticks is None or ticks is None or ticks == lock.start_ticks


def _signature(path: str) -> tuple[object, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (path, found.st_ino, found.st_size, found.st_mtime_ns)


def _agent_in(path: str) -> str | None:
    parts = path.split(os.sep)
    return parts[parts.index("agents") + 1] if "agents" in parts[:-2] else None
