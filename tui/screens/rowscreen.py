"""What the two row screens share: a table with a filter, a frozen order, and a cursor by identity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.widget import Widget

from backend.model.fleet import FleetSnapshot
from tui.commands.command import Needs
from tui.commands.go import Open
from tui.facts import facts
from tui.filter import parse
from tui.lines import Line, line, span
from tui.marks import NONE, Marks, in_order, kept, toggled
from tui.rows import Arrangement, Order, Row, RowKey
from tui.screens.base import DeckScreen
from tui.sorting import DEFAULT, Sort
from tui.summary import Mood, is_stale
from tui.widgets.columns import Column, pick
from tui.widgets.prompt import FilterPrompt
from tui.widgets.rowpainter import Cells
from tui.widgets.table import Table


class RowScreen(DeckScreen):
    """A screen whose body is a table of rows."""

    COLUMNS: ClassVar[tuple[Column, ...]] = ()

    def __init__(self, filter_text: str = "") -> None:
        super().__init__()
        self._frozen: tuple[RowKey, ...] | None = None
        self._filter_text = filter_text
        self._query = parse(filter_text)
        self._arranged = Arrangement()
        self._sort = Sort()
        self._marks: Marks = NONE

    @property
    def wanted_columns(self) -> Sequence[str]:
        """The names of the columns to show, in their order; none means all."""
        return ()

    def arranged(self, snapshot: FleetSnapshot, before: Arrangement, order: Order) -> Arrangement:
        """Return the rows of a snapshot in an order; `before` was made with the same."""
        raise NotImplementedError

    def cells(self, row: Row) -> tuple[Line, ...]:
        """Return the cells of a row."""
        raise NotImplementedError

    @property
    def table(self) -> Table[Row]:
        """The table."""
        return self.query_one(Table)

    @property
    def frozen(self) -> bool:
        """Whether the order of rows is kept."""
        return self._frozen is not None

    @property
    def filter_text(self) -> str:
        """The filter in force, empty without one."""
        return self._filter_text

    @property
    def selected_key(self) -> RowKey | None:
        """The row under the cursor, by identity."""
        tables = self.query(Table)
        key = tables.first().cursor_key if tables else None
        return key if isinstance(key, tuple) else None

    @property
    def selected_row(self) -> Row | None:
        """The row under the cursor."""
        tables = self.query(Table)
        return tables.first().cursor_item if tables else None

    @property
    def targets(self) -> tuple[RowKey, ...]:
        """The marked rows, shown or filtered out, in their order; else the selected one."""
        marked = in_order(self._marks, self._arranged.order) if self._marks else ()
        return marked or super().targets

    def toggle_mark(self) -> None:
        """Mark the selected row, or take its mark off, and go on to the next."""
        if self.selected_key is not None:
            self._mark(toggled(self._marks, self.selected_key))
            self.table.action_move(1)

    def let_go(self) -> bool:
        """Take all marks off."""
        had = bool(self._marks)
        self._mark(NONE)
        return had

    def _mark(self, marks: Marks) -> None:
        self._marks = marks
        self.table.marked = marks
        self.update_header()
        self.refresh_bindings()

    def _drop_marks_of_the_gone(self) -> None:
        still = kept(self._marks, self._arranged.items)
        gone = len(self._marks) - len(still)
        if gone:
            self.deck_app.tell(f"{gone} marked row{'s' if gone > 1 else ''} left the fleet: no longer marked")
            self._marks = self.table.marked = still

    def mood(self) -> Mood:
        """Return how the dashboard stands now, marks included."""
        shown = set(self.table.order) if self._marks else ()
        hidden = sum(key not in shown for key in self._marks)
        return replace(super().mood(), marked=len(self._marks), marked_hidden=hidden)

    def body(self) -> Iterable[Widget]:
        """Return table and filter prompt."""
        prompt = FilterPrompt()
        prompt.display = False
        picked = pick(self.COLUMNS, self.wanted_columns)
        columns = [self.COLUMNS[index] for index in picked]
        return (Table(columns, self._cells_of(picked), empty=self._nothing), prompt)

    def _cells_of(self, picked: Sequence[int]) -> Callable[[Row], Cells]:
        def picked_cells(row: Row) -> Cells:
            cells = self.cells(row)
            return tuple(cells[index] for index in picked)

        return picked_cells

    def on_mount(self) -> None:
        """Name the column rows are sorted by at first."""
        super().on_mount()
        self._name_sort()

    def update_picture(self) -> None:
        """Show the rows of the deck's snapshot."""
        super().update_picture()
        snapshot = self.deck_app.deck.shown
        if snapshot is not None:
            self._arranged = self.arranged(snapshot, self._arranged, self._sort.order)
        self.table.show(self._order(), self._arranged.items)
        self._drop_marks_of_the_gone()
        self.update_header()
        self.table.faded = is_stale(self.mood())
        self.refresh_bindings()

    def tick(self) -> None:
        """Let occupation and forecast move on."""
        super().tick()
        self.table.tick()
        self.table.faded = is_stale(self.mood())

    async def action_command(self, name: str) -> None:
        """Run the command of that id; one that is about the selected row makes the cursor stay with it."""
        if any(command.id == name and command.needs is not Needs.NOTHING for command in self.HERE):
            self.table.hold_on()
        await super().action_command(name)

    def ask_filter(self) -> None:
        """Open the filter prompt."""
        self.query_one(FilterPrompt).open(self._filter_text)

    def toggle_freeze(self) -> None:
        """Keep the order that is shown, or sort again."""
        self._frozen = tuple(self._arranged.order) if self._frozen is None else None
        self.update_picture()

    def move_sort(self, step: int) -> None:
        """Sort by the next or previous column that is seen."""
        self._sort_by(self._sort.moved(step, [column.name for column in self.table.columns]))

    def reverse_sort(self) -> None:
        """Sort the other way round."""
        self._sort_by(self._sort.reversed())

    def toggle_wide(self) -> None:
        """Show all columns, or those that fit."""
        self.table.wide = not self.table.wide

    @on(Table.TitleClicked)
    def _title_clicked(self, event: Table.TitleClicked) -> None:
        self._sort_by(self._sort.chosen(event.column))

    def _sort_by(self, sort: Sort) -> None:
        self._sort, self._arranged = sort, Arrangement()
        frozen, self._frozen = self.frozen, None
        self._name_sort()
        self.update_picture()
        if frozen:
            self.toggle_freeze()

    def _name_sort(self) -> None:
        first = self.COLUMNS[0].name
        self.table.name_sort(
            first if self._sort.column == DEFAULT else self._sort.column, self._sort.downward
        )

    @on(FilterPrompt.Applied)
    def _apply(self, event: FilterPrompt.Applied) -> None:
        self._filter_text, self._query = event.text, event.query
        self.update_picture()

    @on(FilterPrompt.Closed)
    def _close(self) -> None:
        self.table.focus()

    @on(Table.Moved)
    def _moved(self) -> None:
        self.refresh_bindings()

    @on(Table.Chosen)
    async def _chosen(self) -> None:
        await Open.run(self)

    def _order(self) -> Sequence[RowKey]:
        order, items = self._arranged.order, self._arranged.items
        if self._frozen is not None:
            order = self._frozen = thaw_into(self._frozen, order, items)
        if not self._query.terms:
            return order
        return tuple(key for key in order if self._query.matches(facts(items[key])))

    def _nothing(self) -> list[Line]:
        """Say what was looked at when there is no row to show."""
        snapshot = self.deck_app.deck.shown
        if snapshot is None:
            return []
        if self._arranged.order:
            return [line(), line(span(f"No row matches {self._filter_text}", "dim"))]
        looked = [line(span(f"  {root.path} ({root.era}, {root.watch})", "dim")) for root in snapshot.roots]
        return [
            line(),
            line(span(self.nothing)),
            *(looked or [line(span("  no OpenClaw root was found", "dim"))]),
        ]

    @property
    def nothing(self) -> str:
        """The sentence for a fleet with nothing to show."""
        return "Nothing to show. Looked at:"


def thaw_into(
    frozen: tuple[RowKey, ...], order: Sequence[RowKey], items: Mapping[RowKey, Row]
) -> tuple[RowKey, ...]:
    """Return the frozen order without rows that went, and with new rows at its end."""
    known = set(frozen)
    return (*(key for key in frozen if key in items), *(key for key in order if key not in known))
