"""The look of a table: a header and the visible rows; only lines that changed are painted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Generic, TypeVar

from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from lockdeck.tui.table.column import CellContext, Column
from lockdeck.tui.table.layout import Layout, lay_out, total_width
from lockdeck.tui.view.lines import EMPTY, Line
from lockdeck.tui.widgets.appearance import appearance_of, repaint_on_theme_change
from lockdeck.tui.widgets.rowpainter import MARGIN, Key, RowLook, RowPainter
from lockdeck.tui.widgets.tableheader import header_line

Item = TypeVar("Item")
HEADER_LINES = 1

VisibleLine = tuple[Key, int, bool, bool]
"""The key of a line's row, the version of its cells, whether the cursor is on it, whether it is marked."""


class TableCanvas(ScrollView, Generic[Item]):
    """Paints items in an order, one a row; `context()` gives what cells show beside their item."""

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
        self._cell_context = context
        self._empty = empty
        self._order: Sequence[Key] = ()
        self._items: Mapping[Any, Item] = {}
        self._painter: RowPainter[Item] = RowPainter(self._columns, context)
        self._cursor = 0
        self._faded = False
        self._marked: Set[Any] = frozenset()
        self._wide = False
        self._sorted_by, self._downward = "", True

    def on_mount(self) -> None:
        """Follow the theme."""
        repaint_on_theme_change(self)

    @property
    def order(self) -> Sequence[Key]:
        """The keys in the order of the rows."""
        return self._order

    @property
    def faded(self) -> bool:
        """True while the rows are shown as old news."""
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
        previous = self._visible_lines()
        self._marked = keys
        self._repaint(previous)

    @property
    def columns(self) -> Sequence[Column[Item]]:
        """The columns that are visible, in their order."""
        return [self._columns[index] for index, _width in self._layout()]

    @property
    def wide(self) -> bool:
        """True while all columns are shown, however narrow the table is."""
        return self._wide

    @wide.setter
    def wide(self, wide: bool) -> None:
        self._wide = wide
        self._lay_out_again()

    def set_columns(self, columns: Sequence[Column[Item]]) -> None:
        """Show these columns from now on."""
        self._columns = tuple(columns)
        self._painter = RowPainter(self._columns, self._cell_context)
        self._lay_out_again()

    def show_sort(self, column: str, downward: bool) -> None:
        """Show at its title by which column rows are sorted; the order itself comes with `show`."""
        self._sorted_by, self._downward = column, downward
        self.refresh(Region(0, 0, self.size.width, HEADER_LINES))

    def tick(self) -> None:
        """Make the visible rows anew, for cells that show the passing of time."""
        previous = self._visible_lines()
        self._painter.let_time_pass()
        self._repaint(previous)

    def on_focus(self) -> None:
        """Show the cursor as active."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return the strip of one visible line."""
        start = int(self.scroll_x)
        return self._line(y, self._row_width).crop(start, start + self.size.width)

    def _line(self, y: int, width: int) -> Strip:
        if y < HEADER_LINES:
            return self._header(width)
        if not self._order:
            return self._empty_line(y - HEADER_LINES, width)
        index = int(self.scroll_y) + y - HEADER_LINES
        if index >= len(self._order):
            return appearance_of(self).stylebook.strip(EMPTY, width)
        return self._row(index, width)

    def _header(self, width: int) -> Strip:
        look = appearance_of(self)
        titles = header_line(
            self._columns,
            width,
            sorted_by=self._sorted_by,
            arrow=look.symbols.down if self._downward else look.symbols.up,
            ellipsis=look.symbols.ellipsis,
            wide=self._wide,
        )
        return look.stylebook.strip(titles, width, "panel")

    def _row(self, index: int, width: int) -> Strip:
        key, look = self._order[index], appearance_of(self)
        ground = "cursor" if index == self._cursor else "base"
        mark = look.symbols.mark if key in self._marked else ""
        row_look = RowLook(
            look.stylebook, look.symbols.ellipsis, width, ground, self._faded, mark, self._wide
        )
        return self._painter.strip(key, self._items[key], row_look)

    def _empty_line(self, y: int, width: int) -> Strip:
        rows = self._empty()
        row = rows[y] if y < len(rows) else EMPTY
        return appearance_of(self).stylebook.strip((MARGIN, *row) if row else EMPTY, width)

    def _layout(self) -> Layout:
        return lay_out(self._columns, self._row_width - 2, self._wide)

    @property
    def _row_width(self) -> int:
        """The width of rows: that of the table, or, when all columns are shown, what they need at least."""
        needed = total_width(self._columns, wide=True) + 2 if self._wide else 0
        return max(self.size.width, needed)

    @property
    def _rows_in_view(self) -> int:
        return max(self.size.height - HEADER_LINES, 1)

    def _update_size(self) -> None:
        self.virtual_size = Size(self._row_width, len(self._order) + HEADER_LINES)

    def _lay_out_again(self) -> None:
        self._update_size()
        self.scroll_to(x=0, animate=False, force=True)
        self.refresh()

    def _visible_lines(self) -> list[VisibleLine]:
        top = int(self.scroll_y)
        indices = range(top, min(top + self._rows_in_view, len(self._order)))
        return [
            (key, self._painter.version(key, self._items[key]), index == self._cursor, key in self._marked)
            for index in indices
            for key in (self._order[index],)
        ]

    def _repaint(self, previous: list[VisibleLine], *, everything: bool = False) -> None:
        """Paint the lines that differ from the previous ones."""
        current = self._visible_lines()
        if everything or len(previous) != len(current):
            self.refresh()
            return
        width = self.size.width
        changed = [y for y, (old, new) in enumerate(zip(previous, current, strict=True)) if old != new]
        if changed:
            self.refresh(*(Region(0, y + HEADER_LINES, width, 1) for y in changed))
