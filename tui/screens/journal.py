"""The journal of what lockdeck did and refused to do, newest first; a broken chain is said first of all."""

from __future__ import annotations

from collections.abc import Iterable

from textual.message import Message
from textual.widget import Widget

from lockdeck.backend.actions.journal_chain import JournalReading
from lockdeck.tui.background import WorkFailed, post, run_in_thread
from lockdeck.tui.bindings import bindings_of
from lockdeck.tui.dialogs.reader import ReaderDialog
from lockdeck.tui.screens.selection_lines import entry_rows
from lockdeck.tui.screens.tablescreen import TableScreen
from lockdeck.tui.table.journalentry import Entry, entry_lines
from lockdeck.tui.table.tables import JOURNAL
from lockdeck.tui.view.lines import EMPTY, Line, Span, line, span, wrap
from lockdeck.tui.view.names import RowKey
from lockdeck.tui.widgets.lineview import LineView


class JournalRead(Message):
    """The journal file has been read."""

    def __init__(self, reading: JournalReading) -> None:
        super().__init__()
        self.reading = reading


class JournalScreen(TableScreen):
    """The journal; it is read again when it is shown and when an action has ended."""

    COMMAND_IDS = (
        *("help", "quit", "open", "filter", "locks", "events", "back", "next_match", "previous_match"),
        *("hosts", "show_text", "theme", "wide", "columns", "as_it_comes"),
        *("toggle_mouse", "notes", "palette"),
    )
    BINDINGS = bindings_of(COMMAND_IDS)
    TABLE = JOURNAL

    def __init__(self) -> None:
        super().__init__()
        self._reading: JournalReading | None = None
        self._problem = ""
        self._jobs = -1

    @property
    def selected_key(self) -> RowKey | None:
        """Not None while an entry is selected."""
        entry = self.cursor_item
        return RowKey("entry", "", "", str(entry.number)) if isinstance(entry, Entry) else None

    async def command_open(self) -> None:
        """Show all facts of the selected entry."""
        entry = self.cursor_item
        if isinstance(entry, Entry):
            await self.app.push_screen(ReaderDialog(list(entry_lines(entry))))

    def text_rows(self) -> list[Span]:
        """Return the selected entry as plain text."""
        entry = self.cursor_item
        return entry_rows(entry) if isinstance(entry, Entry) else []

    def body(self) -> Iterable[Widget]:
        """Return what is wrong with the journal above its table."""
        return (LineView(id="journal-state"), *super().body())

    def rank(self, number: int, _entry: Entry) -> int:
        """Put the newest first."""
        return -number

    def update_picture(self) -> None:
        """Read the journal again where something was noted since."""
        super().update_picture()
        noted = len(self.deck_app.deck.log)
        if noted != self._jobs:
            self._jobs = noted
            self._read()

    def _read(self) -> None:
        journal = self.deck_app.action_context.journal
        run_in_thread(lambda: post(self, JournalRead(journal.read())), self, "journal")

    def on_journal_read(self, message: JournalRead) -> None:
        """Show the entries, newest first."""
        self._reading, self._problem = message.reading, ""
        self.rows.take_all({n: Entry(n, facts) for n, facts in enumerate(message.reading.entries, 1)})
        self.show_rows()
        self._show_state()

    def show_rows(self) -> None:
        """Show the entries that the filter lets through."""
        self.table.show(self.rows.order, self.rows.items)
        self.update_header()
        self.refresh_bindings()

    def nothing_lines(self) -> list[Line]:
        """Say that nothing was done, once that is known."""
        return [EMPTY, line(span("Nothing was done or refused yet.", "dim"))] if self._reading else []

    def on_work_failed(self, message: WorkFailed) -> None:
        """Say why the journal can't be read."""
        message.stop()
        self._problem = f"the journal can't be read: {message.sentence}"
        self._show_state()

    def _show_state(self) -> None:
        rows = list(state_lines(self._reading, self._problem, self.deck_app.action_context.journal.path))
        self.query_one("#journal-state", LineView).show(
            lambda width: [part for row in rows for part in wrap(row, width, indent=1)]
        )


def state_lines(reading: JournalReading | None, problem: str, path: str) -> Iterable[Line]:
    """Yield where the journal is and, loudly, what is wrong with it."""
    yield line(span(f" {path}", "dim", 1000))
    if problem:
        yield line(span(f" {problem}", "critical"))
    if reading is None:
        return
    if reading.broken_at is not None:
        sentence = (
            f" CHAIN BROKEN at line {reading.broken_at}: {reading.problem}. Entries were changed or removed."
        )
        yield line(span(sentence, "critical"))
    for note in reading.notes:
        yield line(span(f" {note}", "notice"))
