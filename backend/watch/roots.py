"""All roots that are watched, and the paths that can't be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from lockdeck.backend.model.fleet import RefusedStart, RootView
from lockdeck.backend.model.gateways import refused_start
from lockdeck.backend.model.runs.events import GatewayRefused
from lockdeck.backend.model.sources import SourceKind, SourceState, SourceView
from lockdeck.backend.openclaw.roots.discovery import Discovery, LookAll, Unusable
from lockdeck.backend.openclaw.roots.faults import RootFault, silent_root
from lockdeck.backend.system.patience import PatientCalls
from lockdeck.backend.watch.root import WatchedRoot

T = TypeVar("T")


class WatchedRoots:
    """The roots by path, each followed through time. Owned by the collector's thread.

    What touches the files of a root is a step that is made for each of them (`each`), within a time: a root whose file
    system does not answer is late, and none of the others waits for it any longer.
    """

    def __init__(
        self, discover: Callable[[LookAll], Discovery], env: Mapping[str, str], patience: PatientCalls
    ) -> None:
        self._discover = discover
        self._env = env
        self._patience = patience
        self._unusable: tuple[Unusable, ...] = ()
        self._late: set[str] = set()
        self.known: dict[str, WatchedRoot] = {}
        self.discovery = self._take_up()

    @property
    def by_path(self) -> dict[str, WatchedRoot]:
        """The roots whose files answer, by path."""
        return {path: root for path, root in self.known.items() if path not in self._late}

    @property
    def all(self) -> list[WatchedRoot]:
        """The same in the order in which they were found."""
        return list(self.by_path.values())

    @property
    def directory_paths(self) -> set[str]:
        """The paths of the sessions directories of all roots that are known."""
        return {path for root in self.known.values() for path in root.directories}

    def watches(self, directory: str) -> bool:
        """Return whether a path is that of a sessions directory of a root that is known."""
        return any(directory in root.directories for root in self.known.values())

    def refresh(self) -> None:
        """Discover again, and look at everything but the contents of the sessions directories."""
        self._take_up()
        self._late = set()
        self.each(WatchedRoot.refresh)

    def each(self, step: Callable[[WatchedRoot], T]) -> dict[str, T]:
        """Make a step with each root and return the answers by path; a root that does not answer is late from here on.

        It stays so until a full look in which it answers.
        """
        roots = self.by_path
        answers = self._patience.run_all({path: partial(step, root) for path, root in roots.items()})
        self._late.update(roots.keys() - answers.keys())
        return answers

    def each_alone(self, step: Callable[[WatchedRoot], T]) -> dict[str, T]:
        """Make a step with one root after the other, and never with two at once: it changes what roots share."""
        answers: dict[str, T] = {}
        for path, root in self.by_path.items():
            answers |= self._patience.run_all({path: partial(step, root)})
        self._late.update(self.by_path.keys() - answers.keys())
        return answers

    def only_of_era(self, root: WatchedRoot) -> bool:
        """Return whether no other root of its era is watched, so that what names no root is about this one."""
        return [watched.era for watched in self.known.values()].count(root.era) == 1

    def refused_start(
        self, root: WatchedRoot, refusals: Sequence[GatewayRefused], now: float
    ) -> RefusedStart | None:
        """Return the gateway starts that were lately refused because of a root's gateway."""
        port = root.gateway.port if root.gateway else None
        return refused_start(refusals, root.gateway_locks, port, self.only_of_era(root), now)

    def unusable_views(self, live: bool) -> Iterable[RootView]:
        """Yield the paths that can't be used, as a snapshot shows them."""
        watch = "live" if live else "polling"
        for path, fault in self._faults():
            sentence = str(fault.sentence)
            lost = sentence if fault.unseen else None
            store = SourceView(SourceKind.STORE, path, SourceState.REFUSED, None, lost)
            yield RootView(path, "files", None, watch, (sentence,), unseen=fault.unseen, sources=(store,))

    def _faults(self) -> Iterator[tuple[str, RootFault]]:
        yield from ((path, silent_root(path)) for path in sorted(self._late))
        yield from ((entry.path, entry.fault) for entry in self._unusable)

    def _take_up(self) -> Discovery:
        """Take up new roots. A root that vanished stays, with its problem: it was watched, and people look.

        So does a path that was required and can't be used, and one where there may be something to see.
        """
        discovery = self._discover(self._patience.run_all)
        for root in discovery.roots:
            if root.path not in self.known:
                self.known[root.path] = WatchedRoot(root, self._env)
        self._unusable = tuple(
            entry
            for entry in discovery.unusable
            if (entry.required or entry.fault.unseen) and entry.path not in self.known
        )
        return discovery
