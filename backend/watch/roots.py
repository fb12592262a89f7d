"""All roots that are watched, and the paths that can't be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from lockdeck.backend.model.fleet import RefusedStart, RootView
from lockdeck.backend.model.gateways import refused_start
from lockdeck.backend.model.runs.events import GatewayRefused
from lockdeck.backend.model.sources import SourceKind, SourceState, SourceView
from lockdeck.backend.openclaw.roots.discovery import Discovery, Unusable
from lockdeck.backend.watch.directory import WatchedDirectory
from lockdeck.backend.watch.root import WatchedRoot


class WatchedRoots:
    """The roots by path, each followed through time. Owned by the collector's thread."""

    def __init__(self, discover: Callable[[], Discovery], env: Mapping[str, str]) -> None:
        self._discover = discover
        self._env = env
        self._unusable: tuple[Unusable, ...] = ()
        self.by_path: dict[str, WatchedRoot] = {}
        self.discovery = self._take_up()

    @property
    def all(self) -> list[WatchedRoot]:
        """The roots, in the order in which they were found."""
        return list(self.by_path.values())

    @property
    def directories(self) -> list[WatchedDirectory]:
        """The sessions directories of all roots; two roots may share a place."""
        return [home for root in self.by_path.values() for home in root.directories.values()]

    @property
    def directory_paths(self) -> set[str]:
        """The paths of all sessions directories."""
        return {path for root in self.by_path.values() for path in root.directories}

    def refresh(self) -> None:
        """Discover again, and look at everything but the contents of the sessions directories."""
        self._take_up()
        for root in self.by_path.values():
            root.refresh()

    def only_of_era(self, root: WatchedRoot) -> bool:
        """Return whether no other root of its era is watched, so that what names no root is about this one."""
        return [watched.era for watched in self.by_path.values()].count(root.era) == 1

    def refused_start(
        self, root: WatchedRoot, refusals: Sequence[GatewayRefused], now: float
    ) -> RefusedStart | None:
        """Return the gateway starts that were lately refused because of a root's gateway."""
        port = root.gateway.port if root.gateway else None
        return refused_start(refusals, root.gateway_locks, port, self.only_of_era(root), now)

    def unusable_views(self, live: bool) -> Iterable[RootView]:
        """Yield the paths that can't be used, as a snapshot shows them."""
        watch = "live" if live else "polling"
        for entry in self._unusable:
            sentence = str(entry.fault.sentence)
            lost = sentence if entry.fault.unseen else None
            store = SourceView(SourceKind.STORE, entry.path, SourceState.REFUSED, None, lost)
            yield RootView(
                entry.path, "files", None, watch, (sentence,), unseen=entry.fault.unseen, sources=(store,)
            )

    def _take_up(self) -> Discovery:
        """Take up new roots. A root that vanished stays, with its problem: it was watched, and people look.

        So does a path that was required and can't be used, and one where there may be something to see.
        """
        discovery = self._discover()
        for root in discovery.roots:
            if root.path not in self.by_path:
                self.by_path[root.path] = WatchedRoot(root, self._env)
        self._unusable = tuple(
            entry
            for entry in discovery.unusable
            if (entry.required or entry.fault.unseen) and entry.path not in self.by_path
        )
        return discovery
