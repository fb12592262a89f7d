"""Cells of a lock, for the fleet, the locks and the details. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.words import duration
from lockdeck.tui.table.column import CellContext
from lockdeck.tui.table.rows import Row
from lockdeck.tui.view.hosts import since_when, since_when_brief
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.names import file_name
from lockdeck.tui.view.severity import RELEASED, release_word, state_line, verdict_line

NAMED = "named by the lock"
"""The process of which a lock's payload tells; nobody is known to hold the lock."""
_FATE = {Verdict.DEAD: "is gone", Verdict.RECYCLED: "is another process now", Verdict.RELEASING: "lockdeck"}


def host_cell(row: Row, _context: CellContext) -> Line:
    """Return the name of a row's host."""
    return line(span(row.host, "dim"))


def verdict_cell(lock: LockView, context: CellContext) -> Line:
    """Return symbol and word of a lock's verdict; of a host that is lost since when it is."""
    since = since_when(lock, context.now)
    return line(span(since, "stale")) if since else verdict_line(lock, context.symbols)


def verdict_brief(lock: LockView, context: CellContext) -> Line:
    """Return the same in twelve cells."""
    since = since_when_brief(lock, context.now)
    return line(span(since, "stale")) if since else verdict_cell(lock, context)


def state_brief(row: Row, context: CellContext) -> Line:
    """Return the state of a row in twelve cells."""
    since = since_when_brief(row, context.now)
    return line(span(since, "stale")) if since else state_cell(row, context)


def state_cell(row: Row, context: CellContext) -> Line:
    """Return symbol and word for what needs a person in a row, else for what its session is doing.

    Of a host that is lost, since when it is: what its rows did is old news.
    """
    since = since_when(row, context.now)
    if since:
        return line(span(since, "stale"))
    word = release_word(row, context.releases)
    if word:
        mark = context.symbols.mark if word == RELEASED else context.symbols.verdicts[Verdict.RELEASING]
        return line(span(f"{mark} {word}", "notice"))
    return state_line(row, context.symbols)


def agent_line(agent: str, root_label: str, style: str = "text") -> Line:
    """Return an agent, with a short name of its root where there are several."""
    return line(span(agent, style), span(f" {root_label}", "dim")) if root_label else line(span(agent, style))


def agent_and_root_cell(lock: LockView, context: CellContext) -> Line:
    """Return the agent that a lock belongs to, with a short name of its root where there are several."""
    return agent_line(lock.record.agent or "", context.root_label((lock.host, lock.record.root)))


def agent_cell(lock: LockView, _context: CellContext) -> Line:
    """Return the agent that a lock belongs to."""
    return line(span(lock.record.agent or ""))


def holder_cell(lock: LockView, _context: CellContext) -> Line:
    """Return pid and name of the holder; of the process the payload names where nobody holds the lock."""
    holder = lock.judgement.holder
    if holder is not None:
        let_go = " has let go" if lock.judgement.verdict is Verdict.LEAKED else ""
        return line(span(holder.pid), span(f" {holder.name}{let_go}", "dim"))
    pid = _named_pid(lock)
    return EMPTY if pid is None else line(span(f"{pid} {_FATE.get(lock.judgement.verdict, NAMED)}", "dim"))


def holder_brief(lock: LockView, _context: CellContext) -> Line:
    """Return the holder in a few cells."""
    holder = lock.judgement.holder
    if holder is not None:
        return line(span(holder.pid), span(f" {holder.name.removeprefix('openclaw-')}", "dim"))
    pid = _named_pid(lock)
    gone = lock.judgement.verdict is Verdict.DEAD
    return EMPTY if pid is None else line(span(f"{pid} gone" if gone else f"({pid})", "dim"))


def _named_pid(lock: LockView) -> int | None:
    return lock.record.payload.pid if lock.record.payload is not None else None


def age_cell(lock: LockView, context: CellContext) -> Line:
    """Return how old a lock file is."""
    created = lock.record.created_at
    return EMPTY if created is None else line(span(duration(int(context.time_of(lock) - created))))


def file_cell(lock: LockView, _context: CellContext) -> Line:
    """Return the name of a lock's file, without the ending that those of sessions share."""
    return line(span(file_name(lock.record.path).removesuffix(".jsonl.lock")))


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
