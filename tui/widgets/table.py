"""A virtual table: any number of rows, only visible ones are made.

Rows are identified by key. Cursor and scroll position follow the key through re-sorting, inserting and removing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from lockdeck.tui.table.column import Column
from lockdeck.tui.table.layout import column_at
from lockdeck.tui.widgets.rowpainter import Key
from lockdeck.tui.widgets.tablecanvas import HEADER_LINES, TableCanvas
from lockdeck.tui.widgets.text import content

Item = TypeVar("Item")
_PAN = 8
"""So many cells to the side at a time."""


class Table(TableCanvas[Item], can_focus=True):
    """A table with a cursor, keys and mouse."""

    DEFAULT_CSS = "Table { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("left", "pan(-1)", "Left", show=False),
        Binding("right", "pan(1)", "Right", show=False),
        Binding("ctrl+u", "page(-0.5)", "Half up", show=False),
        Binding("ctrl+d", "page(0.5)", "Half down", show=False),
        Binding("home,g", "edge(-1)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False),
    ]

    class CursorMoved(Message):
        """The cursor is on another row."""

    class RowClicked(Message):
        """The row under the cursor was clicked."""

    class FootClicked(Message):
        """The line under the last row was clicked."""

    class TitleClicked(Message):
        """The title of a column was clicked."""

        def __init__(self, column: Column[Any]) -> None:
            super().__init__()
            self.column = column

    _follows_row = False
    """True once a person put the cursor on its row: it goes with it. Until then it stays at the top."""

    @property
    def cursor_key(self) -> Key | None:
        """The key of the row under the cursor, None when there is no row."""
        return self._order[self._cursor] if self._order else None

    @property
    def cursor_item(self) -> Item | None:
        """The item under the cursor, None when there is no row."""
        return self._items[self._order[self._cursor]] if self._order else None

    @property
    def needed_height(self) -> int:
        """The lines that titles, rows and foot take where there is room for all of them."""
        return HEADER_LINES + len(self._order) + bool(self._foot)

    @property
    def followed_key(self) -> Key | None:
        """The key of the row that the cursor goes with, None while it stays at the top."""
        return self.cursor_key if self._follows_row else None

    def follow_row(self) -> None:
        """Have the cursor go with its row from now on: a person put it there."""
        self._follows_row = True

    def show(self, order: Sequence[Key], items: Mapping[Any, Item]) -> None:
        """Show these rows in this order. Only visible lines that differ are painted again."""
        old_key, old_cursor = self.cursor_key, self._cursor
        moved = order is not self._order and order != self._order
        self._order, self._items = order, items
        if moved:
            self._painter.forget_all_but(items, self._rows_in_view)
            self._cursor = self._index_of(old_key, old_cursor) if self._follows_row else 0
            self._update_size()
            self._scroll_with_cursor(self._cursor - old_cursor)
        self._repaint()
        if self.cursor_key != old_key:
            self.post_message(self.CursorMoved())

    def move_to(self, index: int) -> None:
        """Put the cursor on the row at an index (clamped) and bring it into view."""
        self.follow_row()
        if not self._order:
            return
        old_cursor = self._cursor
        self._cursor = min(max(index, 0), len(self._order) - 1)
        if self._cursor != old_cursor:
            self._scroll_into_view()
            self._repaint()
            self.post_message(self.CursorMoved())

    def move_to_key(self, key: Key) -> None:
        """Put the cursor on the row of a key, where it is shown."""
        if key in self._order:
            self.move_to(self._order.index(key))

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self.move_to(self._cursor + by)

    def action_page(self, pages: float) -> None:
        """Move the cursor by some pages."""
        self.move_to(self._cursor + int(pages * max(self._rows_in_view - 1, 2)))

    def action_next(self, step: int) -> None:
        """Move the cursor by some rows, round and round."""
        if self._order:
            self.move_to((self._cursor + step) % len(self._order))

    def action_edge(self, direction: int) -> None:
        """Move the cursor to the first or last row."""
        self.move_to(0 if direction < 0 else len(self._order) - 1)

    def action_pan(self, direction: int) -> None:
        """Show the columns further left or right, where the rows are wider than the table."""
        self.scroll_to(x=self.scroll_x + direction * _PAN, animate=False, force=True)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Have the title under the mouse say what its column means."""
        column = self._titled(event.x) if event.y < HEADER_LINES else None
        self.tooltip = None if column is None else content(column.meaning)

    def _titled(self, x: int) -> Column[Any] | None:
        return column_at(self._columns, self._layout(), x + int(self.scroll_x) - 1)

    def on_click(self, event: events.Click) -> None:
        """Select the row that was clicked; one on the selected row opens it, one on a title sorts."""
        if event.y < HEADER_LINES:
            column = self._titled(event.x)
            if column is not None:
                self.post_message(self.TitleClicked(column))
            return
        index = int(self.scroll_y) + event.y - HEADER_LINES
        if index == len(self._order) and self._foot:
            self.post_message(self.FootClicked())
        if not 0 <= index < len(self._order):
            return
        if index == self._cursor:
            self.post_message(self.RowClicked())
        self.move_to(index)

    def on_resize(self) -> None:
        """Lay out again; the cursor stays in view."""
        self._update_size()
        self._scroll_into_view()
        self._see()
        self.refresh()

    def _index_of(self, key: Key | None, fallback: int) -> int:
        if key is not None and key in self._items:
            if fallback < len(self._order) and self._order[fallback] == key:
                return fallback
            try:
                return self._order.index(key)
            except ValueError:
                pass  # filtered out: it exists but is not shown
        return min(fallback, max(len(self._order) - 1, 0))

    def _scroll_with_cursor(self, shift: int) -> None:
        """Scroll with the cursor's row, except at the top: there new urgent rows must stay in sight."""
        if self.scroll_y > 0:
            self._jump(self.scroll_y + shift)
        self._scroll_into_view()

    def _scroll_into_view(self) -> None:
        top = int(self.scroll_y)
        if self._cursor < top:
            self._jump(self._cursor)
        elif self._cursor >= top + self._rows_in_view:
            self._jump(self._cursor - self._rows_in_view + 1)

    def _jump(self, y: float) -> None:
        self.scroll_to(y=y, animate=False, force=True)
