"""The difference between two pictures of a fleet: which sessions and locks appeared, changed or vanished.

Who has the earlier picture and the difference has the later one. Roots, notes and incidents are few: they are compared
whole. What is the same in both is one object in both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from msgspec import Struct

from lockdeck.backend.model.identity import Identity

if TYPE_CHECKING:
    from lockdeck.backend.model.fleet import LockView, SessionView


class _Named(Protocol):
    @property
    def identity(self) -> Identity: ...


View = TypeVar("View", bound=_Named)


class Change(Struct, Generic[View], frozen=True):
    """One view before and after: `old` is None where it appeared, `new` where it vanished."""

    old: View | None
    new: View | None

    @property
    def identity(self) -> Identity:
        """The name of what changed, the same before and after."""
        view = self.old if self.new is None else self.new
        assert view is not None
        return view.identity


class FleetDelta(Struct, frozen=True):
    """The sessions and locks in which two pictures differ, each once, by identity."""

    sessions: tuple[Change[SessionView], ...] = ()
    locks: tuple[Change[LockView], ...] = ()

    def then(self, later: FleetDelta) -> FleetDelta:
        """Return this difference and the one that followed it as one; what was undone is left out."""
        return FleetDelta(_both(self.sessions, later.sessions), _both(self.locks, later.locks))


def difference(old: Iterable[View], new: Iterable[View]) -> tuple[Change[View], ...]:
    """Return what differs between two lists of views, whatever their order."""
    earlier, later = _by_identity(old), _by_identity(new)
    changes: list[Change[View]] = []
    for identity in earlier.keys() | later.keys():
        before, after = earlier.get(identity, []), later.get(identity, [])
        if before != after:
            pairs = max(len(before), len(after))
            padded = ([*views, *[None] * (pairs - len(views))] for views in (before, after))
            changes += [Change(one, other) for one, other in zip(*padded, strict=True) if one != other]
    return in_order(changes)


def _by_identity(views: Iterable[View]) -> dict[Identity, list[View]]:
    """Return views by their names: two logs may give two locks one session's name."""
    named: dict[Identity, list[View]] = {}
    for view in views:
        named.setdefault(view.identity, []).append(view)
    return named


def _both(first: Iterable[Change[View]], later: Iterable[Change[View]]) -> tuple[Change[View], ...]:
    named: dict[Identity, list[Change[View]]] = {}
    for change in first:
        named.setdefault(change.identity, []).append(change)
    for change in later:
        of_identity = named.setdefault(change.identity, [])
        index = next((i for i, earlier in enumerate(of_identity) if earlier.new == change.old), None)
        if index is None:
            of_identity.append(change)
        else:
            of_identity[index] = Change(of_identity[index].old, change.new)
    changes = (change for of_identity in named.values() for change in of_identity)
    return in_order(change for change in changes if change.old != change.new)


def in_order(changes: Iterable[Change[View]]) -> tuple[Change[View], ...]:
    """Return changes sorted by what they are about."""
    return tuple(sorted(changes, key=lambda change: change.identity))
