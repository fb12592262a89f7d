"""Which root and sessions directory a given lock path belongs to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.openclaw.locks.evidence import Place
from lockdeck.backend.openclaw.locks.gatewaylock import belongs, read_claim
from lockdeck.backend.openclaw.roots.config import load_config
from lockdeck.backend.openclaw.roots.environment import config_path
from lockdeck.backend.openclaw.roots.era import era_of
from lockdeck.backend.openclaw.roots.layout import (
    SessionsDir,
    discover_roots,
    lock_kind,
    sessions_dirs,
    why_not_a_root,
)


def place_of(
    path: str, env: Mapping[str, str], vouched: Callable[[str], bool | None] = lambda _root: None
) -> Place:
    """Find where a lock belongs; a lock in no known sessions directory gets kind `other`: only ever shown.

    `vouched(root)` is True where the user vouches that all writers of that root share our pid namespace.
    """
    directory, name = os.path.split(os.path.abspath(path))
    real = os.path.join(os.path.realpath(directory), name)
    if lock_kind(real) is LockKind.GATEWAY:
        return _gateway_place(real, env, vouched)
    for root in _candidates(real, env):
        found = _in_root(real, root, env)
        if found is not None:
            kind = lock_kind(real) if found.path == os.path.dirname(real) else LockKind.OTHER
            return Place(real, root, found.agent, kind, era_of(root), vouched(root))
    return Place(real, os.path.dirname(real), None, LockKind.OTHER)


def _gateway_place(path: str, env: Mapping[str, str], vouched: Callable[[str], bool | None]) -> Place:
    """Find the root that a gateway lock is of: what it says itself comes first."""
    claim = read_claim(path)
    told = (claim.state_dir, os.path.dirname(claim.config_path)) if claim else ()
    for root in dict.fromkeys(
        [*(root for root in told if root and os.path.isabs(root)), *_candidates(path, env)]
    ):
        if why_not_a_root(root) is None and belongs(path, root, config_path(root, env)):
            return Place(path, root, None, LockKind.GATEWAY, era_of(root), vouched(root))
    return Place(path, os.path.dirname(path), None, LockKind.GATEWAY)


def _candidates(path: str, env: Mapping[str, str]) -> list[str]:
    """Roots above the path, nearest first, then the usual ones (a custom store lies outside its root)."""
    above = []
    directory = os.path.dirname(path)
    while directory != os.path.dirname(directory):
        directory = os.path.dirname(directory)
        if why_not_a_root(directory) is None:
            above.append(directory)
    usual = [root.path for root in discover_roots(env, os.path.expanduser("~"), ()).roots]
    return list(dict.fromkeys([*above, *usual]))


def _in_root(path: str, root: str, env: Mapping[str, str]) -> SessionsDir | None:
    directories = sessions_dirs(root, load_config(root, env))
    return next((found for found in directories if found.path == os.path.dirname(path)), None)
