"""The links of a root that its readers follow: all, none, or those of its owner to what is their own."""

from __future__ import annotations

import os

from lockdeck.backend.openclaw.files import NO_LINKS
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.environment import real
from lockdeck.backend.system.ownership import ownership_of


def link_below(root: str, path: str) -> str | None:
    """Return the first link on the way from `root` down to `path`; None where there is none, or `path` is elsewhere."""
    inner = os.path.relpath(path, root)
    if inner == os.curdir or inner.startswith(os.pardir):
        return None
    where = root
    for name in inner.split(os.sep):
        where = os.path.join(where, name)
        if os.path.islink(where):
            return where
    return None


def why_not_followed(store: str, root: str, config: Config) -> str | None:
    """Say why the directory of a store is not looked into, since a link leads there that is not followed; None: it is."""
    folder = os.path.dirname(store)
    if not config.ownership.ours:
        link = link_below(root, folder)
        return None if link is None else f"{link}: {NO_LINKS}"
    return ownership_of(folder, config.owners, root=root).fault if config.ownership.vouched else None


def may_link(store_path: str, config: Config) -> bool:
    """Return whether a store may be a link: in a root that is ours, and where only vouched for, to a file of theirs."""
    if not config.ownership.vouched:
        return config.ownership.ours
    return ownership_of(store_path, config.owners).ours


def start_of(root: str, directory: str) -> str:
    """Return from where on no link may lead to a store: the root, or for a store elsewhere its own directory."""
    start = real(root)
    return start if directory.startswith(start + os.sep) else directory
