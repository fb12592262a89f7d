"""Rows of the locks table. All pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import FleetSnapshot, LockView, every_lock
from lockdeck.tui.table.fitting import Column
from lockdeck.tui.table.rows import Arrangement, Order, Row, RowKey, holder_line, settle, verdict_line
from lockdeck.tui.view.figures import duration
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.symbols import Symbols

COLUMNS = (
    Column("VERDICT", 12, name="verdict"),
    Column("KIND", 7, from_width=78, name="kind"),
    Column("AGENT", 5, flex=1, most=18, name="agent"),
    Column("AGE", 8, right=True, name="age"),
    Column("HOLDER", 14, flex=2, most=28, name="holder"),
    Column("FILE", 12, flex=3, most=60, name="file"),
    Column("RELEASE ID", 12, from_width=98, name="release_id"),
    Column("WHY", 20, flex=4, from_width=116, name="why"),
)


def arrange_locks(snapshot: FleetSnapshot, before: Arrangement, order: Order | None = None) -> Arrangement:
    """Return all locks of a snapshot, by default most urgent first, then oldest first."""
    items: dict[RowKey, Row] = {
        ("lock", lock.record.root, lock.record.path): lock for lock in every_lock(snapshot)
    }
    return settle(items, before, order)


def lock_cells(lock: LockView, now: float, symbols: Symbols) -> tuple[Line, ...]:
    """Return the cells of a lock, one line per column of COLUMNS."""
    record, reasons = lock.record, lock.judgement.reasons
    created = record.created_at
    return (
        verdict_line(lock, symbols),
        line(span(record.kind, "dim")),
        line(span(record.agent or "")),
        line(span(duration(now - created))) if created is not None else EMPTY,
        holder_line(lock),
        line(span(record.path.rpartition("/")[2])),
        line(span(lock.release_id, "dim")) if lock.release_id else EMPTY,
        line(span(reasons[0], "dim")) if reasons else EMPTY,
    )
