"""Asks which columns a table shows and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from msgspec import Struct
from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Button

from lockdeck.tui.dialogs.box import BoxDialog
from lockdeck.tui.table.choice import ColumnChoice, choice_lines, choice_of, configured_names
from lockdeck.tui.table.tables import TableKind
from lockdeck.tui.view.lines import EMPTY, Line, line, span, wrap
from lockdeck.tui.widgets.appearance import appearance_of
from lockdeck.tui.widgets.lineview import LineView

_HEAD = 2
"""Lines above the first column."""
_KEYS = (
    "space shows or hides; shift with up or down, or K and J, moves; d brings back all as they come; "
    "enter uses the choice, s saves it too"
)


class ColumnSelection(Struct, frozen=True):
    """The names of the columns to show (none: all as they come), and whether to keep them in the configuration."""

    names: tuple[str, ...]
    keep: bool = False


class ColumnsDialog(BoxDialog[ColumnSelection]):
    """Dismissed with the selection, or with None. `width` is that of the table, in cells."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("home,g", "move(-1000)", "First", show=False),
        Binding("end,G", "move(1000)", "Last", show=False),
        Binding("pageup,ctrl+u", "move(-5)", "Half up", show=False),
        Binding("pagedown,ctrl+d", "move(5)", "Half down", show=False),
        Binding("space", "turn", "Show or hide"),
        Binding("shift+up,K", "shift(-1)", "Move up"),
        Binding("shift+down,J", "shift(1)", "Move down"),
        Binding("d", "reset", "As it comes"),
        Binding("enter", "use(False)", "Use"),
        Binding("s", "use(True)", "Save"),
        Binding("q", "give_up", "Close", show=False),
    ]

    def __init__(self, table: TableKind[Any], names: Sequence[str], width: int) -> None:
        super().__init__()
        self._table = table
        self._width = width
        self._choice = choice_of(table.columns, names)

    def foot(self) -> Iterable[Widget]:
        """Return the keys and the buttons."""
        return (
            LineView("overlay", id="columns-keys"),
            Horizontal(
                Button("Cancel", id="columns-no", compact=True),
                Button("Use", id="columns-use", compact=True),
                Button("Save", id="columns-save", compact=True),
                classes="box-buttons",
            ),
        )

    def on_mount(self) -> None:
        """Show the columns as they stand."""
        keys = line(span(_KEYS, "dim"))
        self.query_one("#columns-keys", LineView).show(lambda width: [EMPTY, *wrap(keys, width)])
        self._show()

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        self._have(self._choice.with_cursor_moved(step))

    def action_turn(self) -> None:
        """Show or hide the column at the cursor."""
        toggled = self._choice.with_column_toggled()
        if toggled == self._choice:
            self.app.notify("one column must stay", markup=False)
        self._have(toggled)

    def action_shift(self, step: int) -> None:
        """Move the column at the cursor."""
        self._have(self._choice.with_column_moved(step))

    def action_reset(self) -> None:
        """Show all columns as they come."""
        self._have(choice_of(self._table.columns, ()).with_cursor(self._choice.cursor))

    def action_use(self, keep: bool) -> None:
        """Close with the selection."""
        self.dismiss(ColumnSelection(configured_names(self._choice, self._table.columns), keep))

    def on_click(self, event: events.Click) -> None:
        """Show or hide the column that was clicked."""
        at = event.y - _HEAD
        if event.widget is self.query_one("#box-lines") and 0 <= at < len(self._choice.order):
            self._choice = self._choice.with_cursor(at)
            self.action_turn()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "columns-no":
            self.dismiss(None)
        else:
            self.action_use(event.button.id == "columns-save")

    def _have(self, choice: ColumnChoice) -> None:
        self._choice = choice
        self._show()
        row = Region(0, choice.cursor + _HEAD, 1, 1)
        self.query_one(".box-scroll").scroll_to_region(row, animate=False)

    def _show(self) -> None:
        title = line(span(f"Columns of the {self._table.name} table", "heading"))
        rows: list[Line] = [title, EMPTY]
        self.show(
            [
                *rows,
                *choice_lines(self._choice, self._table.columns, self._width, appearance_of(self).symbols),
            ]
        )
