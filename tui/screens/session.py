"""One session, or one lock that belongs to none: timeline, evidence, verdict, forecast."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from textual.containers import VerticalScroll
from textual.widget import Widget

from backend.model.fleet import FleetSnapshot
from tui.commands.command import bindings_of
from tui.commands.go import Back, Help, Palette, Quit
from tui.commands.view import Copy, NextTheme, Pause
from tui.details import Picture, describe
from tui.lines import line, span
from tui.rows import RowKey
from tui.screens.base import DeckScreen
from tui.summary import every_lock
from tui.widgets.lineview import LineView


class SessionScreen(DeckScreen):
    """Follows one row by identity; when it leaves the fleet its last picture stays."""

    HERE = (Back, Help, Quit, Copy, Pause, NextTheme, Palette)
    BINDINGS = bindings_of(HERE)

    def __init__(self, key: RowKey) -> None:
        super().__init__()
        self._key = key
        self._picture: Picture | None = None

    @property
    def selected_key(self) -> RowKey | None:
        """The row this screen is about."""
        return self._key

    def body(self) -> Iterable[Widget]:
        """Return the scrolling details."""
        return (VerticalScroll(LineView(id="details"), id="details-scroll"),)

    def update_picture(self) -> None:
        """Look the row up again and show it."""
        super().update_picture()
        snapshot = self.deck_app.deck.shown
        if snapshot is not None:
            found = find(self._key, snapshot, self.deck_app.picture_time())
            if found is not None:
                self._picture = found
            elif self._picture is not None:
                self._picture = replace(self._picture, gone=True)
        self._show()

    def tick(self) -> None:
        """Let the timeline grow."""
        super().tick()
        if self._picture is not None and not self._picture.gone:
            self._picture = replace(self._picture, now=self.deck_app.picture_time())
            self._show()

    def _show(self) -> None:
        picture, symbols = self._picture, self.deck_app.symbols
        missing = [line(), line(span(" This is not in the fleet any more.", "warning"))]
        view = self.query_one("#details", LineView)
        view.show(lambda width: describe(picture, symbols, width) if picture else missing)


def find(key: RowKey, snapshot: FleetSnapshot, now: float) -> Picture | None:
    """Return the picture of a row in a snapshot; a lock that belongs to a session brings the session along."""
    kind, root, name = key
    for session in snapshot.sessions:
        of_lock = kind == "lock" and session.lock is not None and session.lock.record.path == name
        if of_lock or (kind == "session" and session.identity == (root, name)):
            return Picture(now, snapshot, session, session.lock)
    if kind == "lock":
        for lock in every_lock(snapshot):
            if lock.record.path == name:
                return Picture(now, snapshot, None, lock)
    return None
