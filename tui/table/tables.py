"""The tables of the dashboard, with the columns each can show and the fields its filter knows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.openclaw.transcriptshape import Record
from lockdeck.tui.table import fields
from lockdeck.tui.table.column import Column, Field
from lockdeck.tui.table.columns import events, fleet, journal, locks, log, transcript
from lockdeck.tui.table.journalentry import Entry
from lockdeck.tui.table.rows import Row
from lockdeck.tui.view.events import EventLine
from lockdeck.tui.view.written.logrows import LogRow

Item = TypeVar("Item", contravariant=True)


class TableKind(Struct, Generic[Item], frozen=True):
    """A table: what a person calls it, the setting that lists its columns, and all it can show.

    `more_fields` are those that the filter can ask, but no column shows.
    """

    name: str
    setting: str
    columns: tuple[Column[Item], ...]
    more_fields: tuple[Field[Item], ...] = ()

    @property
    def fields(self) -> tuple[Field[Item], ...]:
        """The fields of its filter, by rank."""
        of_columns = (column.field for column in self.columns if column.field is not None)
        return tuple(sorted((*of_columns, *self.more_fields), key=lambda field: field.rank))


FLEET: TableKind[Row] = TableKind("fleet", "columns", fleet.COLUMNS, (fields.ROOT,))
LOCKS: TableKind[LockView] = TableKind("locks", "locks_columns", locks.COLUMNS, (fields.STATE, fields.ROOT))
EVENTS: TableKind[EventLine] = TableKind("events", "events_columns", events.COLUMNS)
JOURNAL: TableKind[Entry] = TableKind("journal", "journal_columns", journal.COLUMNS, (journal.RELEASE,))
LOG: TableKind[LogRow] = TableKind("log", "", log.COLUMNS)
TRANSCRIPT: TableKind[Record] = TableKind("transcript", "", transcript.COLUMNS)

TABLES: Mapping[str, TableKind[Any]] = {table.name: table for table in (FLEET, LOCKS, EVENTS, JOURNAL)}
"""Those whose columns are a person's choice."""
