"""A figure, its goal, and what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One line of the report.  `details` are the places to look at first, in words."""

    name: str
    value: float
    goal: float
    details: tuple[str, ...] = ()
    unit: str = ""

    @property
    def kept(self) -> bool:
        return self.value <= self.goal

    def line(self) -> str:
        figures = f"{_number(self.value)}{self.unit} (goal ≤ {_number(self.goal)}{self.unit})"
        return f"{'ok  ' if self.kept else 'OVER'}  {self.name}: {figures}"


def _number(value: float) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)
