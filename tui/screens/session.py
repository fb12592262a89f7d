"""One session, or one lock that belongs to none: timeline, evidence, verdict, forecast."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace
from textual import on
from textual.widget import Widget

from lockdeck.backend.model.fleet import FleetSnapshot, every_lock
from lockdeck.backend.model.locks import Holder
from lockdeck.backend.system.processes import ProcessDetails
from lockdeck.tui.bindings import bindings_of
from lockdeck.tui.holder_process import HolderRead, HolderReader
from lockdeck.tui.screens.selection_lines import story_rows
from lockdeck.tui.screens.targetscreen import TargetScreen
from lockdeck.tui.table.rows import Row
from lockdeck.tui.targets import Target
from lockdeck.tui.view.details import Picture, describe
from lockdeck.tui.view.hosts import time_there
from lockdeck.tui.view.lines import Span, line, span
from lockdeck.tui.view.names import SESSION, RowKey, row_key
from lockdeck.tui.view.sparkline import Beat, recent
from lockdeck.tui.view.written.sessionlog import log_lines, log_title
from lockdeck.tui.widgets.lineview import LineView
from lockdeck.tui.widgets.scroll import PagerScroll


class SessionScreen(TargetScreen):
    """Follows one row by identity; when it leaves the fleet its last picture stays."""

    COMMAND_IDS = (
        *(
            "help",
            "quit",
            "cancel",
            "release",
            "cause",
            "cancel_cause",
            "holder",
            "log",
            "transcript",
            "journal",
            "back",
            "copy",
            "show_text",
            "pause",
        ),
        *("theme", "toggle_mouse", "notes", "palette"),
    )
    BINDINGS = bindings_of(COMMAND_IDS, shown=("log", "transcript"))

    def __init__(self, key: RowKey) -> None:
        super().__init__()
        self._key = key
        self._picture: Picture | None = None
        self._reader: HolderReader | None = None
        self._read: tuple[Holder, ProcessDetails | None] | None = None

    def on_mount(self) -> None:
        """Begin to read the holder, where the source can."""
        inspect = self.deck_app.inspect
        if inspect is not None:
            self._reader = HolderReader(inspect, self.post_message)
        super().on_mount()
        self.query_one("#log-scroll").anchor()

    @property
    def crumb(self) -> str:
        """Agent and session, or the file of a lock."""
        picture = self._picture
        return Target(self._key, picture.session, picture.lock).name if picture else self._key.name

    @property
    def selected_key(self) -> RowKey | None:
        """The row this screen is about."""
        return self._key

    @property
    def selected_row(self) -> Row | None:
        """The session, or the lock that belongs to none; None once it has left the fleet."""
        if self._picture is None or self._picture.has_left:
            return None
        return self._picture.session or self._picture.lock

    @property
    def row_words(self) -> str:
        """The words for the row this screen is about."""
        return "this session" if self._key.kind == SESSION else "this lock"

    @property
    def nothing_selected(self) -> str:
        """The sentence once the row has left the fleet."""
        return "this is not in the fleet any more"

    def text_rows(self) -> list[Span]:
        """Return every sentence of this screen as plain text."""
        picture = self._picture
        if picture is None:
            return []
        commands = self.deck_app.commands_of(Target(self._key, picture.session, picture.lock))
        return story_rows(picture.session, picture.lock, picture.root, commands)

    def body(self) -> Iterable[Widget]:
        """Return the scrolling details above the log, whose newest line stays in sight."""
        return (
            PagerScroll(LineView(id="details"), id="details-scroll"),
            LineView(id="log-title"),
            PagerScroll(LineView(id="log"), id="log-scroll"),
        )

    def update_picture(self) -> None:
        """Look the row up again and show it."""
        super().update_picture()
        snapshot = self.deck_app.deck.displayed
        if snapshot is not None:
            picture = find(self._key, snapshot, self.deck_app.picture_time())
            if picture is not None:
                self._picture = picture
            elif self._picture is not None:
                self._picture = replace(self._picture, has_left=True)
        self._show()
        self.refresh_bindings()

    def tick(self) -> None:
        """Let the timeline grow."""
        super().tick()
        row = self.selected_row
        if self._picture is not None and row is not None:
            self._picture = replace(self._picture, now=self.deck_app.time_of(row))
            self._show()

    @on(HolderRead)
    def _holder_read(self, message: HolderRead) -> None:
        self._read = (message.holder, message.details)
        self._show()

    def _process(self, picture: Picture) -> ProcessDetails | None:
        """Return the holder as last read, and have it read again when that was a while ago."""
        holder = picture.lock.judgement.holder if picture.lock is not None else None
        if holder is None:
            return None
        if self._reader is not None and not picture.has_left:
            self._reader.ask(holder, self.deck_app.clock())
        if self._read is None:
            return None
        process, details = self._read
        same = (process.pid, process.start_ticks) == (holder.pid, holder.start_ticks)
        return details if same else None

    def _beats(self, picture: Picture) -> tuple[Beat, ...]:
        if picture.session is None:
            return ()
        session, pulse = picture.session, self.deck_app.deck.display.pulse
        return recent(pulse, session, self.deck_app.picture_time())

    def _show(self) -> None:
        picture, symbols = self._picture, self.deck_app.symbols
        if picture is not None:
            picture = replace(picture, process=self._process(picture), beats=self._beats(picture))
            keys = (self.key_to("log"), self.key_to("transcript"))
            log = picture.session.log if picture.session is not None else ()
            self.query_one("#log-title", LineView).show(lambda width: log_title(log, keys, symbols, width))
            self.query_one("#log", LineView).show(lambda width: log_lines(log, width))
        missing = [line(), line(span(" This is not in the fleet any more.", "warning"))]
        view = self.query_one("#details", LineView)
        view.show(lambda width: describe(picture, self.answer_key, symbols, width) if picture else missing)


def find(key: RowKey, snapshot: FleetSnapshot, now: float) -> Picture | None:
    """Return the picture of a row in a snapshot; a lock that belongs to a session brings the session along.

    `now` (epoch seconds) is by our clock, the picture's by that of the row's host.
    """
    hosts = {host.name: host for host in snapshot.hosts}
    for session in snapshot.sessions:
        of_lock = session.lock is not None and row_key(session.lock) == key
        if of_lock or row_key(session) == key:
            return Picture(time_there(session, now, hosts), snapshot, session, session.lock)
    lock = next((lock for lock in every_lock(snapshot) if row_key(lock) == key), None)
    return None if lock is None else Picture(time_there(lock, now, hosts), snapshot, None, lock)
