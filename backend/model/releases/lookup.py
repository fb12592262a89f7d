"""Look up what holds in a release, and how well that release itself is known."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Any

from lockdeck.backend.model.releases.table import RELEASES, Traits
from lockdeck.backend.model.releases.trait import Basis, Trait
from lockdeck.backend.model.releases.version import Version


class Coverage(StrEnum):
    """The degree to which a release itself is known; `lockdeck releases` says it in these words."""

    RUN = "run"
    READ = "read"
    PARTLY_READ = "partly read"
    BETWEEN = "between"
    NEWER = "newer"
    OLDER = "older"


@lru_cache(maxsize=64)
def traits_of(version: Version | None) -> Traits:
    """Return what holds in a release; None: the careful reading, for one that is not known.

    A release newer than any that was looked at counts as the newest of them.
    """
    return Traits(version)


def coverage_of(version: Version) -> Coverage:
    """Return how well a release is known itself."""
    for release in RELEASES:
        if release.version == version:
            if release.basis is Basis.SEEN:
                return Coverage.RUN
            return Coverage.PARTLY_READ if release.partly else Coverage.READ
    if version > RELEASES[-1].version:
        return Coverage.NEWER
    return Coverage.OLDER if version < RELEASES[0].version else Coverage.BETWEEN


def nearest_below(version: Version) -> Version:
    """Return the newest release that was looked at and is not newer than `version`; else the oldest of all."""
    below = [release.version for release in RELEASES if release.version <= version]
    return below[-1] if below else RELEASES[0].version


def last_before(version: Version) -> Version:
    """Return the newest release before `version` that was looked at as a whole."""
    return [release.version for release in RELEASES if release.version < version and not release.partly][-1]


def basis_of(trait: Trait[Any]) -> str:
    """Say how the newest value of a trait is known: `seen on 2026.9.6`."""
    newest = trait.readings[-1]
    return f"{newest.basis} on {newest.since}"


NEWEST = traits_of(RELEASES[-1].version)
"""The traits of the newest release that was looked at."""
