"""A long order in chunks: pictures of it that follow each other share all chunks but those that changed."""

from __future__ import annotations

import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Any, Generic, TypeVar, overload

Item = TypeVar("Item")
LONGEST = 512
"""So many items a chunk has at most: a change copies one chunk, and the list of chunks."""


class Chunked(Sequence[Item]):
    """An immutable sequence, equal to the tuple of its items."""

    __slots__ = ("_chunks", "_ends")

    def __init__(self, chunks: Iterable[tuple[Item, ...]] = ()) -> None:
        self._chunks = tuple(chunks)
        self._ends = tuple(accumulate(map(len, self._chunks)))

    def __len__(self) -> int:
        """Return the number of items."""
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[Item]:
        """Yield the items."""
        return chain.from_iterable(self._chunks)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        """Return an item, or a tuple of some."""
        places = range(len(self))[index]
        if isinstance(places, range):
            return tuple(map(self.__getitem__, places))
        number = bisect_right(self._ends, places)
        return self._chunks[number][places - self._ends[number]]

    def __contains__(self, value: object) -> bool:
        """Return whether an item is equal to a value."""
        return any(value in chunk for chunk in self._chunks)

    def index(self, value: object, start: int = 0, stop: int | None = None) -> int:
        """Return the place of the first item that is equal to a value. Raises ValueError where there is none."""
        if (start, stop) != (0, None):
            return self[start:stop].index(value) + range(len(self))[start:stop].start
        number = next((number for number, chunk in enumerate(self._chunks) if value in chunk), None)
        if number is None:
            raise ValueError(f"{value!r} is not in it")
        chunk = self._chunks[number]
        return self._ends[number] - len(chunk) + chunk.index(value)

    def __eq__(self, other: object) -> bool:
        """Compare with another one, or with a tuple."""
        if not isinstance(other, Chunked | tuple):
            return NotImplemented
        if isinstance(other, Chunked) and self._chunks == other._chunks:
            return True
        return len(self) == len(other) and all(map(operator.eq, self, other))

    def __hash__(self) -> int:
        """Return the hash of the tuple."""
        return hash(tuple(self))

    def __repr__(self) -> str:
        """Return the tuple as text."""
        return repr(tuple(self))


class SortedChunks(Generic[Item]):
    """Items sorted by `order`, those of equal rank in the order in which they came."""

    def __init__(self, order: Callable[[Item], Any]) -> None:
        self._order = order
        self._chunks: list[tuple[Item, ...]] = []
        self._picture: Chunked[Item] | None = Chunked()

    @property
    def picture(self) -> Chunked[Item]:
        """All items as they stand now; the very same object until that changes."""
        if self._picture is None:
            self._picture = Chunked(self._chunks)
        return self._picture

    def sort(self, items: Iterable[Item]) -> None:
        """Let these be all items."""
        everything, step = sorted(items, key=self._order), LONGEST // 2
        self._chunks = [tuple(everything[at : at + step]) for at in range(0, len(everything), step)]
        self._picture = None

    def add(self, item: Item) -> None:
        """Put one item in its place."""
        rank = self._order(item)
        number = min(bisect_right(self._chunks, rank, key=self._last_rank), max(len(self._chunks) - 1, 0))
        chunk = self._chunks[number] if self._chunks else ()
        at = bisect_right(chunk, rank, key=self._order)
        self._replace(number, (*chunk[:at], item, *chunk[at:]))

    def remove(self, item: Item) -> None:
        """Take out one item that is there. Its rank must still be the one that it was put in with."""
        rank = self._order(item)
        number = bisect_left(self._chunks, rank, key=self._last_rank)
        at = bisect_left(self._chunks[number], rank, key=self._order)
        while (other := self._chunks[number][at]) is not item and other != item:
            at += 1
            if at == len(self._chunks[number]):
                number, at = number + 1, 0
        chunk = self._chunks[number]
        self._replace(number, chunk[:at] + chunk[at + 1 :])

    def _replace(self, number: int, chunk: tuple[Item, ...]) -> None:
        """Let a chunk be another one: in halves where it is too long, with its neighbour where both are short."""
        self._picture, half = None, len(chunk) // 2
        neighbour = self._chunks[number + 1] if number + 1 < len(self._chunks) else None
        if len(chunk) > LONGEST:
            self._chunks[number : number + 1] = [chunk[:half], chunk[half:]]
        elif neighbour is not None and len(chunk) + len(neighbour) <= LONGEST // 2:
            self._chunks[number : number + 2] = [chunk + neighbour]
        else:
            self._chunks[number : number + 1] = [chunk] if chunk else []

    def _last_rank(self, chunk: Sequence[Item]) -> Any:
        return self._order(chunk[-1])
