"""The look of a table: a header and the visible rows; only lines that changed are painted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Generic, TypeVar

from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from lockdeck.tui.table.column import CellContext, Column
from lockdeck.tui.table.layout import Layout, lay_out, total_width
from lockdeck.tui.view.hosts import is_lost
from lockdeck.tui.view.lines import EMPTY, Line, wrap
from lockdeck.tui.widgets.appearance import appearance_of, repaint_on_theme_change
from lockdeck.tui.widgets.rowpainter import MARGIN, Key, Names, RowLook, RowPainter
from lockdeck.tui.widgets.tableheader import header_line

Item = TypeVar("Item")
HEADER_LINES = 1

VisibleLine = tuple[Key, int, bool, bool, Names]
"""The key of a line's row, the version of its cells, whether the cursor is on it, whether it is marked, cut names."""


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
        self._foot: Line = EMPTY
        self._lines: Sequence[VisibleLine] = ()
        self._said: Sequence[Line] = ()
        self._words: tuple[Sequence[Line], int] = ((), 0)
        self._named: tuple[object, ...] = ()
        self._names: Mapping[Key, Names] = {}
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
    def keys_in_sight(self) -> Sequence[Key]:
        """The keys of the rows that are seen."""
        top = int(self.scroll_y)
        return self._order[top : top + self._rows_in_view]

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
        self._marked = keys
        self._repaint()

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

    def show_foot(self, foot: Line) -> None:
        """Show a line under the last row; an empty one takes it away."""
        if foot != self._foot:
            self._foot = foot
            self._update_size()
            self.refresh()

    def show_sort(self, column: str, downward: bool) -> None:
        """Show at its title by which column rows are sorted; the order itself comes with `show`."""
        self._sorted_by, self._downward = column, downward
        self.refresh(Region(0, 0, self.size.width, HEADER_LINES))

    def tick(self) -> None:
        """Make the visible rows anew, for cells that show the passing of time."""
        self._painter.let_time_pass()
        self._repaint()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Name the rows that come into sight."""
        super().watch_scroll_y(old_value, new_value)
        self._see()

    def on_focus(self) -> None:
        """Show the cursor as active."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return the strip of one visible line."""
        if self._named[2:] != (self._row_width, self._wide):
            self._see()  # a new size can be painted before its event has come
        start = int(self.scroll_x)
        return self._line(y, self._row_width).crop(start, start + self.size.width)

    def _line(self, y: int, width: int) -> Strip:
        if y < HEADER_LINES:
            return self._header(width)
        if not self._order:
            return self._instead_of_rows(y - HEADER_LINES, width)
        index = int(self.scroll_y) + y - HEADER_LINES
        if index >= len(self._order):
            below = self._foot if index == len(self._order) else EMPTY
            return appearance_of(self).stylebook.strip(below, width)
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
        names = self._names.get(key, ())
        item, ellipsis = self._items[key], look.symbols.ellipsis
        row_look = RowLook(
            look.stylebook, ellipsis, width, ground, self._faded or is_lost(item), mark, self._wide, names
        )
        return self._painter.strip(key, item, row_look)

    def _instead_of_rows(self, y: int, width: int) -> Strip:
        row = self._said[y] if y < len(self._said) else EMPTY
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
        self.virtual_size = Size(self._row_width, len(self._order) + HEADER_LINES + bool(self._foot))

    def _lay_out_again(self) -> None:
        self._update_size()
        self.scroll_to(x=0, animate=False, force=True)
        self._see()
        self.refresh()

    def _see(self) -> tuple[Sequence[VisibleLine], Sequence[Line]]:
        """Make the lines that are in sight; return those that were. Whoever calls it has them painted where they differ.

        They are rows, or what is said instead of them.
        """
        previous = self._lines, self._said
        self._lines, self._said = self._visible_lines(), () if self._order else self._wrapped_words()
        return previous

    def _wrapped_words(self) -> Sequence[Line]:
        rows, width = words = self._empty(), self._row_width - 2
        if words != self._words or not self._said:
            self._words = words
            return [part for row in rows for part in (wrap(row, width) if row else (EMPTY,))]
        return self._said

    def _visible_lines(self) -> Sequence[VisibleLine]:
        top, keys = int(self.scroll_y), self.keys_in_sight
        self._painter.lay_out(self._row_width, self._wide)
        ellipsis = appearance_of(self).symbols.ellipsis
        versions = [self._painter.version(key, self._items[key]) for key in keys]
        named = (self._painter, tuple(versions), self._row_width, self._wide)
        if named != self._named:
            self._named = named
            self._names = self._painter.cut_names([(key, self._items[key]) for key in keys], ellipsis)
        return [
            (key, version, index == self._cursor, key in self._marked, self._names.get(key, ()))
            for index, (key, version) in enumerate(zip(keys, versions, strict=True), top)
        ]

    def _repaint(self) -> None:
        """Paint the lines that differ from those before."""
        rows, said = self._see()
        if len(rows) != len(self._lines) or len(said) != len(self._said):
            self.refresh()
            return
        width = self.size.width
        pairs = zip((*rows, *said), (*self._lines, *self._said), strict=True)
        changed = [y for y, (old, new) in enumerate(pairs) if old != new]
        if changed:
            self.refresh(*(Region(0, y + HEADER_LINES, width, 1) for y in changed))
