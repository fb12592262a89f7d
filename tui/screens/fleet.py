"""Home: every session and every lock of its own, most urgent first."""

from __future__ import annotations

from typing import ClassVar

from backend.model.fleet import FleetSnapshot, LockView
from tui.commands.command import bindings_of
from tui.commands.go import Events, Help, Locks, Open, Palette, Quit
from tui.commands.view import Copy, Filter, Freeze, NextTheme, Pause
from tui.lines import Line
from tui.rows import COLUMNS, Arrangement, Row, arrange, cells
from tui.screens.rowscreen import RowScreen


class FleetScreen(RowScreen):
    """The fleet table."""

    HERE = (Open, Filter, Locks, Events, Help, Quit, Freeze, Pause, Copy, NextTheme, Palette)
    BINDINGS = bindings_of(HERE)
    COLUMNS: ClassVar = COLUMNS

    def arranged(self, snapshot: FleetSnapshot, before: Arrangement) -> Arrangement:
        """Return sessions and lonely locks, most urgent first."""
        return arrange(snapshot, before)

    def cells(self, row: Row) -> tuple[Line, ...]:
        """Return the cells of a session or a lonely lock."""
        app = self.deck_app
        root = row.record.root if isinstance(row, LockView) else row.root
        return cells(row, app.picture_time(), app.symbols, app.root_label(root))

    @property
    def nothing(self) -> str:
        """The sentence for a fleet without sessions and locks."""
        return "No sessions and no locks. Looked at:"
