"""The choice of a table's columns: which are visible, in which order, and the place of the cursor. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.tui.table.column import ON_DEMAND
from lockdeck.tui.table.layout import AnyColumn, select
from lockdeck.tui.view.lines import Line, fit, line, span
from lockdeck.tui.view.symbols import Symbols

_TITLE = 12


class ColumnChoice(Struct, frozen=True):
    """All names in their order, those that are visible (one at least), and the index of the one at the cursor."""

    order: tuple[str, ...]
    visible: frozenset[str]
    cursor: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the visible columns, in their order."""
        return tuple(name for name in self.order if name in self.visible)

    def with_cursor_moved(self, step: int) -> ColumnChoice:
        """Return the choice with the cursor moved, not beyond either end."""
        return self.with_cursor(self.cursor + step)

    def with_cursor(self, index: int) -> ColumnChoice:
        """Return the choice with the cursor at an index, or at the end that is nearest."""
        return replace(self, cursor=min(max(index, 0), len(self.order) - 1))

    def with_column_toggled(self) -> ColumnChoice:
        """Return the choice with the column at the cursor shown or hidden; the last visible one stays."""
        visible = self.visible ^ {self.order[self.cursor]}
        return replace(self, visible=visible) if visible else self

    def with_column_moved(self, step: int) -> ColumnChoice:
        """Return the choice with the column at the cursor moved, and the cursor with it."""
        target, name = self.with_cursor_moved(step), self.order[self.cursor]
        rest = [column for column in self.order if column != name]
        return replace(target, order=(*rest[: target.cursor], name, *rest[target.cursor :]))


def choice_of(columns: Sequence[AnyColumn], names: Sequence[str]) -> ColumnChoice:
    """Return the choice that is configured: the columns of the names first, then the rest; no name means all but those on demand."""
    order = [column.name for column in columns]
    visible = tuple(name for name in names if name in order) or _default_names(columns)
    return ColumnChoice((*visible, *(name for name in order if name not in visible)), frozenset(visible))


def configured_names(choice: ColumnChoice, columns: Sequence[AnyColumn]) -> tuple[str, ...]:
    """Return the names as they are configured: none for the columns as they come."""
    return () if choice.names == _default_names(columns) else choice.names


def _default_names(columns: Sequence[AnyColumn]) -> tuple[str, ...]:
    return tuple(column.name for column in columns if column.width.from_table < ON_DEMAND)


def choice_lines(
    choice: ColumnChoice, columns: Sequence[AnyColumn], width: int, symbols: Symbols
) -> list[Line]:
    """Return a line for each column; one that is visible but too much for a table of `width` cells says so."""
    by_name = {column.name: column for column in columns}
    selected = select(columns, configured_names(choice, columns))
    from_widths = {
        column.name: column.width.from_table for column in selected if column.name in choice.visible
    }
    # A row has a margin of one cell at both sides.
    return [
        _line(by_name[name], choice, _hint(from_widths.get(name, 0), width - 2), symbols)
        for name in choice.order
    ]


def _hint(from_width: int, room: int) -> str:
    return f"  from {from_width + 2} columns on" if from_width > room else ""


def _line(column: AnyColumn, choice: ColumnChoice, hint: str, symbols: Symbols) -> Line:
    visible, at_cursor = column.name in choice.visible, column.name == choice.order[choice.cursor]
    style = "accent" if at_cursor else "text" if visible else "dim"
    pointer = (symbols.arrow if at_cursor else "").ljust(3)
    box = f"[{symbols.mark if visible else ' '}] "
    return (
        *line(span(f" {pointer}{box}", style)),
        *fit(line(span(column.title or "(bar)", style)), _TITLE),
        *line(span(column.name, "dim"), span(hint, "notice")),
    )
