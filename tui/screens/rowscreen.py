"""All that the two row screens share: an order that can be chosen and frozen, marks, and a cursor by identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace
from textual import on

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.tui.commands import COMMANDS, Needs
from lockdeck.tui.screens.tablescreen import TableScreen
from lockdeck.tui.screens.targetscreen import TargetScreen
from lockdeck.tui.table.arrangement import Arrangement
from lockdeck.tui.table.marks import NONE, Marks, in_order, present_marks, toggled
from lockdeck.tui.table.rows import Row, RowKey
from lockdeck.tui.table.sorting import Sort
from lockdeck.tui.view.header import HeaderState, is_stale
from lockdeck.tui.view.lines import Line, line, span
from lockdeck.tui.widgets.table import Table


class RowScreen(TableScreen, TargetScreen):
    """A screen whose items are rows of the fleet."""

    def __init__(self, filter_text: str = "") -> None:
        super().__init__(filter_text)
        self._frozen: tuple[RowKey, ...] | None = None
        self._arranged = Arrangement()
        self._sort = Sort()
        self._marks: Marks = NONE

    def arranged(self, snapshot: FleetSnapshot, previous: Arrangement, sort: Sort) -> Arrangement:
        """Return the sorted rows of a snapshot; `previous` was made with the same sort."""
        raise NotImplementedError

    @property
    def items(self) -> Mapping[RowKey, Row]:
        """All rows of the snapshot that is shown."""
        return self._arranged.items

    @property
    def frozen(self) -> bool:
        """Return whether the order of rows is kept."""
        return self._frozen is not None

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
    def target_keys(self) -> tuple[RowKey, ...]:
        """The marked rows, shown or filtered out, in their order; else the selected one."""
        marked = in_order(self._marks, self._arranged.order) if self._marks else ()
        return marked or super().target_keys

    @property
    def target_rows(self) -> Sequence[Row]:
        """The marked rows, shown or filtered out; else the selected one."""
        marked = [row for key in self._marks if (row := self.items.get(key)) is not None]
        return marked or super().target_rows

    @property
    def hidden_keys(self) -> tuple[RowKey, ...]:
        """The marked rows that the filter hides."""
        visible = set(self.table.order) if self._marks else ()
        return tuple(key for key in in_order(self._marks, self._arranged.order) if key not in visible)

    @property
    def target_words(self) -> str:
        """The words for the marked rows, else for the selected one."""
        count, hidden = len(self._marks), len(self.hidden_keys)
        if not count:
            return super().target_words
        words = "the marked row" if count == 1 else f"each of the {count} marked rows"
        return f"{words} ({hidden} hidden by the filter {self.filter_text})" if hidden else words

    def command_mark(self) -> None:
        """Mark the selected row, or take its mark off, and go on to the next."""
        if self.selected_key is not None:
            self._mark(toggled(self._marks, self.selected_key))
            self.table.action_move(1)

    def command_unmark(self) -> None:
        """Take all marks off."""
        if not self._marks:
            self.deck_app.tell("no row is marked")
        self._mark(NONE)

    async def command_back(self) -> None:
        """Take all marks off; without any, return to the screen beneath."""
        if self._marks:
            self._mark(NONE)
        else:
            await super().command_back()

    def _mark(self, marks: Marks) -> None:
        self._marks = marks
        self.table.marked = marks
        self.update_header()
        self.refresh_bindings()

    def _drop_marks_of_removed(self) -> None:
        present = present_marks(self._marks, self._arranged.items)
        removed = len(self._marks) - len(present)
        if removed:
            self.deck_app.tell(
                f"{removed} marked row{'s' if removed > 1 else ''} left the fleet: no longer marked"
            )
            self._marks = self.table.marked = present

    def header_state(self) -> HeaderState:
        """Return how the dashboard stands now, marks included."""
        return replace(super().header_state(), marked=len(self._marks), marked_hidden=len(self.hidden_keys))

    def on_mount(self) -> None:
        """Name the column rows are sorted by at first."""
        super().on_mount()
        self._show_sort()

    def update_picture(self) -> None:
        """Show the rows of the deck's snapshot, and then the header, which counts what they show."""
        snapshot = self.deck_app.deck.displayed
        if snapshot is not None:
            self._arranged = self.arranged(snapshot, self._arranged, self._sort)
        self.table.show(self._order(), self._arranged.items)
        self._drop_marks_of_removed()
        super().update_picture()
        self.table.faded = is_stale(self.header_state())
        self.refresh_bindings()

    def tick(self) -> None:
        """Let occupation and forecast move on."""
        super().tick()
        self.table.tick()
        self.table.faded = is_stale(self.header_state())

    async def action_command(self, name: str) -> None:
        """Run the command of that id; one that is about the selected row makes the cursor stay with it."""
        if COMMANDS[name].needs is not Needs.NOTHING:
            self.table.follow_row()
        await super().action_command(name)

    def show_rows(self) -> None:
        """Show the rows that the filter lets through."""
        self.update_picture()

    def command_freeze(self) -> None:
        """Keep the order that is shown, or sort again."""
        self._frozen = tuple(self._arranged.order) if self._frozen is None else None
        self.update_picture()

    def command_sort_right(self) -> None:
        """Sort by the next column that is seen."""
        self._move_sort(1)

    def command_sort_left(self) -> None:
        """Sort by the previous column that is seen."""
        self._move_sort(-1)

    def _move_sort(self, step: int) -> None:
        self._sort_by(self._sort.neighbour(step, self.table.columns))

    def command_sort_reverse(self) -> None:
        """Sort the other way round."""
        self._sort_by(self._sort.opposite())

    @on(Table.TitleClicked)
    def _title_clicked(self, event: Table.TitleClicked) -> None:
        self._sort_by(self._sort.clicked(event.column))

    def _sort_by(self, sort: Sort) -> None:
        if sort == self._sort:
            self.deck_app.tell("no other column that is shown can be sorted by")
            return
        self._sort, self._arranged = sort, Arrangement()
        frozen, self._frozen = self.frozen, None
        self._show_sort()
        self.update_picture()
        if frozen:
            self.command_freeze()

    def _show_sort(self) -> None:
        self.table.show_sort(self._sort.column or self.TABLE.columns[0].name, self._sort.downward)

    def _order(self) -> Sequence[RowKey]:
        order, items = self._arranged.order, self._arranged.items
        if self._frozen is not None:
            order = self._frozen = thaw_into(self._frozen, order, items)
        return self.matching(order)

    def nothing_lines(self) -> list[Line]:
        """Say what was looked at when there is no row to show."""
        snapshot = self.deck_app.deck.displayed
        if snapshot is None:
            return []
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
    frozen_keys = set(frozen)
    return (*(key for key in frozen if key in items), *(key for key in order if key not in frozen_keys))
