"""The links of a root that its readers follow: all, none, or those of its owner to what is their own."""

from __future__ import annotations

import os

from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.environment import real
from lockdeck.backend.system.ownership import ownership_of


def fault_of_vouched(store: str, root: str, config: Config) -> str | None:
    """Say why a directory with a store is not looked into, in a root that is only vouched for; None elsewhere."""
    if not config.ownership.vouched:
        return None
    return ownership_of(os.path.dirname(store), config.owners, root=root).fault


def may_link(store_path: str, config: Config) -> bool:
    """Return whether a store may be a link: in a root that is ours, and where only vouched for, to a file of theirs."""
    if not config.ownership.vouched:
        return config.ownership.ours
    return ownership_of(store_path, config.owners).ours


def start_of(root: str, directory: str) -> str:
    """Return from where on no link may lead to a store: the root, or for a store elsewhere its own directory."""
    start = real(root)
    return start if directory.startswith(start + os.sep) else directory
