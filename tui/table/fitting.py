"""Which columns a table shows at a width, and how wide each is. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

GAP = 2
"""Blank cells between two columns."""


class Column(Struct, frozen=True):
    """A column: `width` is its least width in cells, `flex` its share of what is left over (0: fixed).

    It is hidden while the table is narrower than `from_width`; `most` caps a flexible one (0: no cap).
    `at_ease` is its least width where all columns are shown and need not fit (0: the same).
    `name` is what configuration and sorting call it.
    """

    title: str
    width: int
    flex: int = 0
    from_width: int = 0
    most: int = 0
    right: bool = False
    name: str = ""
    at_ease: int = 0

    def least(self, wide: bool) -> int:
        """Return the least width in cells, in a table that shows all columns or in one where they must fit."""
        return (self.at_ease or self.width) if wide else self.width


Layout = tuple[tuple[int, int], ...]
"""For each shown column: its index and its width in cells."""


def lay_out(columns: Sequence[Column], width: int, wide: bool = False) -> Layout:
    """Return the shown columns with their widths; together they never exceed `width` where one fits.

    With `wide` none is hidden: the width must be at least `least_width` then.
    """
    shown = [index for index, column in enumerate(columns) if wide or width >= column.from_width]
    widths = {index: columns[index].least(wide) for index in shown}
    spare = width - sum(widths.values()) - GAP * max(len(shown) - 1, 0)
    flexible = [index for index in shown if columns[index].flex]
    while spare > 0 and flexible:
        spare = _share_out(columns, widths, flexible, spare)
        flexible = [i for i in flexible if not columns[i].most or widths[i] < columns[i].most]
    if spare < 0:
        _shrink(columns, widths, -spare)
    return tuple((index, widths[index]) for index in shown)


def least_width(columns: Sequence[Column], wide: bool = False) -> int:
    """Return how many cells all columns need beside each other."""
    return sum(column.least(wide) for column in columns) + GAP * max(len(columns) - 1, 0)


def pick(columns: Sequence[Column], names: Sequence[str]) -> tuple[int, ...]:
    """Return the indices of the named columns in the order of the names; of all columns when none is named."""
    places = {column.name: index for index, column in enumerate(columns)}
    return tuple(places[name] for name in names if name in places) or tuple(range(len(columns)))


def chosen(columns: Sequence[Column], names: Sequence[str]) -> tuple[Column, ...]:
    """Return the named columns in the order of the names, all as they are when none is named.

    What a person chose is hidden only where it does not fit: there the columns go first that show in wide
    tables only.
    """
    picked = tuple(columns[index] for index in pick(columns, names))
    if not names:
        return picked
    return tuple(
        replace(column, from_width=min(column.from_width, least_width(_as_important(picked, column))))
        for column in picked
    )


def _as_important(columns: Sequence[Column], than: Column) -> list[Column]:
    return [column for column in columns if column.from_width <= than.from_width]


def column_at(columns: Sequence[Column], layout: Layout, x: int) -> Column | None:
    """Return the column in whose cells, or in the gap before them, the cell `x` lies."""
    right = 0
    for index, width in layout:
        right += width
        if x < right:
            return columns[index]
        right += GAP
    return None


def _share_out(columns: Sequence[Column], widths: dict[int, int], flexible: list[int], spare: int) -> int:
    """Give each flexible column its share; return what nobody could take."""
    total = sum(columns[index].flex for index in flexible)
    left = spare
    for index in flexible:
        share = min(left, max(1, spare * columns[index].flex // total))
        room = columns[index].most - widths[index] if columns[index].most else share
        given = min(share, room)
        widths[index] += given
        left -= given
    return left


def _shrink(columns: Sequence[Column], widths: dict[int, int], missing: int) -> None:
    """Take the missing cells from flexible columns, from the right, down to four cells each."""
    for index in reversed(widths):
        if columns[index].flex and missing > 0:
            taken = min(missing, max(widths[index] - 4, 0))
            widths[index] -= taken
            missing -= taken
