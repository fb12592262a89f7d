"""Cells of a lock, for the fleet, the locks and the details. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.words import duration
from lockdeck.tui.table.column import CellContext
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.names import file_name
from lockdeck.tui.view.severity import verdict_line, verdict_style


def verdict_cell(lock: LockView, context: CellContext) -> Line:
    """Return symbol and word of a lock's verdict."""
    return verdict_line(lock, context.symbols)


def lock_only_cell(lock: LockView, context: CellContext) -> Line:
    """Say that a lock has no session, in the style of its verdict."""
    return line(span(f"{context.symbols.dot} lock only", verdict_style(lock)))


def agent_line(agent: str, root_label: str, style: str = "text") -> Line:
    """Return an agent, with a short name of its root where there are several."""
    return line(span(agent, style), span(f" {root_label}", "dim")) if root_label else line(span(agent, style))


def agent_and_root_cell(lock: LockView, context: CellContext) -> Line:
    """Return the agent that a lock belongs to, with a short name of its root where there are several."""
    return agent_line(lock.record.agent or "", context.root_label(lock.record.root))


def agent_cell(lock: LockView, _context: CellContext) -> Line:
    """Return the agent that a lock belongs to."""
    return line(span(lock.record.agent or ""))


def holder_cell(lock: LockView, _context: CellContext) -> Line:
    """Return pid and name of the holder; of the process the payload names where nobody holds the lock."""
    holder, payload = lock.judgement.holder, lock.record.payload
    if holder is not None:
        return line(span(holder.pid), span(f" {holder.name}", "dim"))
    return line(span(f"{payload.pid} named", "dim")) if payload else EMPTY


def age_cell(lock: LockView, context: CellContext) -> Line:
    """Return how old a lock file is."""
    created = lock.record.created_at
    return EMPTY if created is None else line(span(duration(int(context.now - created))))


def file_cell(lock: LockView, _context: CellContext) -> Line:
    """Return the name of a lock's file."""
    return line(span(file_name(lock.record.path)))


def kind_cell(lock: LockView, _context: CellContext) -> Line:
    """Return the kind of a lock."""
    return line(span(lock.record.kind, "dim"))


def release_id_cell(lock: LockView, _context: CellContext) -> Line:
    """Return the id that an action must name, empty where the file could not be read."""
    return line(span(lock.release_id, "dim")) if lock.release_id else EMPTY


def reason_cell(lock: LockView, _context: CellContext) -> Line:
    """Return the first reason of the verdict."""
    reasons = lock.judgement.reasons
    return line(span(reasons[0], "dim")) if reasons else EMPTY
