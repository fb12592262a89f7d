"""Which columns a table shows at a width, and how wide each is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GAP = 2
"""Blank cells between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `width` is its least width in cells, `flex` its share of what is left over (0: fixed).

    It is hidden while the table is narrower than `from_width`; `most` caps a flexible one (0: no cap).
    """

    title: str
    width: int
    flex: int = 0
    from_width: int = 0
    most: int = 0
    right: bool = False


Layout = tuple[tuple[int, int], ...]
"""For each shown column: its index and its width in cells."""


def lay_out(columns: Sequence[Column], width: int) -> Layout:
    """Return the shown columns with their widths; together they never exceed `width` where one fits."""
    shown = [index for index, column in enumerate(columns) if width >= column.from_width]
    widths = {index: columns[index].width for index in shown}
    spare = width - sum(widths.values()) - GAP * max(len(shown) - 1, 0)
    flexible = [index for index in shown if columns[index].flex]
    while spare > 0 and flexible:
        spare = _share_out(columns, widths, flexible, spare)
        flexible = [i for i in flexible if not columns[i].most or widths[i] < columns[i].most]
    if spare < 0:
        _shrink(columns, widths, -spare)
    return tuple((index, widths[index]) for index in shown)


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
