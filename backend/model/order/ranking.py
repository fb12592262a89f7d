"""An order that is kept while single views come, change and go, and what has changed in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic

from lockdeck.backend.model.delta import Change, View, in_order
from lockdeck.backend.model.identity import Identity
from lockdeck.backend.model.order.chunks import Chunked, SortedChunks

_FEW = 8
"""Up to one in so many views is put in its place by itself; where more have changed, all are sorted."""


class Ranking(Generic[View]):
    """Views sorted by `order`, and what has changed among them since that was taken last.

    A few changes cost what they change; many cost a sort.
    """

    def __init__(self, order: Callable[[View], Any]) -> None:
        self._views: SortedChunks[View] = SortedChunks(order)
        self._new: dict[int, tuple[View, View | None]] = {}
        self._old: dict[int, View] = {}
        self._begun = False

    def put(self, old: View | None, new: View | None) -> None:
        """Let one view, which stands here, go for another; `old` is None for one that comes, `new` for one that goes."""
        if old is new:
            return
        before = old
        if old is not None and id(old) in self._new:
            _, before = self._new.pop(id(old))
        elif old is not None:
            self._old[id(old)] = old
        if new is not None:
            self._new[id(new)] = (new, before)

    def take(self) -> tuple[Chunked[View], tuple[Change[View], ...]]:
        """Return all views in their order, and what has changed since the last time."""
        if not self._new and not self._old:
            self._begun = True
            return self._views.picture, ()
        new, old = [view for view, _ in self._new.values()], list(self._old.values())
        if (len(new) + len(old)) * _FEW > len(self._views.picture):
            kept = (view for view in self._views.picture if id(view) not in self._old)
            self._views.sort((*kept, *new))
        else:
            for view in old:
                self._views.remove(view)
            for view in new:
                self._views.add(view)
        # Who takes for the first time has nothing to compare with.
        changes, self._begun = self._changes() if self._begun else (), True
        self._new, self._old = {}, {}
        return self._views.picture, changes

    def _changes(self) -> tuple[Change[View], ...]:
        """Return the changes; what went and came again under the same name is one."""
        followed = {id(before) for _, before in self._new.values() if before is not None}
        gone: dict[Identity, list[View]] = {}
        for view in self._old.values():
            if id(view) not in followed:
                gone.setdefault(view.identity, []).append(view)
        changes = [Change(before or _first_of(gone, view), view) for view, before in self._new.values()]
        changes += [Change(view, None) for views in gone.values() for view in views]
        return in_order(change for change in changes if change.old != change.new)


def _first_of(gone: dict[Identity, list[View]], view: View) -> View | None:
    of_identity = gone.get(view.identity)
    return of_identity.pop(0) if of_identity else None
