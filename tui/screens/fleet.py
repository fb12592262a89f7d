"""Home: every session and every lock of its own, most urgent first; idle ones are folded into one line."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from textual import on

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.tui.bindings import bindings_of, key_of
from lockdeck.tui.screens.rowscreen import RowScreen
from lockdeck.tui.table.folding import fold_line, fold_of
from lockdeck.tui.table.rowchanges import RowChange, RowChanges
from lockdeck.tui.table.rows import Row, fleet_rows
from lockdeck.tui.table.tables import FLEET
from lockdeck.tui.view.lines import Line
from lockdeck.tui.view.names import RowKey
from lockdeck.tui.view.nothing import all_quiet
from lockdeck.tui.widgets.table import Table


class FleetScreen(RowScreen):
    """The fleet table."""

    COMMAND_IDS = (
        *(
            "help",
            "quit",
            "open",
            "cancel",
            "release",
            "cause",
            "cancel_cause",
            "filter",
            "idle",
            "log",
            "transcript",
            "locks",
            "events",
            "journal",
        ),
        *("back", "mark", "mark_all", "unmark", "next_match", "previous_match", "holder", "freeze", "pause"),
        *(
            "copy",
            "show_text",
            "theme",
            "sort_left",
            "sort_right",
            "sort_reverse",
            "wide",
            "columns",
            "as_it_comes",
        ),
        *("toggle_mouse", "notes", "palette", "hosts"),
    )
    BINDINGS = bindings_of(COMMAND_IDS)
    TABLE = FLEET
    NOTHING = "sessions and no locks"
    _folds = True

    def all_rows(self, snapshot: FleetSnapshot) -> Mapping[RowKey, Row]:
        """Return sessions and lonely locks."""
        return fleet_rows(snapshot)

    def changed_rows(self, changes: RowChanges) -> Iterable[RowChange]:
        """Return the changes of sessions and lonely locks."""
        return changes.fleet

    def sift(self, key: RowKey, row: Row) -> Hashable | None:
        """Leave out what the filter says; without one the rows that need no eye, until they are asked for."""
        if self.filter_text:
            return super().sift(key, row)
        return fold_of(row) if self._folds and not self.is_exempt(key) else None

    @on(Table.FootClicked)
    def command_idle(self) -> None:
        """Show the rows that need no eye, or fold them."""
        self._folds = not self._folds
        self._kept = frozenset()
        self.rows.arrange()
        self.update_picture()

    def update_picture(self) -> None:
        """Show the rows, and under them what is folded."""
        super().update_picture()
        self.table.show_foot(fold_line(self.rows.counts, self.deck_app.symbols, key_of(self, "idle")))

    def nothing_lines(self) -> list[Line]:
        """Say that nothing needs a person, or why there is nothing."""
        snapshot = self.deck_app.deck.displayed
        if snapshot is None or not self.items:
            return super().nothing_lines()
        return list(all_quiet(snapshot, self.deck_app.symbols))
