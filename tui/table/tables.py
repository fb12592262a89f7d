"""The tables of the dashboard, with the columns each can show. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from lockdeck.tui.table import eventrows, journalrows, lockrows, rows
from lockdeck.tui.table.fitting import Column


class TableKind(Struct, frozen=True):
    """A table: what a person calls it, the setting that lists its columns, and all it can show."""

    name: str
    setting: str
    columns: tuple[Column, ...]


TABLES: Mapping[str, TableKind] = {
    kind.name: kind
    for kind in (
        TableKind("fleet", "columns", rows.COLUMNS),
        TableKind("locks", "locks_columns", lockrows.COLUMNS),
        TableKind("events", "events_columns", eventrows.COLUMNS),
        TableKind("journal", "journal_columns", journalrows.COLUMNS),
    )
}
