"""Discovery: the OpenClaw roots of this machine, and the root that a lock somebody names belongs to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from msgspec import Struct

from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.trust import Vouch
from lockdeck.backend.openclaw.locks.gatewaylock import gateway_lock_at, is_lock_of_root
from lockdeck.backend.openclaw.roots.budgets import BudgetError
from lockdeck.backend.openclaw.roots.config import load_config
from lockdeck.backend.openclaw.roots.environment import (
    account_home,
    config_path,
    expand,
    home_of,
    real,
    state_dir,
)
from lockdeck.backend.openclaw.roots.era import Era, era_of
from lockdeck.backend.openclaw.roots.faults import RootFault, fault_of_root, silent_root
from lockdeck.backend.openclaw.roots.layout import lock_kind
from lockdeck.backend.openclaw.roots.place import Place, RootPlaces, unknown_place
from lockdeck.backend.openclaw.roots.sessionsdirs import SessionsDir, sessions_dirs
from lockdeck.backend.system.text import SafeText

Vouches = Callable[[str], Vouch]
"""Gives the user's word about the root at a path."""

_PROFILE = late_pattern(r"\.openclaw-[a-z0-9][a-z0-9_-]{0,63}", re.IGNORECASE)


class Root(Struct, frozen=True):
    """One state directory, absolute, links not resolved, and the user's word about it."""

    path: str
    vouch: Vouch

    def places(self, era: str) -> RootPlaces:
        """Return what all places of this root have in common while it is of an era."""
        return RootPlaces(self.path, era, self.vouch.own_namespace, self.vouch.owners)


class Unusable(Struct, frozen=True):
    """A path that can't be used. `required`: by the user or `$OPENCLAW_STATE_DIR`, not only found by us."""

    path: str
    fault: RootFault
    required: bool


class Discovery(Struct, frozen=True):
    """The usable roots, every path that was looked at, and what could not be used."""

    roots: tuple[Root, ...]
    looked_at: tuple[str, ...]
    unusable: tuple[Unusable, ...] = ()

    @property
    def problems(self) -> tuple[tuple[str, SafeText], ...]:
        """The paths that could not be used, as (path, sentence)."""
        return tuple((entry.path, entry.fault.sentence) for entry in self.unusable)


class PathLook(Struct, frozen=True):
    """A look at one path: why it can't be a root, what it leads to, and the user's word about it."""

    fault: RootFault | None
    stands: bool
    real: str
    vouch: Vouch


LookAll = Callable[[Mapping[str, Callable[[], PathLook]]], Mapping[str, PathLook]]
"""Looks at paths, each by its own call, and leaves out those that don't answer."""


def _look_at_all(looks: Mapping[str, Callable[[], PathLook]]) -> dict[str, PathLook]:
    return {path: look() for path, look in looks.items()}


def discover_roots(
    env: Mapping[str, str],
    home: str,
    paths: Sequence[str],
    vouches: Vouches,
    look_all: LookAll = _look_at_all,
) -> Discovery:
    """Find the roots: those at `paths`, else all that the environment and the home directory have.

    Two paths to one place are one root. A required root (in `paths`, or `$OPENCLAW_STATE_DIR`) that can't
    be used is a problem, and so is a default one that exists and can't be used.
    """
    explicit = [expand(path, account_home(env, home)) for path in paths]
    home = home_of(env, home)
    defaults = [] if explicit else list(_default_roots(env, home))
    configured = env.get("OPENCLAW_STATE_DIR", "").strip()
    required = {*explicit, expand(configured, home)} if configured else set(explicit)
    roots: dict[str, Root] = {}
    unusable: list[Unusable] = []
    looked_at = tuple(dict.fromkeys([*explicit, *defaults]))
    looks = look_all({path: partial(_look_at, path, vouches) for path in looked_at})
    for path in looked_at:
        look = looks.get(path)
        if look is None:
            unusable.append(Unusable(path, silent_root(path), required=path in required))
        elif look.fault is None:
            roots.setdefault(look.real, Root(path, look.vouch))
        elif path in required or look.stands:
            unusable.append(Unusable(path, look.fault, required=path in required))
    return Discovery(tuple(roots.values()), looked_at, tuple(unusable))


def _look_at(path: str, vouches: Vouches) -> PathLook:
    fault = fault_of_root(path)
    return PathLook(fault, fault is None or os.path.lexists(path), real(path), vouches(path))


def _default_roots(env: Mapping[str, str], home: str) -> Iterator[str]:
    if env.get("OPENCLAW_STATE_DIR", "").strip():
        yield state_dir(env, home)
    yield os.path.join(home, ".openclaw")
    try:
        names = sorted(os.listdir(home))
    except OSError:
        names = []  # then only the fixed names can be tried
    yield from (os.path.join(home, name) for name in names if _PROFILE.fullmatch(name))
    yield os.path.join(home, ".clawdbot")


def place_of(path: str, env: Mapping[str, str], vouches: Vouches) -> Place:
    """Find where a lock belongs; a lock in no known sessions directory gets kind `other`: only ever shown."""
    directory, name = os.path.split(os.path.abspath(path))
    lock_path = os.path.join(os.path.realpath(directory), name)
    if lock_kind(lock_path) is LockKind.GATEWAY:
        return _gateway_place(lock_path, env, vouches)
    for root in _candidates(lock_path, env, vouches):
        home = _sessions_dir_of(lock_path, root, env)
        if home is not None:
            era = _era_or_none(root)
            return (
                unknown_place(lock_path, LockKind.OTHER)
                if era is None
                else root.places(era).lock(lock_path, home.agent)
            )
    return unknown_place(lock_path, LockKind.OTHER)


def _gateway_place(path: str, env: Mapping[str, str], vouches: Vouches) -> Place:
    """Find the root that a gateway lock is of: what it says itself comes first."""
    lock = gateway_lock_at(path)
    names = (lock.state_dir, os.path.dirname(lock.config_path)) if lock else ()
    named_roots = [_root_at(root, vouches) for root in names if root and os.path.isabs(root)]
    for root in (*named_roots, *_candidates(path, env, vouches)):
        if fault_of_root(root.path) is None and is_lock_of_root(path, root.path, config_path(root.path, env)):
            return root.places(_era_or_none(root) or "files").gateway_lock(path)
    return unknown_place(path, LockKind.GATEWAY)


def _candidates(path: str, env: Mapping[str, str], vouches: Vouches) -> list[Root]:
    """Return the roots above the path, nearest first, then the usual ones (a custom store lies outside its root)."""
    above = []
    directory = os.path.dirname(path)
    while directory != os.path.dirname(directory):
        directory = os.path.dirname(directory)
        if fault_of_root(directory) is None:
            above.append(_root_at(directory, vouches))
    usual = discover_roots(env, os.path.expanduser("~"), (), vouches).roots
    return list(dict.fromkeys([*above, *usual]))


def _era_or_none(root: Root) -> Era | None:
    """Return the era of a root; None where its databases are too many to tell: then its locks are only shown."""
    try:
        return era_of(root.path)
    except BudgetError:
        return None


def _root_at(path: str, vouches: Vouches) -> Root:
    return Root(path, vouches(path))


def _sessions_dir_of(path: str, root: Root, env: Mapping[str, str]) -> SessionsDir | None:
    directories = sessions_dirs(root.path, load_config(root.path, env, root.vouch.owners))
    return next((home for home in directories if home.path == os.path.dirname(path)), None)
