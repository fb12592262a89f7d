"""Cells of a lock, for the fleet, the locks and the details. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import LockView, Severity
from lockdeck.tui.table.rows import SEVERITY_STYLE, VERDICT_SEVERITY
from lockdeck.tui.view.figures import duration
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.symbols import Symbols


def verdict_line(lock: LockView, symbols: Symbols) -> Line:
    """Return symbol and word of a lock's verdict."""
    verdict = lock.judgement.verdict
    return line(span(f"{symbols.verdicts[verdict]} {verdict}", verdict_style(lock)))


def lock_only_line(lock: LockView, symbols: Symbols) -> Line:
    """Say that a lock has no session, in the style of its verdict."""
    return line(span(f"{symbols.dot} lock only", verdict_style(lock)))


def verdict_style(lock: LockView) -> str:
    """Return the style of a lock's verdict: a healthy one is dim."""
    severity = VERDICT_SEVERITY[lock.judgement.verdict]
    return "dim" if severity is Severity.OK else SEVERITY_STYLE[severity]


def holder_line(lock: LockView) -> Line:
    """Return pid and name of the holder; of the process the payload names where nobody holds the lock."""
    holder, payload = lock.judgement.holder, lock.record.payload
    if holder is not None:
        return line(span(holder.pid), span(f" {holder.name}", "dim"))
    return line(span(f"{payload.pid} named", "dim")) if payload else EMPTY


def age_line(lock: LockView, now: float) -> Line:
    """Return how old a lock file is."""
    created = lock.record.created_at
    return EMPTY if created is None else line(span(duration(now - created)))
