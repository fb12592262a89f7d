"""The last records of a session's transcript: their shape, and what one of them says where a key asks for it."""

from __future__ import annotations

from collections.abc import Iterable

from textual.message import Message

from lockdeck.backend.model.fleet import RootView, SessionView
from lockdeck.backend.openclaw.transcriptshape import Record, TranscriptShape
from lockdeck.backend.system.text import SafeText
from lockdeck.backend.watch.records.records import SessionRecords
from lockdeck.tui.background import post, run_in_thread
from lockdeck.tui.bindings import bindings_of
from lockdeck.tui.dialogs.reader import ReaderDialog
from lockdeck.tui.screens.written.writtenscreen import WrittenScreen
from lockdeck.tui.table.tables import TRANSCRIPT
from lockdeck.tui.view.lines import EMPTY, Line, Span, line, span
from lockdeck.tui.view.names import RowKey
from lockdeck.tui.view.written.records import IN_DATABASE, NO_TRANSCRIPT, record_lines, shape_state


class ShapeRead(Message):
    """The shape of the transcript has been read."""

    def __init__(self, shape: TranscriptShape) -> None:
        super().__init__()
        self.shape = shape


class RecordRead(Message):
    """What a record says has been read."""

    def __init__(self, record: Record, text: SafeText) -> None:
        super().__init__()
        self.record = record
        self.text = text


class TranscriptScreen(WrittenScreen):
    """The transcript. What its records say is held by nothing but the box that shows it."""

    COMMAND_IDS = (
        *("help", "quit", "content", "filter", "next_match", "previous_match", "log", "back"),
        *("show_text", "theme", "wide", "toggle_mouse", "notes", "palette"),
    )
    BINDINGS = bindings_of(COMMAND_IDS)
    TABLE = TRANSCRIPT
    WORK = "transcript"

    def __init__(self, key: RowKey) -> None:
        super().__init__(key)
        self._shape: TranscriptShape | None = None

    def reading(self, records: SessionRecords, session: SessionView, root: RootView | None) -> Message | None:
        """Read the shape of the last records."""
        if session.transcript is None:
            return None
        return ShapeRead(records.transcript(session.transcript, _below(root)))

    def on_shape_read(self, message: ShapeRead) -> None:
        """Show the records."""
        if self._shape is None or message.shape != self._shape:
            self._shape = message.shape
            self._rows = {record.offset: record for record in message.shape.records}
        self.read_done()

    def state_lines(self) -> Iterable[Line]:
        """Return which file is shown."""
        path = self.session.transcript if self.session is not None else None
        return shape_state(self._shape, path, self.key_to("content"))

    def nothing_lines(self) -> list[Line]:
        """Say why there is no record."""
        return [EMPTY, line(span(self.why_nothing() or "Reading the transcript …", "dim", 4096))]

    def why_nothing(self) -> str:
        """Say why there is no record, empty while that is not known."""
        session, root = self.session, self._target.root if self._target is not None else None
        if super().why_nothing() or session is None:
            return super().why_nothing()
        if session.transcript is None:
            return IN_DATABASE if root is not None and root.era == "sqlite" else NO_TRANSCRIPT
        if self._shape is None:
            return ""
        return self._shape.problem or "The transcript is empty."

    def text_rows(self) -> list[Span]:
        """Return the path of the transcript as plain text."""
        path = self.session.transcript if self.session is not None else None
        return [] if path is None else [span(path, "text", 4096)]

    async def command_open(self) -> None:
        """Do what the key does that shows what a record says: a click on the selected row."""
        self.command_content()

    def command_content(self) -> None:
        """Read what the selected record says, and show it."""
        records, record, shape, session = (
            self.deck_app.records,
            self.table.cursor_item,
            self._shape,
            self.session,
        )
        if records is None or not isinstance(record, Record) or shape is None or session is None:
            self.deck_app.tell("no record is selected", severity="warning")
            return
        path, below = session.transcript or "", _below(self._target.root if self._target else None)

        def work() -> None:
            post(self, RecordRead(record, records.text(path, record, shape, below)))

        run_in_thread(work, self, "record")

    async def on_record_read(self, message: RecordRead) -> None:
        """Show what the record says, in a box that forgets it when it closes."""
        rows = list(record_lines(message.record, message.text, self.deck_app.picture_time()))
        await self.app.push_screen(ReaderDialog(rows))


def _below(root: RootView | None) -> str | None:
    """Return from where on no link is followed: in a root of others, the root itself."""
    return root.path if root is not None and root.ownership.confined else None
