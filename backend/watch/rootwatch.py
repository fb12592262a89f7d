"""One root followed through time: config, era, gateway, sessions directories, other locks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from backend.model.chain import FailoverChain
from backend.model.fleet import GatewayView, RootView
from backend.model.locks import Liveness
from backend.model.policy import exposure_notes
from backend.model.versions import FIRST_WITHOUT_LOCK_FILES, Version
from backend.openclaw.config import Config, load_config
from backend.openclaw.era import era_of, era_signature
from backend.openclaw.evidence import Place
from backend.openclaw.failover import read_profiles
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
    gateway_started_at: float | None = None
    logged: Version | None = None
    told: Version | None = None
    access: str | None = None
    _chains: dict[str, FailoverChain] = field(default_factory=dict)
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
        self._chains.clear()

    @property
    def version(self) -> Version | None:
        """The OpenClaw version of this root, None where nothing tells: by its gateway, its log, its config."""
        logged = self.logged if self.fits_era(self.logged) else None
        return self.told or logged or (self.config.version if self.config else None)

    @property
    def config_signature(self) -> tuple[object, ...] | None:
        """What changes whenever the configuration file does."""
        return self._config_seen

    def chain_for(self, agent: str) -> FailoverChain:
        """Return what a run of `agent` tries, as configured; read once per refresh."""
        if agent not in self._chains:
            stored = read_profiles(self.path, agent)
            self._chains[agent] = self.config.chain_for(agent, stored) if self.config else FailoverChain()
        return self._chains[agent]

    def other_places(self) -> list[Place]:
        """Return the locks outside the sessions directories: shown, never releasable."""
        return [
            Place(path, self.path, _agent_in(path), lock_kind(path), self.era, self.own_namespace)
            for path in self.others
            if os.path.dirname(path) not in self.directories
        ]

    def view(self, live: bool) -> RootView:
        """Return the root as a snapshot shows it; `live`: file events are coming."""
        version = str(self.version) if self.version else None
        return RootView(
            path=self.path,
            era=self.era,
            gateway=replace(self.gateway, version=version) if self.gateway else None,
            watch="live" if live and not self.network else "polling",
            problems=tuple(self._problems()),
            version=version,
        )

    def exposures(self) -> tuple[str, ...]:
        """Say once what this root's version is exposed to, and which first version behaves better."""
        return exposure_notes(self.version) if self.version else ()

    def fits_era(self, version: Version | None) -> bool:
        """Whether a version keeps sessions as this root does; a log may be that of another root's gateway."""
        return version is not None and (version >= FIRST_WITHOUT_LOCK_FILES) == (self.era == "sqlite")

    def _problems(self) -> list[str]:
        found = [problem for problem in (self.problem, self.access) if problem]
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
            where.path: known[where.path] if where.path in known else Directory(where, self.path)
            for where in found
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
        started = _started_at(lock)
        self.gateway_started_at = started
        return GatewayView(lock.pid, None, lock.port or config.gateway_port, started is not None)


def _started_at(lock: GatewayLock) -> float | None:
    """Return when the gateway of a lock started, epoch seconds; None when that process is gone or another."""
    look = processes.look(lock.pid)
    if look.liveness is not Liveness.ALIVE:
        return None
    if look.identity is None:
        return lock.created_at or 0.0
    ticks = look.identity.start_ticks
    same = lock.start_ticks is None or ticks is None or ticks == lock.start_ticks
    return look.identity.started_at if same else None


def _signature(path: str) -> tuple[object, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (path, found.st_ino, found.st_size, found.st_mtime_ns)


def _agent_in(path: str) -> str | None:
    parts = path.split(os.sep)
    return parts[parts.index("agents") + 1] if "agents" in parts[:-2] else None
