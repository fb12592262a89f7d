"""The visible columns of a table at a width, and how wide each is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from lockdeck.tui.table.column import Column

GAP = 2
"""Blank cells between two columns."""
_MIN_FLEXIBLE = 4
"""A flexible column is shrunk to so many cells where there is no room."""
_SPARED = 3
"""So many cells are taken from flexible columns rather than that another is hidden."""

AnyColumn = Column[Any]
Item = TypeVar("Item")

Layout = tuple[tuple[int, int], ...]
"""For each visible column: its index and its width in cells."""


def lay_out(columns: Sequence[AnyColumn], width: int, wide: bool = False) -> Layout:
    """Return the visible columns with their widths; together they never exceed `width` where one fits.

    With `wide` none is hidden: the width must be at least `total_width` then.
    """
    visible = [index for index, column in enumerate(columns) if wide or width >= column.width.from_table]
    widths = {index: columns[index].width.min_cells(wide, width) for index in visible}
    if _cells_of(widths) > width and not wide:
        widths = {index: columns[index].width.min_cells(wide) for index in visible}
        _drop_late_ones(columns, widths, width)
        visible = list(widths)
    room = width - GAP * max(len(visible) - 1, 0)
    spare = room - sum(widths.values())
    flexible = [index for index in visible if columns[index].width.flex]
    while spare > 0 and flexible:
        spare = _share_out(columns, widths, flexible, spare)
        flexible = [i for i in flexible if _has_room(columns[i], widths[i])]
    if spare < 0:
        _shrink(columns, widths, -spare)
    return tuple((index, widths[index]) for index in visible)


def _cells_of(widths: Mapping[int, int]) -> int:
    return sum(widths.values()) + GAP * max(len(widths) - 1, 0)


def _drop_late_ones(columns: Sequence[AnyColumn], widths: dict[int, int], width: int) -> None:
    """Hide columns that show in wide tables only, where more is missing than a flexible one can spare; the last one first."""
    while _cells_of(widths) > width + _SPARED:
        late = max(reversed(widths), key=lambda index: columns[index].width.from_table)
        if not columns[late].width.from_table:
            return
        del widths[late]


def total_width(columns: Sequence[AnyColumn], wide: bool = False) -> int:
    """Return how many cells all columns need beside each other."""
    return sum(column.width.min_cells(wide) for column in columns) + GAP * max(len(columns) - 1, 0)


def select(columns: Sequence[Column[Item]], names: Sequence[str]) -> tuple[Column[Item], ...]:
    """Return the columns that are named, in the order of the names; all as they are when none is named.

    What a person selected is hidden only where it does not fit: there the columns go first that show in wide
    tables only.
    """
    by_name = {column.name: column for column in columns}
    selected = tuple(by_name[name] for name in names if name in by_name)
    if not selected:
        return tuple(columns)
    return tuple(_visible_from(column, total_width(_as_important(selected, column))) for column in selected)


def _as_important(columns: Sequence[AnyColumn], reference: AnyColumn) -> list[AnyColumn]:
    return [column for column in columns if column.width.from_table <= reference.width.from_table]


def _visible_from(column: Column[Item], table: int) -> Column[Item]:
    """Return the column, visible in tables of that many cells at the latest."""
    width = replace(column.width, from_table=min(column.width.from_table, table))
    return replace(column, width=width)


def column_at(columns: Sequence[AnyColumn], layout: Layout, x: int) -> AnyColumn | None:
    """Return the column in whose cells, or in the gap before them, the cell `x` lies."""
    right = 0
    for index, width in layout:
        right += width
        if x < right:
            return columns[index]
        right += GAP
    return None


def _share_out(columns: Sequence[AnyColumn], widths: dict[int, int], flexible: list[int], spare: int) -> int:
    """Give each flexible column its share; return the cells that none could take."""
    total = sum(columns[index].width.flex for index in flexible)
    rest = spare
    for index in flexible:
        share = min(rest, max(1, spare * columns[index].width.flex // total))
        cap = columns[index].width.max_cells
        room = cap - widths[index] if cap else share
        cells = min(share, room)
        widths[index] += cells
        rest -= cells
    return rest


def _has_room(column: AnyColumn, width: int) -> bool:
    return not column.width.max_cells or width < column.width.max_cells


def _shrink(columns: Sequence[AnyColumn], widths: dict[int, int], missing: int) -> None:
    """Take the missing cells from flexible columns, each from the one that is widest then."""
    flexible = [index for index in widths if columns[index].width.flex]
    for _ in range(missing if flexible else 0):
        widest = max(flexible, key=lambda index: widths[index])
        if widths[widest] > _MIN_FLEXIBLE:
            widths[widest] -= 1
