"""Every host of the deck: how it is seen, since when not and why, and what is on it."""

from __future__ import annotations

from lockdeck.tui.bindings import bindings_of
from lockdeck.tui.screens.selection_lines import host_text
from lockdeck.tui.screens.tablescreen import TableScreen
from lockdeck.tui.table.finding import host_filter
from lockdeck.tui.table.hostrow import HostRow, host_order, host_rows
from lockdeck.tui.table.tables import HOSTS
from lockdeck.tui.view.lines import Line, Span
from lockdeck.tui.view.names import HOST, RowKey
from lockdeck.tui.view.nothing import no_hosts


class HostsScreen(TableScreen):
    """The list of hosts; the hosts of a group fold into one line."""

    COMMAND_IDS = (
        *("help", "quit", "open", "fold", "filter", "locks", "events", "journal", "back"),
        *("next_match", "previous_match", "pause", "show_text", "theme", "wide", "columns", "as_it_comes"),
        *("toggle_mouse", "notes", "palette"),
    )
    BINDINGS = bindings_of(COMMAND_IDS)
    TABLE = HOSTS

    def __init__(self, filter_text: str = "") -> None:
        super().__init__(filter_text)
        self._folded: frozenset[str] = frozenset()

    @property
    def selected_key(self) -> RowKey | None:
        """The host, or the folded group, under the cursor."""
        row = self.cursor_item
        return RowKey(HOST, row.name, "", row.name) if isinstance(row, HostRow) else None

    @property
    def nothing_selected(self) -> str:
        """The sentence where no host is selected."""
        return "no host is selected"

    def text_rows(self) -> list[Span]:
        """Return the selected host as plain text."""
        row = self.cursor_item
        return host_text(row) if isinstance(row, HostRow) else []

    def rank(self, _key: object, row: HostRow) -> tuple[int, str, str]:
        """Put those that need a person first."""
        return host_order(row)

    def update_picture(self) -> None:
        """Show all hosts there are."""
        snapshot, counts = self.deck_app.deck.displayed, self.deck_app.deck.display.host_counts
        self.rows.take_all({} if snapshot is None else host_rows(snapshot, counts, self._folded))
        self.show_rows()

    def show_rows(self) -> None:
        """Show the hosts that the filter lets through."""
        self.table.show(self.rows.order, self.rows.items)
        self.update_header()
        self.refresh_bindings()

    def tick(self) -> None:
        """Let time pass on when a host was heard of."""
        super().tick()
        self.table.tick()

    async def command_open(self) -> None:
        """Show the rows of the selected host in the fleet, or unfold the selected group."""
        row = self.cursor_item
        if isinstance(row, HostRow) and row.folded:
            self.command_fold()
        elif isinstance(row, HostRow):
            await self.deck_app.open_fleet(host_filter(row.name))

    def command_fold(self) -> None:
        """Fold the hosts of the selected one's group into one line, or unfold it."""
        row = self.cursor_item
        if not isinstance(row, HostRow) or not row.group:
            self.deck_app.tell("the selected host belongs to no group: [[hosts]] tables name one with group")
            return
        self._folded ^= {row.group}
        self.update_picture()
        kind = "group" if row.group in self._folded else "host"
        self.table.move_to_key((kind, row.group if kind == "group" else row.views[0].name))

    def command_pause(self) -> None:
        """Keep the picture of this moment, or go on."""
        self.deck_app.toggle_pause()

    def nothing_lines(self) -> list[Line]:
        """Say how hosts come into the deck."""
        return list(no_hosts(on_hosts=self.deck_app.on_hosts))
