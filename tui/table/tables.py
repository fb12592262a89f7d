"""The tables of the dashboard, with the columns each can show and the fields its filter knows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.openclaw.transcriptshape import Record
from lockdeck.tui.table import fields
from lockdeck.tui.table.column import Column, Field, Width
from lockdeck.tui.table.columns import events, fleet, hosts, journal, locks, log, transcript
from lockdeck.tui.table.hostrow import HostRow
from lockdeck.tui.table.journalentry import Entry
from lockdeck.tui.table.layout import select
from lockdeck.tui.table.rows import Row
from lockdeck.tui.view.events import EventLine
from lockdeck.tui.view.written.logrows import LogRow

Item = TypeVar("Item", contravariant=True)


class TableKind(Struct, Generic[Item], frozen=True):
    """A table: what a person calls it, the setting that lists its columns, and all it can show.

    `more_fields` are those that the filter can ask, but no column shows. `host` is the column that stands before all others
    where its rows are of several hosts: no choice of columns takes it away, for rows of two hosts must never look alike.
    `first` is the width that the first column has there, where it may have to say since when a host is lost.
    """

    name: str
    setting: str
    columns: tuple[Column[Item], ...]
    more_fields: tuple[Field[Item], ...] = ()
    host: Column[Item] | None = None
    first: Width | None = Width(20, brief_cells=12, full_from=140)

    @property
    def fields(self) -> tuple[Field[Item], ...]:
        """The fields of its filter, by rank."""
        of_columns = (column.field for column in self.all_columns if column.field is not None)
        return tuple(sorted((*of_columns, *self.more_fields), key=lambda field: field.rank))

    @property
    def all_columns(self) -> tuple[Column[Item], ...]:
        """All that it can show, where its rows are of several hosts."""
        return self.columns if self.host is None else (self.host, *self.columns)

    def columns_for(self, names: Sequence[str], *, on_hosts: bool) -> tuple[Column[Item], ...]:
        """Return the columns that a person wishes, in their order; none means all. `on_hosts`: its rows are of several."""
        if self.host is None or not on_hosts:
            return select(self.columns, names)
        first, *rest = self.columns
        return (self.host, *select((replace(first, width=self.first or first.width), *rest), names))

    def fields_for(self, *, on_hosts: bool) -> tuple[Field[Item], ...]:
        """Return the fields that are worth naming."""
        left_out = None if on_hosts or self.host is None else self.host.field
        return tuple(field for field in self.fields if field is not left_out)


FLEET: TableKind[Row] = TableKind("fleet", "columns", fleet.COLUMNS, (fields.ROOT,), fleet.HOST)
LOCKS: TableKind[LockView] = TableKind(
    "locks", "locks_columns", locks.COLUMNS, (fields.STATE, fields.ROOT), fleet.HOST
)
EVENTS: TableKind[EventLine] = TableKind("events", "events_columns", events.COLUMNS, host=events.HOST)
HOSTS: TableKind[HostRow] = TableKind("hosts", "hosts_columns", hosts.COLUMNS)
JOURNAL: TableKind[Entry] = TableKind(
    "journal", "journal_columns", journal.COLUMNS, (journal.RELEASE,), journal.HOST, first=None
)
LOG: TableKind[LogRow] = TableKind("log", "", log.COLUMNS)
TRANSCRIPT: TableKind[Record] = TableKind("transcript", "", transcript.COLUMNS)

TABLES: Mapping[str, TableKind[Any]] = {table.name: table for table in (FLEET, LOCKS, EVENTS, JOURNAL, HOSTS)}
"""Those whose columns are a person's choice."""
