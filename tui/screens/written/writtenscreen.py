"""A table of what was written about one session: read beside the UI, again each second, its end in sight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from textual.message import Message
from textual.widget import Widget

from lockdeck.backend.model.fleet import RootView, SessionView
from lockdeck.backend.watch.records.records import SessionRecords
from lockdeck.tui.background import WorkFailed, post, run_in_thread
from lockdeck.tui.screens.tablescreen import TableScreen
from lockdeck.tui.table.rows import Row
from lockdeck.tui.targets import Target, targets_of
from lockdeck.tui.view.hosts import stays_there
from lockdeck.tui.view.lines import Line, line, span, wrap
from lockdeck.tui.view.names import RowKey
from lockdeck.tui.widgets.lineview import LineView
from lockdeck.tui.widgets.table import Table


class WrittenScreen(TableScreen):
    """Follows one row of the fleet by identity. `WORK` names the thread that reads."""

    WORK: ClassVar[str]

    def __init__(self, key: RowKey) -> None:
        super().__init__()
        self._key = key
        self._target: Target | None = None
        self._busy = False
        self._problem = ""
        self._rows: Mapping[Any, Any] = {}

    def reading(self, records: SessionRecords, session: SessionView, root: RootView | None) -> Message | None:
        """Read in a thread, and return what was read; None where there is nothing to read."""
        raise NotImplementedError

    def state_lines(self) -> Iterable[Line]:
        """Return what stands above the table."""
        raise NotImplementedError

    def selected_lines(self) -> Iterable[Line]:
        """Return what stands under the table about the selected row."""
        return ()

    @property
    def session(self) -> SessionView | None:
        """The session, as it was seen last."""
        return None if self._target is None else self._target.session

    @property
    def selected_key(self) -> RowKey | None:
        """The row this screen is about."""
        return self._key

    @property
    def crumb(self) -> str:
        """The name of this table; whose it is stands above its rows."""
        return self.TABLE.name.capitalize()

    @property
    def items(self) -> Mapping[Any, Any]:
        """All rows, oldest first."""
        return self._rows

    def matching(self, order: Sequence[Any]) -> Sequence[Any]:
        """Return the keys whose rows are shown: those that the filter lets through."""
        return self.found(order)

    def found(self, order: Sequence[Any]) -> Sequence[Any]:
        """Return the keys whose rows the filter lets through."""
        return [key for key in order if self._query.matches(self.items[key])]

    def body(self) -> Iterable[Widget]:
        """Return the table between what is said of all of it and of its selected row."""
        table, prompt = super().body()
        return (LineView(id="written-state"), table, LineView("panel", id="written-row"), prompt)

    def update_picture(self) -> None:
        """Look the session up again, and read what was written since."""
        super().update_picture()
        snapshot = self.deck_app.deck.displayed
        targets = targets_of([self._key], snapshot) if snapshot is not None else ()
        self._target = targets[0] if targets else self._target
        self.read()
        self.show_rows()

    def tick(self) -> None:
        """Read what was written since."""
        super().tick()
        self.read()

    def read(self) -> None:
        """Have it read, unless that goes on or the picture is paused."""
        records, target = self.deck_app.records, self._target
        if self._busy or self.deck_app.deck.paused_at is not None or target is None:
            return
        if records is None or target.session is None:
            return
        self._busy = True
        session, root = target.session, target.root

        def work() -> None:
            message = self.reading(records, session, root)
            post(self, message if message is not None else ReadingDone())

        run_in_thread(work, self, self.WORK)

    def read_done(self) -> None:
        """Let the next reading begin, and show what was read."""
        self._busy, self._problem = False, ""
        self.show_rows()

    def on_work_failed(self, message: WorkFailed) -> None:
        """Say why nothing is read."""
        message.stop()
        self._busy, self._problem = False, message.sentence
        self.show_rows()

    def show_rows(self) -> None:
        """Show the rows; where the last one was selected, the last one is."""
        table = self.table
        order = tuple(self.matching(tuple(self.items)))
        at_end = not table.order or table.cursor_key == table.order[-1]
        table.show(order, self.items)
        if at_end:
            table.move_to(len(order) - 1)
        self.show_words()
        self.update_header()
        self.refresh_bindings()

    def show_words(self) -> None:
        """Show what stands above and under the table."""
        problem = [line(span(f" {self._problem}", "critical"))] if self._problem else []
        whose = line(span(f" {self._key.name}", "heading", 4096))
        above, below = [whose, *problem, *self.state_lines()], list(self.selected_lines())
        self.query_one("#written-state", LineView).show(lambda width: _wrapped(above, width))
        most = max(self.size.height // 3, 3)
        self.query_one("#written-row", LineView).show(lambda width: _wrapped(below, width)[:most])

    def on_table_cursor_moved(self, message: Table.CursorMoved) -> None:
        """Show the row that is selected now."""
        message.stop()
        self.show_words()

    async def command_log(self) -> None:
        """Show the log of the same session instead."""
        await self.deck_app.open_written("log", self._key)

    async def command_transcript(self) -> None:
        """Show the transcript of the same session instead."""
        await self.deck_app.open_written("transcript", self._key)

    @property
    def selected_row(self) -> Row | None:
        """The session, as it was seen last."""
        return self.session

    @property
    def row_words(self) -> str:
        """The words for the row this screen is about."""
        return "this lock"

    def why_nothing(self) -> str:
        """Say why there can't be any row, empty where there can."""
        if self._target is not None and self._target.session is None:
            return "No session is known for this lock."
        if self.deck_app.on_hosts:
            return stays_there(self._key.host, self.deck_app.by_hand(self._key.host))
        return "Nothing can be read from here." if self.deck_app.records is None else ""


class ReadingDone(Message):
    """There was nothing to read."""


def _wrapped(rows: Sequence[Line], width: int) -> list[Line]:
    return [part for row in rows for part in (wrap(row, width, indent=1) if row else (row,))]
