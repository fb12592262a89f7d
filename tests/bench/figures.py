"""One measured figure with its budget and its baseline, and the table of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Figure:
    """`limit` is the budget in `unit` (None: told for information), a lower bound where `at_least`.

    `versus` says in words what the figure is compared with; that was measured in the same run.
    """

    what: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    versus: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the budget is kept; None without a budget."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def table(figures: Iterable[Figure]) -> Iterator[str]:
    """Render the figures as lines: what, measured, budget, whether it is kept, and the comparison."""
    rows = [("what", "measured", "budget", "", "in the same run"), *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)]
        yield "  ".join([*cells, row[4]]).rstrip()


def _cells(figure: Figure) -> tuple[str, str, str, str, str]:
    bound = ""
    if figure.limit is not None:
        bound = f"{'>=' if figure.at_least else '<='} {_number(figure.limit)} {figure.unit}"
    mark = {True: "kept", False: "OVER", None: ""}[figure.kept]
    return figure.what, f"{_number(figure.value)} {figure.unit}", bound, mark, figure.versus


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
