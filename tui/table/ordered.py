"""Rows in their order, kept by difference: what did not change is neither sifted nor ranked again. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

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
        self._sorted: list[Any] = []
        self._keys: list[Key] = []
        self._order: tuple[Key, ...] | None = None
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
    def order(self) -> tuple[Key, ...]:
        """The keys that are shown, in their order; the very same object until that changes."""
        if self._order is None:
            self._order = tuple(self._keys)
        return self._order

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
        self._ranks = {key: self._rank_of(key) for key in self._items}
        self._frozen = True

    def thaw(self) -> None:
        """Rank all items again."""
        self._frozen, self._era = False, 0
        self.arrange()

    def _place(self, keys: Collection[Key]) -> None:
        """Take items out, if they stood anywhere, and put those that are there where they belong now."""
        few = len(keys) * _MANY <= len(self._keys)
        for key in keys:
            old, new = self._forget(key), self._enter(key)
            if few and old != new:
                self._move(key, old, new)
        if not few:
            shown = [(rank, key) for key, rank in self._ranks.items() if key not in self._hidden]
            shown.sort()
            self._sorted, self._keys, self._order = shown, [key for _, key in shown], None

    def _forget(self, key: Key) -> Any:
        """Count an item no more; return its rank where it was shown."""
        if key not in self._hidden:
            return self._ranks.get(key)
        self.counts[self._hidden.pop(key)] -= 1
        return None

    def _enter(self, key: Key) -> Any:
        """Sift and rank an item that is there; return its rank where it is shown."""
        item = self._items.get(key)
        reason = None if item is None else self._sift(key, item)
        if reason is not None:
            self._hidden[key] = reason
            self.counts[reason] += 1
        if item is None or (reason is not None and not self._frozen):
            self._ranks.pop(key, None)
            return None
        rank = self._ranks[key] = self._rank_of(key)
        return rank if reason is None else None

    def _rank_of(self, key: Key) -> Any:
        if self._frozen and key in self._ranks:
            return self._ranks[key]
        return (self._era, self._rank(key, self._items[key]))

    def _move(self, key: Key, old: Any, new: Any) -> None:
        """Move a key from where its old rank stands to where the new one does; None stands nowhere."""
        if old is not None:
            at = bisect_left(self._sorted, (old, key))
            del self._sorted[at], self._keys[at]
        if new is not None:
            at = bisect_left(self._sorted, (new, key))
            self._sorted.insert(at, (new, key))
            self._keys.insert(at, key)
        self._order = None
