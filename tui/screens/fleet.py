"""Home: every session and every lock of its own, most urgent first."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding

from lockdeck.backend.model.fleet import FleetSnapshot, LockView
from lockdeck.tui.commands.act import Cancel, Mark, Release, Unmark
from lockdeck.tui.commands.command import bindings_of
from lockdeck.tui.commands.go import Events, Help, HolderLocks, Journal, Locks, Open, Palette, Quit
from lockdeck.tui.commands.terminal import ShowText, ToggleMouse
from lockdeck.tui.commands.view import (
    Columns,
    Copy,
    Filter,
    Freeze,
    NextTheme,
    Notes,
    Pause,
    SortLeft,
    SortReverse,
    SortRight,
    Wide,
)
from lockdeck.tui.screens.rowscreen import RowScreen
from lockdeck.tui.table.rows import Arrangement, Order, Row, arrange, cells
from lockdeck.tui.table.tables import TABLES
from lockdeck.tui.view.lines import Line
from lockdeck.tui.view.sparkline import trend


class FleetScreen(RowScreen):
    """The fleet table."""

    HERE = (
        *(Open, Cancel, Release, Filter, Locks, Events, Journal, Help, Quit),
        *(Mark, Unmark, HolderLocks, Freeze, Pause, Copy, ShowText, NextTheme),
        *(SortLeft, SortRight, SortReverse, Wide, Columns, ToggleMouse, Notes, Palette),
    )
    BINDINGS: ClassVar = [
        *bindings_of(HERE),
        Binding("escape", "screen.command('unmark')", "Unmark", show=False, tooltip=Unmark.tooltip),
    ]
    TABLE = TABLES["fleet"]

    def arranged(self, snapshot: FleetSnapshot, before: Arrangement, order: Order) -> Arrangement:
        """Return sessions and lonely locks."""
        return arrange(snapshot, before, order)

    def cells(self, item: Row) -> tuple[Line, ...]:
        """Return the cells of a session or a lonely lock."""
        app, now = self.deck_app, self.deck_app.picture_time()
        if isinstance(item, LockView):
            return cells(item, now, app.symbols, app.deck.root_label(item.record.root))
        beats = trend(app.deck.shown_pulse, (item.root, item.agent, item.key), now)
        return cells(item, now, app.symbols, app.deck.root_label(item.root), beats)

    @property
    def nothing(self) -> str:
        """The sentence for a fleet without sessions and locks."""
        return "No sessions and no locks. Looked at:"
