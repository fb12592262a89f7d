"""A trait: one thing that differs by OpenClaw release, with its value from each release on and how that is known."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import Any, Generic, TypeVar, overload

import msgspec
from msgspec import Struct, UnsetType

from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.words import duration

T = TypeVar("T")


class Basis(StrEnum):
    """The source of a fact: a real release was run and did it, its source says so, or somebody reports it."""

    SEEN = "seen"
    READ = "read"
    REPORTED = "reported"


class Reading(Struct, Generic[T], frozen=True):
    """The value of a trait from one release on. `words` is set where the value does not speak for itself."""

    since: Version
    value: T
    basis: Basis
    words: str = ""


class Trait(Struct, Generic[T], frozen=True):
    """One thing that differs by release. `readings` stand oldest first; the first also holds for what came earlier.

    `unknown` is the value where the release is not known, if it is not that of `CAREFUL`.  A class that has a
    trait as its attribute gives the trait itself, an instance (`Traits`) the value in its release.
    """

    group: str
    title: str
    meaning: str
    readings: tuple[Reading[T], ...]
    unknown: T | UnsetType = msgspec.UNSET

    @overload
    def __get__(self, instance: None, owner: type) -> Trait[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else self.value_in(instance.version)

    def reading_in(self, version: Version) -> Reading[T]:
        """Return the reading that holds in a release."""
        holding = (reading for reading in reversed(self.readings) if reading.since <= version)
        return next(holding, self.readings[0])

    def value_in(self, version: Version | None) -> T:
        """Return the value in a release; None: the release is not known."""
        if version is not None:
            return self.reading_in(version).value
        return self.reading_in(CAREFUL).value if isinstance(self.unknown, UnsetType) else self.unknown

    def source_in(self, version: Version) -> str:
        """Say how the value in a release is known."""
        reading = self.reading_in(version)
        if version < reading.since:
            return f"not known; so in {reading.since}"
        return f"{reading.basis}, from {reading.since}"

    def since(self, value: T) -> Version:
        """Return the first release with this value. StopIteration where no release has it."""
        return next(reading.since for reading in self.readings if reading.value == value)

    @property
    def values(self) -> Iterator[T]:
        """The values that any release has."""
        return (reading.value for reading in self.readings)


def since(release: str, value: T, basis: Basis, words: str = "") -> Reading[T]:
    """Return a reading from the text of a release; ValueError where that is no version."""
    return Reading(release_named(release), value, basis, words)


@cache
def release_named(text: str) -> Version:
    """Return the release that the table names by this text; ValueError where that is no version."""
    version = Version.parse(text)
    if version is None:
        raise ValueError(f"{text} is no release")
    return version


def in_words(name: str, value: object) -> str:
    """Return the value of the trait of this name as people read it; a name in `_s` is a time in seconds."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_s") and isinstance(value, (int, float)):
        return duration(value)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


CAREFUL = Version(2026, 4, 5)
"""The release of openclaw#62351: what is not known is taken to be as bad as that."""
