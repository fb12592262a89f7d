"""Rows in their order, kept by difference: what did not change is neither sifted nor ranked again. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from lockdeck.backend.model.order.chunks import Chunked, SortedChunks

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")

_MANY = 16
"""Where more than one of so many rows changed, all are sorted; else each is put in its place."""


class OrderedRows(Generic[Key, Item]):
    """Items by key, and the keys of those that are shown, in their order. Belongs to one screen.

    `rank` gives what an item is sorted by, least first; of equal ones the key decides. `sift` says why an item is not
    shown, None where it is. What they answer may change with the item alone; after anything else `arrange` them again.
    """

    def __init__(
        self, rank: Callable[[Key, Item], Any], sift: Callable[[Key, Item], Hashable | None]
    ) -> None:
        self._rank = rank
        self._sift = sift
        self._items: dict[Key, Item] = {}
        self._hidden: dict[Key, Hashable] = {}
        self._ranks: dict[Key, Any] = {}
        self._shown: SortedChunks[Key] = SortedChunks(self._ranks.__getitem__)
        self._frozen = False
        self._era = 0
        self.counts: Counter[Hashable] = Counter()
        """How many items are not shown, by what `sift` says of them."""
        self.version = 0
        """Another number whenever an item has changed."""

    @property
    def items(self) -> Mapping[Key, Item]:
        """All items, shown or not."""
        return self._items

    @property
    def order(self) -> Chunked[Key]:
        """The keys that are shown, in their order; the very same object until that changes."""
        return self._shown.picture

    @property
    def frozen(self) -> bool:
        """True while every item keeps its place."""
        return self._frozen

    def shows(self, key: Key) -> bool:
        """Return whether an item is there and shown."""
        return key in self._items and key not in self._hidden

    def in_order(self, keys: Iterable[Key]) -> tuple[Key, ...]:
        """Return those of the keys that are there, shown or not, in their order."""
        return tuple(sorted((key for key in keys if key in self._items), key=self._rank_of))

    def take(self, changed: Mapping[Key, Item | None]) -> None:
        """Take in items that appeared or changed, and, where the item is None, let go of those that vanished."""
        if not changed:
            return
        self.version += 1
        self._era += self._frozen
        for key, item in changed.items():
            if item is None:
                self._items.pop(key, None)
            else:
                self._items[key] = item
        self._place(changed)

    def take_all(self, items: Mapping[Key, Item]) -> None:
        """Take in all items that there are: those that are the very same object as before did not change."""
        changed: dict[Key, Item | None] = dict.fromkeys(self._items.keys() - items.keys())
        before = self._items.get
        changed.update((key, item) for key, item in items.items() if before(key) is not item)
        self.take(changed)

    def sift_again(self, keys: Iterable[Key]) -> None:
        """Sift these items again, because of something beside them."""
        self._place([key for key in keys if key in self._items])

    def arrange(self) -> None:
        """Sift all items again, and, unless the order is frozen, rank them again."""
        self._place(self._items)

    def freeze(self) -> None:
        """Let every item keep its place; those that come later stand at the end."""
        self._ranks.update((key, self._rank_of(key)) for key in self._items)
        self._frozen = True

    def thaw(self) -> None:
        """Rank all items again."""
        self._frozen, self._era = False, 0
        self.arrange()

    def _place(self, keys: Collection[Key]) -> None:
        """Take items out, if they stood anywhere, and put those that are there where they belong now."""
        few = len(keys) * _MANY <= len(self.order)
        for key in keys:
            old, new = self._forget(key), self._sifted(key)
            moves = few and old != new
            if moves and old is not None:
                self._shown.remove(key)  # while its rank is the one that it stands by
            self._keep_rank(key, new)
            if moves and new is not None:
                self._shown.add(key)
        if not few:
            self._shown.sort(key for key in self._ranks if key not in self._hidden)

    def _forget(self, key: Key) -> Any:
        """Count an item no more; return its rank where it was shown."""
        if key not in self._hidden:
            return self._ranks.get(key)
        self.counts[self._hidden.pop(key)] -= 1
        return None

    def _sifted(self, key: Key) -> Any:
        """Sift an item that is there; return its rank where it is shown."""
        item = self._items.get(key)
        reason = None if item is None else self._sift(key, item)
        if reason is not None:
            self._hidden[key] = reason
            self.counts[reason] += 1
        return None if item is None or reason is not None else self._rank_of(key)

    def _keep_rank(self, key: Key, rank: Any) -> None:
        """Keep the rank of an item that is shown; while the order is frozen also that of one that is not, by which it returns."""
        if rank is None and self._frozen and key in self._items:
            rank = self._rank_of(key)
        if rank is None:
            self._ranks.pop(key, None)
        else:
            self._ranks[key] = rank

    def _rank_of(self, key: Key) -> Any:
        if self._frozen and key in self._ranks:
            return self._ranks[key]
        return (self._era, self._rank(key, self._items[key]), key)
