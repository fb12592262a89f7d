"""What the two row screens share: a table with a filter, a frozen order, and a cursor by identity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.widget import Widget

from backend.model.fleet import FleetSnapshot
from tui.commands.go import Open
from tui.facts import facts
from tui.filter import Query
from tui.lines import Line, line, span
from tui.rows import Arrangement, Row, RowKey
from tui.screens.base import DeckScreen
from tui.summary import is_stale
from tui.widgets.columns import Column
from tui.widgets.prompt import FilterPrompt
from tui.widgets.table import Table


class RowScreen(DeckScreen):
    """A screen whose body is a table of rows."""

    COLUMNS: ClassVar[tuple[Column, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self._frozen: tuple[RowKey, ...] | None = None
        self._filter_text = ""
        self._query = Query()
        self._arranged = Arrangement()

    def arranged(self, snapshot: FleetSnapshot, before: Arrangement) -> Arrangement:
        """Return the rows of a snapshot in their order."""
        raise NotImplementedError

    def cells(self, row: Row) -> tuple[Line, ...]:
        """Return the cells of a row."""
        raise NotImplementedError

    @property
    def table(self) -> Table[Row]:
        """The table."""
        return self.query_one(Table)

    @property
    def frozen(self) -> bool:
        """Whether the order of rows is kept."""
        return self._frozen is not None

    @property
    def filter_text(self) -> str:
        """The filter in force, empty without one."""
        return self._filter_text

    @property
    def selected_key(self) -> RowKey | None:
        """The row under the cursor, by identity."""
        tables = self.query(Table)
        key = tables.first().cursor_key if tables else None
        return key if isinstance(key, tuple) else None

    def body(self) -> Iterable[Widget]:
        """Return table and filter prompt."""
        prompt = FilterPrompt()
        prompt.display = False
        return (Table(self.COLUMNS, self.cells, empty=self._nothing), prompt)

    def update_picture(self) -> None:
        """Show the rows of the deck's snapshot."""
        super().update_picture()
        snapshot = self.deck_app.deck.shown
        if snapshot is not None:
            self._arranged = self.arranged(snapshot, self._arranged)
        self.table.show(self._order(), self._arranged.items)
        self.table.faded = is_stale(self.mood())
        self.refresh_bindings()

    def tick(self) -> None:
        """Let occupation and forecast move on."""
        super().tick()
        self.table.tick()
        self.table.faded = is_stale(self.mood())

    def ask_filter(self) -> None:
        """Open the filter prompt."""
        self.query_one(FilterPrompt).open(self._filter_text)

    def toggle_freeze(self) -> None:
        """Keep the order that is shown, or sort again."""
        self._frozen = tuple(self._arranged.order) if self._frozen is None else None
        self.update_picture()

    @on(FilterPrompt.Applied)
    def _apply(self, event: FilterPrompt.Applied) -> None:
        self._filter_text, self._query = event.text, event.query
        self.update_picture()

    @on(FilterPrompt.Closed)
    def _close(self) -> None:
        self.table.focus()

    @on(Table.Moved)
    def _moved(self) -> None:
        self.refresh_bindings()

    @on(Table.Chosen)
    async def _chosen(self) -> None:
        await Open.run(self)

    def _order(self) -> Sequence[RowKey]:
        order, items = self._arranged.order, self._arranged.items
        if self._frozen is not None:
            order = self._frozen = thaw_into(self._frozen, order, items)
        if not self._query.terms:
            return order
        return tuple(key for key in order if self._query.matches(facts(items[key])))

    def _nothing(self) -> list[Line]:
        """Say what was looked at when there is no row to show."""
        snapshot = self.deck_app.deck.shown
        if snapshot is None:
            return []
        if self._arranged.order:
            return [line(), line(span(f"No row matches {self._filter_text}", "dim"))]
        looked = [line(span(f"  {root.path} ({root.era}, {root.watch})", "dim")) for root in snapshot.roots]
        return [
            line(),
            line(span(self.nothing)),
            *(looked or [line(span("  no OpenClaw root was found", "dim"))]),
        ]

    @property
    def nothing(self) -> str:
        """The sentence for a fleet with nothing to show."""
        return "Nothing to show. Looked at:"


def thaw_into(
    frozen: tuple[RowKey, ...], order: Sequence[RowKey], items: Mapping[RowKey, Row]
) -> tuple[RowKey, ...]:
    """Return the frozen order without rows that went, and with new rows at its end."""
    known = set(frozen)
    return (*(key for key in frozen if key in items), *(key for key in order if key not in known))
