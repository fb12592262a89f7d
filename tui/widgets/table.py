"""A virtual table: any number of rows, only visible ones are made, only changed ones are painted.

Rows are known by key. Cursor and scroll position follow the key through re-sorting, inserting and removing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from lockdeck.tui.table.column import CellContext, Column
from lockdeck.tui.table.layout import Layout, column_at, lay_out, total_width
from lockdeck.tui.view.lines import EMPTY, Line
from lockdeck.tui.widgets.painting import dress, repaint_on_theme_change
from lockdeck.tui.widgets.rowpainter import MARGIN, Key, RowLook, RowPainter
from lockdeck.tui.widgets.tableheader import header_line

Item = TypeVar("Item")
_HEADER = 1
_PAN = 8


class Table(ScrollView, Generic[Item], can_focus=True):
    """Shows `items` in an order, one a row; `context()` gives what cells show beside their item."""

    DEFAULT_CSS = "Table { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("left", "pan(-1)", "Left", show=False),
        Binding("right", "pan(1)", "Right", show=False),
        Binding("home", "edge(-1)", "First", show=False),
        Binding("end", "edge(1)", "Last", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another row."""

    class Chosen(Message):
        """A row was clicked while the cursor stood on it."""

    class TitleClicked(Message):
        """The title of a column was clicked."""

        def __init__(self, column: Column[Any]) -> None:
            super().__init__()
            self.column = column

    def __init__(
        self,
        columns: Sequence[Column[Item]],
        context: Callable[[], CellContext],
        *,
        empty: Callable[[], Sequence[Line]] = tuple,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._empty = empty
        self._order: Sequence[Key] = ()
        self._items: Mapping[Any, Item] = {}
        self._cell_context = context
        self._rows: RowPainter[Item] = RowPainter(self._columns, context)
        self._cursor = 0
        self._faded = False
        self._marked: Set[Any] = frozenset()
        self._touched = False
        self._wide = False
        self._sorted_by, self._downward = "", True

    def on_mount(self) -> None:
        """Follow the theme."""
        repaint_on_theme_change(self)

    @property
    def cursor_key(self) -> Key | None:
        """The key of the row under the cursor, None when there is no row."""
        return self._order[self._cursor] if self._order else None

    @property
    def cursor_item(self) -> Item | None:
        """The item under the cursor, None when there is no row."""
        return self._items[self._order[self._cursor]] if self._order else None

    @property
    def order(self) -> Sequence[Key]:
        """The keys in the order shown."""
        return self._order

    @property
    def faded(self) -> bool:
        """Whether the rows are shown as old news."""
        return self._faded

    @faded.setter
    def faded(self, faded: bool) -> None:
        if faded != self._faded:
            self._faded = faded
            self.refresh()

    @property
    def marked(self) -> Set[Any]:
        """The keys of the rows shown with a mark."""
        return self._marked

    @marked.setter
    def marked(self, keys: Set[Any]) -> None:
        before = self._window()
        self._marked = keys
        self._repaint(before)

    @property
    def columns(self) -> Sequence[Column[Item]]:
        """The columns that are visible, in their order."""
        return [self._columns[index] for index, _width in self._layout()]

    @property
    def wide(self) -> bool:
        """Whether all columns are shown, however narrow the table is."""
        return self._wide

    @wide.setter
    def wide(self, wide: bool) -> None:
        self._wide = wide
        self.virtual_size = self._whole_size()
        self.scroll_to(x=0, animate=False, force=True)
        self.refresh()

    def set_columns(self, columns: Sequence[Column[Item]]) -> None:
        """Show these columns from now on."""
        self._columns = tuple(columns)
        self._rows = RowPainter(self._columns, self._cell_context)
        self.virtual_size = self._whole_size()
        self.scroll_to(x=0, animate=False, force=True)
        self.refresh()

    def name_sort(self, column: str, downward: bool) -> None:
        """Show at its title by which column rows are sorted; the order itself comes with `show`."""
        self._sorted_by, self._downward = column, downward
        self.refresh(Region(0, 0, self.size.width, _HEADER))

    def hold_on(self) -> None:
        """Follow the row under the cursor from now on: a person has chosen it."""
        self._touched = True

    def show(self, order: Sequence[Key], items: Mapping[Any, Item]) -> None:
        """Show these rows in this order. Only visible lines that differ are painted again."""
        before = self._window()
        old_key, old_cursor, had_rows = self.cursor_key, self._cursor, bool(self._order)
        moved = order != self._order
        self._order, self._items = order, items
        if moved:
            self._rows.forget_all_but(items, self._rows_in_view)
            self._cursor = self._place_of(old_key, old_cursor) if self._touched else 0
            self.virtual_size = self._whole_size()
            self._keep_in_place(self._cursor - old_cursor)
        self._repaint(before, everything=not order or not had_rows)
        if self.cursor_key != old_key:
            self.post_message(self.Moved())

    def tick(self) -> None:
        """Make the visible rows anew, for cells that show the passing of time."""
        before = self._window()
        self._rows.let_time_pass()
        self._repaint(before)

    def move_to(self, index: int) -> None:
        """Put the cursor on the row at an index (clamped) and bring it into view."""
        self.hold_on()
        if not self._order:
            return
        before = self._window()
        old = self._cursor
        self._cursor = min(max(index, 0), len(self._order) - 1)
        if self._cursor != old:
            self._scroll_into_view()
            self._repaint(before)
            self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self.move_to(self._cursor + by)

    def action_page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self.move_to(self._cursor + direction * max(self._rows_in_view - 1, 1))

    def action_edge(self, direction: int) -> None:
        """Move the cursor to the first or last row."""
        self.move_to(0 if direction < 0 else len(self._order) - 1)

    def action_pan(self, direction: int) -> None:
        """Show the columns further left or right, where the rows are wider than the table."""
        self.scroll_to(x=self.scroll_x + direction * _PAN, animate=False, force=True)

    def on_click(self, event: events.Click) -> None:
        """Select the row that was clicked; a click on the selected row chooses it, one on a title sorts."""
        if event.y < _HEADER:
            column = column_at(self._columns, self._layout(), event.x + int(self.scroll_x) - 1)
            if column is not None:
                self.post_message(self.TitleClicked(column))
            return
        index = int(self.scroll_y) + event.y - _HEADER
        if not 0 <= index < len(self._order):
            return
        if index == self._cursor:
            self.post_message(self.Chosen())
        self.move_to(index)

    def on_resize(self) -> None:
        """Lay out again; the cursor stays in view."""
        self.virtual_size = self._whole_size()
        self._scroll_into_view()
        self.refresh()

    def on_focus(self) -> None:
        """Show the cursor as active."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return the strip of one visible line."""
        left, width = int(self.scroll_x), self.size.width
        return self._whole_line(y, self._row_width).crop(left, left + width)

    def _whole_line(self, y: int, width: int) -> Strip:
        if y < _HEADER:
            return self._header(width)
        if not self._order:
            return self._empty_line(y - _HEADER, width)
        index = int(self.scroll_y) + y - _HEADER
        if index >= len(self._order):
            return dress(self).stylebook.strip(EMPTY, width)
        return self._row(index, width)

    # -- rows -------------------------------------------------------------------------------------

    def _header(self, width: int) -> Strip:
        look = dress(self)
        titles = header_line(
            self._columns,
            width,
            sorted_by=self._sorted_by,
            arrow=look.symbols.down if self._downward else look.symbols.up,
            ellipsis=look.symbols.ellipsis,
            wide=self._wide,
        )
        return look.stylebook.strip(titles, width, "panel")

    def _layout(self) -> Layout:
        return lay_out(self._columns, self._row_width - 2, self._wide)

    @property
    def _row_width(self) -> int:
        """How wide rows are: as the table, or, when all columns are shown, as wide as they need at least."""
        return (
            max(self.size.width, total_width(self._columns, wide=True) + 2) if self._wide else self.size.width
        )

    def _whole_size(self) -> Size:
        return Size(self._row_width, len(self._order) + _HEADER)

    def _row(self, index: int, width: int) -> Strip:
        key, look = self._order[index], dress(self)
        ground = "cursor" if index == self._cursor else "base"
        mark = look.symbols.mark if key in self._marked else ""
        row_look = RowLook(
            look.stylebook, look.symbols.ellipsis, width, ground, self._faded, mark, self._wide
        )
        return self._rows.strip(key, self._items[key], row_look)

    def _empty_line(self, y: int, width: int) -> Strip:
        words = self._empty()
        row = words[y] if y < len(words) else EMPTY
        return dress(self).stylebook.strip((MARGIN, *row) if row else EMPTY, width)

    # -- keeping place ----------------------------------------------------------------------------

    @property
    def _rows_in_view(self) -> int:
        return max(self.size.height - _HEADER, 1)

    def _window(self) -> list[tuple[Key, int, bool, bool]]:
        """Return what stands on each visible line: key, version of its cells, cursor, mark."""
        top = int(self.scroll_y)
        indices = range(top, min(top + self._rows_in_view, len(self._order)))
        keys = [self._order[index] for index in indices]
        versions = [self._rows.version(key, self._items[key]) for key in keys]
        return [
            (key, versions[at], top + at == self._cursor, key in self._marked) for at, key in enumerate(keys)
        ]

    def _repaint(self, before: list[tuple[Key, int, bool, bool]], *, everything: bool = False) -> None:
        after = self._window()
        if everything or len(before) != len(after):
            self.refresh()
            return
        width = self.size.width
        changed = [y for y, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        if changed:
            self.refresh(*(Region(0, y + _HEADER, width, 1) for y in changed))

    def _place_of(self, key: Key | None, fallback: int) -> int:
        if key is not None and key in self._items:
            try:
                return self._order.index(key)
            except ValueError:
                pass  # filtered out: it exists but is not shown
        return min(fallback, max(len(self._order) - 1, 0))

    def _keep_in_place(self, shift: int) -> None:
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
