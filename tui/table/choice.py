"""The choice of a table's columns: which are shown, in which order, and the place of the cursor. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.tui.table.fitting import Column, chosen
from lockdeck.tui.view.lines import Line, fit, line, span
from lockdeck.tui.view.symbols import Symbols

_TITLE = 12


class ColumnChoice(Struct, frozen=True):
    """All names in their order, those that are shown (one at least), and the index of the one at the cursor."""

    order: tuple[str, ...]
    shown: frozenset[str]
    at: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that are shown, in their order."""
        return tuple(name for name in self.order if name in self.shown)

    def moved(self, step: int) -> ColumnChoice:
        """Return the choice with the cursor moved, not beyond either end."""
        return self.aimed(self.at + step)

    def aimed(self, at: int) -> ColumnChoice:
        """Return the choice with the cursor at an index, or at the end that is nearest."""
        return replace(self, at=min(max(at, 0), len(self.order) - 1))

    def toggled(self) -> ColumnChoice:
        """Return the choice with the column at the cursor shown or hidden; the last one shown stays."""
        shown = self.shown ^ {self.order[self.at]}
        return replace(self, shown=shown) if shown else self

    def shifted(self, step: int) -> ColumnChoice:
        """Return the choice with the column at the cursor moved, and the cursor with it."""
        there = self.moved(step)
        rest = [name for name in self.order if name != self.order[self.at]]
        return replace(there, order=(*rest[: there.at], self.order[self.at], *rest[there.at :]))


def choice_of(columns: Sequence[Column], names: Sequence[str]) -> ColumnChoice:
    """Return the choice as it stands: the named columns first, those not named after them; none means all."""
    known = [column.name for column in columns]
    first = tuple(name for name in names if name in known) or tuple(known)
    return ColumnChoice((*first, *(name for name in known if name not in first)), frozenset(first))


def wish_of(choice: ColumnChoice, columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the names as they are configured: none for all columns as they come."""
    return () if choice.names == tuple(column.name for column in columns) else choice.names


def choice_lines(choice: ColumnChoice, columns: Sequence[Column], width: int, symbols: Symbols) -> list[Line]:
    """Return a line for each column; one that is chosen but too much for a table of `width` cells says so."""
    by_name = {column.name: column for column in columns}
    needs = {column.name: column.from_width for column in chosen(columns, wish_of(choice, columns))}
    return [
        _line(by_name[name], name in choice.shown, needs.get(name, 0), width, index == choice.at, symbols)
        for index, name in enumerate(choice.order)
    ]


def _line(column: Column, shown: bool, needs: int, width: int, here: bool, symbols: Symbols) -> Line:
    style = "accent" if here else "text" if shown else "dim"
    pointer = (symbols.arrow if here else "").ljust(3)
    box = f"[{symbols.mark if shown else ' '}] "
    # A row has a margin of one cell at both sides.
    told = f"  from {needs + 2} columns on" if shown and needs > width - 2 else ""
    return (
        *line(span(f" {pointer}{box}", style)),
        *fit(line(span(column.title or "(bar)", style)), _TITLE),
        *line(span(column.name, "dim"), span(told, "notice")),
    )
