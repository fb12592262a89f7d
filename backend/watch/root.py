"""One root followed through time: config, era, gateway, sessions directories, other locks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.model.fleet import GatewayView, LockView, RefusedStart, RootView
from lockdeck.backend.model.gateways import gateway_of, sentences, started_at
from lockdeck.backend.model.releases.exposure import exposure_notes
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.chain import FailoverChain
from lockdeck.backend.model.sources import LogLook, SourceView
from lockdeck.backend.model.trust import Ownership
from lockdeck.backend.openclaw.locks.gatewaylock import expected_lock_paths, gateway_lock_paths, stale_guards
from lockdeck.backend.openclaw.locks.lockfile import cut_off, cut_off_sentence
from lockdeck.backend.openclaw.roots.budgets import LOCKS, STORE_ENTRIES, BudgetError
from lockdeck.backend.openclaw.roots.config import Config, load_config
from lockdeck.backend.openclaw.roots.discovery import Root
from lockdeck.backend.openclaw.roots.environment import config_path
from lockdeck.backend.openclaw.roots.era import era_of, era_signature
from lockdeck.backend.openclaw.roots.faults import RootFault, fault_of_root
from lockdeck.backend.openclaw.roots.layout import other_locks
from lockdeck.backend.openclaw.roots.place import Place, RootPlaces
from lockdeck.backend.openclaw.roots.sessionsdirs import SessionsDir, look_for_sessions
from lockdeck.backend.system.ownership import ownership_of
from lockdeck.backend.system.text import safe
from lockdeck.backend.system.volumes import read_mounts
from lockdeck.backend.watch.chains import ChainOrigin, Chains, signature_of
from lockdeck.backend.watch.directory import WatchedDirectory
from lockdeck.backend.watch.homes import Homes, face_of


class WatchedRoot(Struct):
    """One root as last looked at. Owned by the collector's thread."""

    root: Root
    env: Mapping[str, str]
    config: Config | None = None
    era: str = "files"
    gateway: GatewayView | None = None
    directories: dict[str, WatchedDirectory] = field(default_factory=dict)
    other_locks: tuple[str, ...] = ()
    gateway_paths: tuple[str, ...] = ()
    gateway_locks: tuple[LockView, ...] = ()
    network: bool = False
    fault: RootFault | None = None
    hidden: tuple[str, ...] = ()
    gateway_started_at: float | None = None
    logged_version: Version | None = None
    gateway_version: Version | None = None
    access_problem: str | None = None
    log_looks: tuple[LogLook, ...] = ()
    ownership: Ownership = Ownership()
    _entries: int = 0
    _locks: int = 0
    _foreign: tuple[str, ...] = ()
    _expected: tuple[str, ...] = ()
    _guards: tuple[str, ...] = ()
    _cut_off: tuple[str, ...] = ()
    chains: Chains = field(default_factory=Chains)
    _era_signature: tuple[object, ...] | None = None
    _undecided: str | None = None
    _homes: Homes | None = None
    _config_signature: tuple[object, ...] | None = None

    @property
    def path(self) -> str:
        """The root's path."""
        return self.root.path

    @property
    def confined(self) -> bool:
        """Whether readers follow no link in it: others decide where it leads."""
        return self.ownership.confined

    def refresh(self) -> None:
        """Look at everything but the contents of the sessions directories. Raises nothing."""
        self.fault = fault_of_root(self.path)
        self._refresh_config()
        self._refresh_ownership()
        self._refresh_era()
        self._refresh_directories()
        self.network = self._reaches_others()
        self._list_other_locks()
        self._find_gateway_locks()
        self.chains.refresh(self._origin_of_chains)

    def refresh_directory(self, directory: WatchedDirectory) -> None:
        """Look again at one of the sessions directories, within what those of one root may hold together."""
        entries = self._entries - len(directory.store.entries)
        locks = self._locks - len(directory.locks)
        face = face_of(directory)
        directory.refresh(STORE_ENTRIES - entries, LOCKS - len(self.other_locks) - locks)
        if face_of(directory) != face:
            self._homes = None
        self._entries = entries + len(directory.store.entries)
        self._locks = locks + len(directory.locks)

    @property
    def homes(self) -> Homes:
        """All sessions directories taken together; read once while none of them changes."""
        if self._homes is None:
            self._homes = Homes.of(self.directories.values())
        return self._homes

    @property
    def version(self) -> Version | None:
        """The OpenClaw version of this root, None where nothing tells: by its gateway, its log, its config."""
        logged = self.logged_version if self.fits_era(self.logged_version) else None
        return self.gateway_version or logged or (self.config.version if self.config else None)

    @property
    def config_signature(self) -> tuple[object, ...] | None:
        """A value that changes whenever a file of the configuration does."""
        return self._config_signature

    def chain_for(self, agent: str) -> FailoverChain:
        """Return what a run of `agent` tries, as configured."""
        return self.chains.of(agent, self._origin_of_chains)

    @property
    def _origin_of_chains(self) -> ChainOrigin:
        return ChainOrigin(self.path, self.config, self._config_signature, self.version, self.confined)

    @property
    def places(self) -> RootPlaces:
        """All that the places of this root have in common."""
        return self.root.places(self.era)

    def other_places(self) -> list[Place]:
        """Return the locks outside the sessions directories: shown, never releasable."""
        places = self.places
        return [
            *(
                places.lock(path, _agent_in(path))
                for path in self.other_locks
                if os.path.dirname(path) not in self.directories
            ),
            *map(places.gateway_lock, self.gateway_paths),
        ]

    def expected_gateway_locks(self) -> list[Place]:
        """Return where gateway locks of this root may have been removed from."""
        return [*map(self.places.gateway_lock, self._expected)]

    def take_gateway_locks(self, locks: tuple[LockView, ...], now: float) -> None:
        """Take up the verdicts on this root's gateway locks: they say which gateway serves it and whether it lives."""
        self.gateway_locks, self._guards = locks, stale_guards(self.path, now)
        folders = (folder for directory in self.directories.values() for folder in directory.work_folders)
        self._cut_off = tuple(folder for folder in folders if cut_off(folder, now))
        self.gateway = gateway_of(locks, self.config.gateway_port if self.config else None)
        if self.gateway is not None:
            self.gateway_started_at = started_at(locks)

    def view(
        self,
        live: bool,
        refused: RefusedStart | None = None,
        polled: Sequence[str] = (),
        sources: tuple[SourceView, ...] = (),
    ) -> RootView:
        """Return the root as a snapshot shows it.

        `live`: file events are coming; `polled` says why they don't of all that belongs to it.
        """
        version = str(self.version) if self.version else None
        lost = [source.lost for source in sources if source.lost is not None]
        problems = self._problems()
        return RootView(
            path=self.path,
            era=self.era,
            gateway=replace(self.gateway, version=version) if self.gateway else None,
            watch="live" if live and not self.network and not polled else "polling",
            problems=(
                *problems,
                *(sentence for sentence in map(safe, lost) if sentence not in problems),
                *map(safe, polled),
                *map(safe, sentences(self.gateway_locks, refused)),
                *self._guard_problems(),
                *map(cut_off_sentence, self._cut_off),
            ),
            version=version,
            refused_start=refused,
            unseen=bool(lost) or (self.fault is not None and self.fault.unseen),
            vouch=self.root.vouch,
            ownership=self.ownership,
            sources=sources,
        )

    def exposures(self) -> tuple[str, ...]:
        """Say once what this root's version is exposed to, and which first version behaves better."""
        return tuple(exposure_notes(self.version)) if self.version else ()

    def fits_era(self, version: Version | None) -> bool:
        """Return whether a version keeps sessions as this root does; a log may be that of another root's gateway."""
        return version is not None and traits_of(version).session_store == self.era

    def hidden_stores(self) -> Iterator[str]:
        """Yield what hides sessions or locks of this root, beside the folders that are there and can't be read."""
        if self.fault is not None and self.fault.unseen:
            yield str(self.fault.sentence)
        yield from self.hidden
        yield from map(str, map(cut_off_sentence, self._cut_off))
        if self.config is not None:
            yield from map(str, filter(None, (self.config.problem, self.config.unknown_store)))
            yield from map(str, self.config.hidden)

    def _problems(self) -> list[str]:
        problems = [str(self.fault.sentence)] if self.fault else []
        problems += [self.ownership.sentence] if self.ownership.sentence else []
        problems += self._foreign
        problems += [self.access_problem] if self.access_problem else []
        problems += self.hidden
        if self.config is not None and self.config.problem:
            problems.append(str(self.config.problem))
        if self.config is not None:
            problems += [str(note) for note in (*self.config.hidden, *self.config.notes)]
        return [*problems, *self.homes.problems]

    def _refresh_config(self) -> None:
        path = config_path(self.path, self.env)
        files = self.config.files if self.config and self.config.path == path else ()
        signature = tuple(map(signature_of, files))
        if signature != self._config_signature or not files:
            self.config = load_config(self.path, self.env, self.root.vouch.owners)
            self._config_signature = tuple(map(signature_of, self.config.files))

    def _refresh_era(self) -> None:
        signature = era_signature(self.path)
        if signature == self._era_signature:
            return
        self._era_signature, self._undecided = signature, None
        try:
            self.era = era_of(self.path)
        except BudgetError as error:
            self.era, self._undecided = "files", f"{safe(self.path)} has {error}"

    def _refresh_ownership(self) -> None:
        """Take up whose the root is now; a config that is another's makes the whole root so."""
        self.ownership = ownership_of(self.path, self.root.vouch.owners)
        if self.ownership.ours and self.config is not None:
            self.ownership = self.config.ownership

    def _refresh_directories(self) -> None:
        config = self.config or Config(self.path)
        present, hidden = look_for_sessions(self.path, config)
        self.hidden = (*filter(None, (self._undecided,)), *map(str, hidden))
        self._foreign = tuple(self._foreign_directories(present)) if self.ownership.ours else ()
        previous = self.directories
        self.directories, self._homes = {}, None
        for where in present:
            directory = previous.get(where.path) or WatchedDirectory(where)
            directory.where = where
            self.directories[where.path] = directory
        self._entries = sum(len(directory.store.entries) for directory in self.directories.values())
        self._locks = sum(len(directory.locks) for directory in self.directories.values())

    def _reaches_others(self) -> bool:
        """Return whether any of it is on a drive that others serve: there no file events come.

        To ask for them there would block while that drive does not answer; watchfiles (1.3.0) stops this whole process then.
        """
        mounts = read_mounts()
        return any(map(mounts.reach_others, (os.path.join(self.path, "agents"), *self.directories)))

    def _list_other_locks(self) -> None:
        locks = other_locks(self.path, confined=self.confined)
        if len(locks) > LOCKS:
            sentence = f"{safe(self.path)} has {len(locks)} locks beside its sessions, more than the {LOCKS} that are looked at"
            self.hidden, locks = (*self.hidden, sentence), []
        self.other_locks = tuple(locks)

    def _foreign_directories(self, present: Sequence[SessionsDir]) -> Iterator[str]:
        """Yield a sentence for each sessions directory of this root that is not ours although the root is."""
        for where in present:
            if where.suspect:
                ownership = ownership_of(where.path, self.root.vouch.owners, root=self.path)
                if ownership.sentence is not None:
                    yield ownership.sentence

    def _find_gateway_locks(self) -> None:
        try:
            uid = os.stat(self.path).st_uid
        except OSError:
            self.gateway_paths, self._expected = (), ()
            return
        where = (self.path, self.config.path if self.config else "", self.env, uid)
        self.gateway_paths, self._expected = gateway_lock_paths(*where), expected_lock_paths(*where)

    def _guard_problems(self) -> Iterator[str]:
        for path in self._guards:
            yield (
                f"{safe(path)} is left from a takeover of the gateway lock that was cut off: while it stands "
                "OpenClaw can't take a stale lock over (openclaw#138657)"
            )


def _agent_in(path: str) -> str | None:
    parts = path.split(os.sep)
    return parts[parts.index("agents") + 1] if "agents" in parts[:-2] else None
