"""Names that are cut keep the end that tells them apart, and no two of them come out the same. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from zlib import crc32

from rich.cells import cell_len

from lockdeck.tui.view.lines import cut_in_the_middle, first_cells

_LEAST = 8
"""A name is marked by a number of its own only where that leaves something of the name."""


def cut_names(names: Iterable[str], width: int, ellipsis: str) -> dict[str, str]:
    """Return those of the names that are too long for so many cells, cut; different names stay different."""
    long = {name for name in names if cell_len(name) > width}
    rivals: defaultdict[str, list[str]] = defaultdict(list)
    for name in long:
        rivals[cut_in_the_middle(name, width, ellipsis)].append(name)
    cut: dict[str, str] = {}
    for short, group in rivals.items():
        cut.update({group[0]: short} if len(group) == 1 else _told_apart(group, width, ellipsis))
    return cut


def _told_apart(names: list[str], width: int, ellipsis: str) -> dict[str, str]:
    """Cut names that are the same at both ends: show where they begin to differ; else give each a number of its own."""
    first, last = min(names), max(names)
    same = next(
        (at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
    )
    edge = cell_len(ellipsis)
    shown = {
        name: ellipsis + first_cells(name[max(same - 2, 0) :], width - 2 * edge) + ellipsis for name in names
    }
    if len(set(shown.values())) == len(names) or width < _LEAST:
        return shown
    return {
        name: f"{first_cells(name, width - 5 - edge)}{ellipsis}#{crc32(name.encode()) % 0x10000:04x}"
        for name in names
    }
