"""What the runs of each agent of a root try, read anew where files, configuration or version are others."""

from __future__ import annotations

import os

from msgspec import Struct, field

from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.chain import FailoverChain
from lockdeck.backend.openclaw.roots.budgets import AGENTS
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.failover import profile_files, read_profiles


class ChainOrigin(Struct, frozen=True):
    """All that chains of one root follow from beside the profiles of its agents.

    `signature` changes whenever a file of the config does; `confined` as for readers of the root.
    """

    root: str
    config: Config | None
    signature: tuple[object, ...] | None
    version: Version | None
    confined: bool

    def read(self, agent: str) -> FailoverChain:
        """Return what a run of an agent tries."""
        stored = read_profiles(self.root, agent, confined=self.confined)
        return self.config.chain_for(agent, stored, self.version) if self.config else FailoverChain()

    def of_agent(self, agent: str) -> object:
        """Return a value that changes whenever what the chain of an agent follows from does."""
        files = map(signature_of, profile_files(self.root, agent))
        return (self.signature, self.version, self.confined, *files)


class Chains(Struct):
    """The chains of a root by agent. `changed` counts how often one came out different."""

    changed: int = 0
    _known: dict[str, tuple[object, FailoverChain]] = field(default_factory=dict)

    def of(self, agent: str, origin: ChainOrigin) -> FailoverChain:
        """Return the chain of an agent as it was at the last refresh."""
        known = self._known.get(agent)
        if known is None:
            if len(self._known) >= AGENTS:
                self._known.clear()
            known = self._known[agent] = (origin.of_agent(agent), origin.read(agent))
        return known[1]

    def refresh(self, origin: ChainOrigin) -> None:
        """Read those again that follow from something else than before."""
        for agent, (before, chain) in self._known.items():
            now = origin.of_agent(agent)
            if now != before:
                self._known[agent] = (now, origin.read(agent))
                self.changed += self._known[agent][1] != chain


def signature_of(path: str) -> tuple[object, ...] | None:
    """Return a value that changes whenever a file does; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    # Owner and mode, too: they say whose it is.
    return (path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_uid, status.st_mode)
