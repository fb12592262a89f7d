"""The log of one session: what lockdeck reads in it, or its lines as OpenClaw wrote them, live and searchable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual.message import Message

from lockdeck.backend.model.fleet import RootView, SessionView
from lockdeck.backend.watch.records.loglines import LogReading, SessionLog, SessionNames
from lockdeck.backend.watch.records.records import SessionRecords
from lockdeck.tui.bindings import bindings_of
from lockdeck.tui.dialogs.reader import ReaderDialog
from lockdeck.tui.screens.written.writtenscreen import WrittenScreen
from lockdeck.tui.table.tables import LOG
from lockdeck.tui.view.lines import Line, Span, span
from lockdeck.tui.view.names import RowKey
from lockdeck.tui.view.written.logrows import (
    LogRow,
    RowId,
    attempt_moments,
    log_state,
    next_attempt,
    nothing_written,
    raw_rows,
    row_of,
    told_rows,
    whole_line,
)


class LogRead(Message):
    """The lines about the session have been read."""

    def __init__(self, reading: LogReading) -> None:
        super().__init__()
        self.reading = reading


class LogScreen(WrittenScreen):
    """The log; `/` finds lines and hides none, since what stands around a line says what it means."""

    COMMAND_IDS = (
        *("help", "quit", "open", "raw", "search", "next_match", "previous_match"),
        *("next_attempt", "previous_attempt", "transcript", "back"),
        *("show_text", "theme", "toggle_mouse", "notes", "palette"),
    )
    BINDINGS = bindings_of(COMMAND_IDS)
    TABLE = LOG
    WORK = "session-log"

    def __init__(self, key: RowKey) -> None:
        super().__init__(key)
        self._raw = False
        self._read: LogReading | None = None
        self._reader: SessionLog | None = None

    def reading(self, records: SessionRecords, session: SessionView, _root: RootView | None) -> Message:
        """Read the lines that were written since."""
        reader = self._reader = self._reader or records.log()
        runs = frozenset(filter(None, (entry.run_id for entry in session.log)))
        return LogRead(reader.read(SessionNames(session.key, session.session_id, runs)))

    def on_log_read(self, message: LogRead) -> None:
        """Show the lines."""
        self._read = message.reading
        self.read_done()

    def show_rows(self) -> None:
        """Show the sentences or the lines."""
        if self._raw:
            self._rows = raw_rows(self._read.lines if self._read is not None else ())
        else:
            self._rows = told_rows(self.session.log if self.session is not None else ())
        super().show_rows()

    def matching(self, order: Sequence[Any]) -> Sequence[Any]:
        """Return all rows."""
        return order

    @property
    def _matches(self) -> list[RowId]:
        found = set(self.found(tuple(self.items))) if self._query.terms else set()
        return [row for row in self.items if row in found]

    def state_lines(self) -> Iterable[Line]:
        """Return what is shown, and how many lines the search finds."""
        found = (len(self._matches), self.filter_text) if self.filter_text else None
        notes = self._read.notes if self._raw and self._read is not None else ()
        return log_state(len(self.items), self._raw, found, notes, self.key_to("raw"))

    def selected_lines(self) -> Iterable[Line]:
        """Return the selected line, whole."""
        return whole_line(self.table.cursor_item, self.deck_app.picture_time())

    def nothing_lines(self) -> list[Line]:
        """Say why there is no line."""
        return nothing_written(self._raw, not self._raw or self._read is not None, self.why_nothing())

    def text_rows(self) -> list[Span]:
        """Return the selected line as plain text."""
        row = self.table.cursor_item
        return [span(row.text, "text", 100_000)] if isinstance(row, LogRow) else []

    def command_search(self) -> None:
        """Ask what is to be found."""
        self.command_filter()

    def command_next_attempt(self) -> None:
        """Go to the line that tells of the next attempt."""
        self._go_to_attempt(1)

    def command_previous_attempt(self) -> None:
        """Go to the line that tells of the attempt before."""
        self._go_to_attempt(-1)

    def _go_to_attempt(self, step: int) -> None:
        row, moments = self.table.cursor_item, attempt_moments(self.session)
        place = next_attempt(moments, row.at if isinstance(row, LogRow) else None, step)
        if place is None:
            self.deck_app.tell("no attempt of this session is known")
            return
        at, attempt = moments[place]
        what = f"attempt {attempt.index} of {len(moments)}"
        self._select(row_of(self.items, at), f"the line of {what} is not among those that are read")
        self.deck_app.tell(what)

    def command_raw(self) -> None:
        """Change between sentences and lines; the selected moment stays."""
        self._show_raw(not self._raw, self.table.cursor_item)

    async def command_open(self) -> None:
        """Show the line that a sentence was read in, or all of a line."""
        row = self.table.cursor_item
        if isinstance(row, LogRow) and row.raw is not None:
            rows = list(whole_line(row, self.deck_app.picture_time()))
            await self.app.push_screen(ReaderDialog(rows))
        elif isinstance(row, LogRow):
            self._show_raw(True, row)

    def _show_raw(self, raw: bool, row: LogRow | None) -> None:
        self._raw = raw
        self.show_rows()
        if row is not None and row.at is not None:
            sentence = row.text if row.raw is None else row.raw.sentence
            self._select(row_of(self.items, row.at, sentence), "its line is not among those that are read")

    def _select(self, row: RowId | None, otherwise: str) -> None:
        if row is None:
            self.deck_app.tell(otherwise, severity="warning")
        else:
            self.table.move_to(tuple(self.items).index(row))

    def _go_on(self, step: int) -> None:
        """Go to the next line that the search finds, round and round."""
        matches, order = self._matches, list(self.items)
        if not self.filter_text or not matches:
            words = f"no line holds {self.filter_text}" if self.filter_text else "/ finds lines by words"
            self.deck_app.tell(words)
            return
        here = order.index(self.table.cursor_key) if self.table.cursor_key in self.items else -1
        places = [order.index(row) for row in matches]
        later = [place for place in places if (place - here) * step > 0]
        ahead = later or places
        self.table.move_to(ahead[0] if step > 0 else ahead[-1])
