"""All that the two row screens share beside their order: marks, a cursor by identity, and an answer about its row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, cast

from msgspec.structs import replace
from textual import on
from textual.containers import Container
from textual.widget import Widget

from lockdeck.backend.model.fleet import LockView, SessionView
from lockdeck.backend.model.words import times
from lockdeck.tui.afterwards import after_refresh
from lockdeck.tui.commands import COMMANDS, Needs
from lockdeck.tui.screens.orderscreen import OrderScreen
from lockdeck.tui.screens.targetscreen import TargetScreen
from lockdeck.tui.table.marks import NONE, Marks, present_marks, toggled
from lockdeck.tui.table.naming import cut_names
from lockdeck.tui.table.rows import Row
from lockdeck.tui.view.answer import SessionAnswer
from lockdeck.tui.view.cause import cause_rows
from lockdeck.tui.view.header import HeaderState, is_stale
from lockdeck.tui.view.lines import EMPTY, Line, join, line, span, wrap
from lockdeck.tui.view.names import RowKey, row_key
from lockdeck.tui.view.nothing import no_host_rows, no_rows
from lockdeck.tui.view.preview import (
    LEAST_ROOM,
    MOST_ROOM,
    RULED,
    TWICE_ROOM,
    RoomOfKinds,
    Shares,
    answer_about,
    answer_page,
    needs,
    preview,
    row_name,
)
from lockdeck.tui.view.printed.commands import incident_of
from lockdeck.tui.view.severity import state_word
from lockdeck.tui.widgets.causeline import CauseLine
from lockdeck.tui.widgets.lineview import LineView
from lockdeck.tui.widgets.table import Table

BESIDE_FROM = 160
"""From so many columns on the answer stands beside the rows."""
ROOMY_FROM = 34
"""From so many lines on the answer has eleven lines at least."""


class RowScreen(OrderScreen, TargetScreen):
    """A screen whose items are rows of the fleet."""

    NOTHING: ClassVar[str]
    """The words for what there is none of in an empty fleet."""

    def __init__(self, filter_text: str = "") -> None:
        super().__init__(filter_text)
        self._marks: Marks = NONE
        self._room_used = LEAST_ROOM
        self._room_of_kinds = RoomOfKinds()

    @property
    def exempt_keys(self) -> Marks:
        """The rows that are never folded: the marked ones and the one that the cursor goes with."""
        return self._marks | super().exempt_keys

    @property
    def selected_key(self) -> RowKey | None:
        """The row under the cursor, by identity."""
        row = self.selected_row
        return None if row is None else row_key(row)

    @property
    def selected_row(self) -> Row | None:
        """The row under the cursor."""
        row = self.cursor_item
        return row if isinstance(row, SessionView | LockView) else None

    @property
    def target_keys(self) -> tuple[RowKey, ...]:
        """The marked rows, shown or filtered out, in their order; else the selected one."""
        return self.rows.in_order(self._marks) or super().target_keys

    @property
    def target_rows(self) -> Sequence[Row]:
        """The marked rows, shown or filtered out; else the selected one."""
        marked = [row for key in self._marks if (row := self.items.get(key)) is not None]
        return marked or super().target_rows

    @property
    def hidden_keys(self) -> tuple[RowKey, ...]:
        """The marked rows that the filter hides."""
        return self.rows.in_order(key for key in self._marks if not self.rows.shows(key))

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

    def command_mark_all(self) -> None:
        """Mark every row that is shown."""
        self._mark(self._marks | frozenset(cast("Sequence[RowKey]", self.table.order)))
        self.deck_app.tell(f"{times(len(self._marks), 'row')} marked" if self._marks else "no row is shown")

    async def command_back(self) -> None:
        """Take off the filter, then the marks; without either, return to the screen beneath."""
        if self._marks and self.filter_text in ("", self._opened_with):
            self._mark(NONE)
        else:
            await super().command_back()

    def _mark(self, marks: Marks) -> None:
        self._marks = marks
        self.table.marked = marks
        self.update_header()
        self.refresh_bindings()

    def _drop_marks_of_removed(self) -> None:
        present = present_marks(self._marks, self.items)
        removed = len(self._marks) - len(present)
        if removed:
            self.deck_app.tell(
                f"{removed} marked row{'s' if removed > 1 else ''} left the fleet: no longer marked"
            )
            self._marks = self.table.marked = present

    def header_state(self) -> HeaderState:
        """Return how the dashboard stands now, marks included."""
        return replace(super().header_state(), marked=len(self._marks), marked_hidden=len(self.hidden_keys))

    def update_picture(self) -> None:
        """Show the rows, and then the header, which counts what they show."""
        self.show_order()
        self._drop_marks_of_removed()
        super().update_picture()
        self.table.faded = is_stale(self.header_state())
        self.refresh_bindings()
        self._show_preview()

    def body(self) -> Iterable[Widget]:
        """Return the cause above the rows, and the answer about the selected one under or beside them."""
        table, prompt = super().body()
        return (CauseLine("panel", id="cause"), Container(table, LineView(id="preview"), id="rows"), prompt)

    def tick(self) -> None:
        """Let occupation and forecast move on."""
        super().tick()
        self.table.tick()
        self.table.faded = is_stale(self.header_state())
        self._show_preview()

    @on(Table.CursorMoved)
    def _show_preview(self) -> None:
        """Show the causes there are, and the answer about the selected row."""
        app, row, snapshot = self.deck_app, self.selected_row, self.deck_app.deck.displayed
        now, symbols = app.picture_time(), app.symbols
        if snapshot is None:
            return
        hint = join(map(self._hint, ("cause", "cancel_cause")), span("  "))
        self.query_one(CauseLine).show(lambda width: list(cause_rows(snapshot, now, hint, symbols, width)))
        about = None if row is None else self._answer_about(row)

        def lines(width: int) -> Sequence[Line]:
            if row is None or about is None:
                return ()
            if self.size.width >= BESIDE_FROM:
                title = line(span(" "), span(row_name(row), "heading"))
                page = answer_page(row, about, self.answer_key, width, apart=self.size.height >= ROOMY_FROM)
                return [*wrap(title, width, indent=1), EMPTY, *page]
            name = self._unmistakable_name(row, width - RULED)
            shares = self._shares_of(row, about, width)
            return list(preview(name, row, about, self.answer_key, symbols, width, shares))

        self._room_used = self._preview_room
        view = self.query_one("#preview", LineView)
        view.show(lines)
        under = self.size.width < BESIDE_FROM and view.display
        self.lift_toasts(len(view.lines) if under else 0)
        after_refresh(self, self._fit_preview)

    def _answer_about(self, row: Row) -> SessionAnswer:
        """Return the answer about a row of the picture."""
        app, snapshot = self.deck_app, self.deck_app.deck.displayed
        incident = None
        if snapshot is not None and isinstance(row, SessionView):
            incident = incident_of(snapshot, row)
        return answer_about(row, app.time_of(row), incident, app.jobs.releases)

    def _shares_of(self, row: Row, about: SessionAnswer, width: int) -> Shares:
        """Return the lines of each part of a row's answer, the same for all rows in sight that are of its kind."""
        kind = state_word(row)

        def alike() -> Iterator[Shares]:
            for other in filter(None, map(self.items.get, self.table.keys_in_sight)):
                if state_word(other) == kind:
                    yield needs(other, self._answer_about(other), self.answer_key, width)

        own = needs(row, about, self.answer_key, width)
        return self._room_of_kinds.shares(kind, own, alike, width, self._room_used)

    def _fit_preview(self) -> None:
        """Show the answer again where the layout left it another room than there was before."""
        if self._preview_room != self._room_used:
            self._show_preview()

    @property
    def _preview_room(self) -> int:
        """The lines for the answer under the rows: all that the rows leave free, and some in any case."""
        free = self.query_one("#rows").size.height - self.table.needed_height
        least = TWICE_ROOM if self.size.height >= ROOMY_FROM else LEAST_ROOM
        return min(max(free, least), MOST_ROOM)

    def on_resize(self) -> None:
        """Give the answer the room there is now."""
        after_refresh(self, self._show_preview)

    def _unmistakable_name(self, row: Row, width: int) -> str:
        """Return the name of a row in so many cells, as no other row has it that is in sight."""
        name, items = row_name(row), (self.items.get(key) for key in self.table.keys_in_sight)
        seen = (row_name(item) for item in items if item is not None)
        return cut_names((name, *seen), max(width, 8), self.deck_app.symbols.ellipsis).get(name, name)

    def _hint(self, command: str) -> Line:
        key = self.answer_key(command)
        return line(span(key, "accent"), span(f" {COMMANDS[command].label.lower()} ", "dim")) if key else ()

    @on(CauseLine.Wanted)
    def _open_cause(self) -> None:
        self.command_cause()

    @on(CauseLine.Left)
    def _leave_cause(self) -> None:
        self.table.focus()

    async def action_command(self, name: str) -> None:
        """Run the command of that id; one that is about the selected row makes the cursor stay with it."""
        if COMMANDS[name].needs is not Needs.NOTHING:
            self.table.follow_row()
        await super().action_command(name)

    def nothing_lines(self) -> list[Line]:
        """Say what was looked at when there is no row to show, and what to do next."""
        snapshot = self.deck_app.deck.displayed
        if snapshot is None:
            return []
        words = no_host_rows if self.deck_app.on_hosts else no_rows
        return list(words(snapshot, self.NOTHING))
