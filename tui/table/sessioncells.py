"""Cells of a session. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import RunHolder, SessionView, Severity
from lockdeck.backend.model.words import duration, time_of_day
from lockdeck.tui.table import lockcells
from lockdeck.tui.table.column import CellContext
from lockdeck.tui.view.bars import bar, dots
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.names import short_key
from lockdeck.tui.view.severity import SEVERITY_STYLE, is_quiet
from lockdeck.tui.view.sparkline import Beat, callers_line, holds_line, pulse_name, trend


def agent_cell(view: SessionView, context: CellContext) -> Line:
    """Return the agent; dim where nothing happens."""
    return lockcells.agent_line(view.agent, context.root_label((view.host, view.root)), _word_style(view))


def key_cell(view: SessionView, _context: CellContext) -> Line:
    """Return the session key, without its agent."""
    return line(span(short_key(view), _word_style(view)))


def attempts_cell(view: SessionView, context: CellContext) -> Line:
    """Draw the attempts of the rotation."""
    return dots(view.rotation, view.attempt, context.symbols, limit=5) if view.rotation else EMPTY


def attempts_brief(view: SessionView, context: CellContext) -> Line:
    """Return the number of the attempt and of all."""
    return dots(view.rotation, view.attempt, context.symbols, limit=0) if view.rotation else EMPTY


def occupied_cell(view: SessionView, context: CellContext) -> Line:
    """Return for how long callers have met a locked session."""
    seconds = view.occupied_s(context.time_of(view))
    if seconds is None:
        return EMPTY
    return line(span(duration(int(seconds)), SEVERITY_STYLE[view.severity] if view.severity else "text"))


def progress_cell(view: SessionView, context: CellContext) -> Line:
    """Draw how much of the way to free-by is over. Without a forecast there is no bar."""
    now = context.time_of(view)
    moment, seconds = view.free_by, view.occupied_s(now)
    if moment is None or seconds is None:
        return EMPTY
    total = seconds + max(moment - now, 0.0)
    style = SEVERITY_STYLE[Severity.CRITICAL if moment < now else view.severity]
    return bar(seconds / total if total else 1.0, 10, context.symbols, style)


def holder_cell(view: SessionView, context: CellContext) -> Line:
    """Return the holder of the lock, else the active run that holds the session."""
    return lockcells.holder_cell(view.lock, context) if view.lock else _run_holder(view.holder)


def holder_brief(view: SessionView, context: CellContext) -> Line:
    """Return the holder in a few cells."""
    return lockcells.holder_brief(view.lock, context) if view.lock else _run_holder(view.holder)


def _run_holder(holder: RunHolder | None) -> Line:
    """Return pid and model of what holds a session without a lock file: the gateway's active run."""
    if holder is None:
        return EMPTY
    pid = "gateway" if holder.pid is None else str(holder.pid)
    return line(span(pid), span(f" {holder.model}", "dim")) if holder.model else line(span(pid))


def verdict_cell(view: SessionView, context: CellContext) -> Line:
    """Return the verdict on the session's lock."""
    return lockcells.verdict_cell(view.lock, context) if view.lock else EMPTY


def callers_cell(view: SessionView, _context: CellContext) -> Line:
    """Return how many callers are blocked."""
    return line(span(view.blocked.count, "warning")) if view.blocked.count else EMPTY


def free_by_cell(view: SessionView, context: CellContext) -> Line:
    """Return when the session is free at the latest, and how long that is from now."""
    moment, now = view.free_by, context.time_of(view)
    if moment is None:
        return EMPTY
    if moment < now:
        return line(span(f"late {duration(int(now - moment))}", "critical"))
    return line(*free_by_brief(view, context), span(f" at {time_of_day(moment, now)}", "dim"))


def free_by_brief(view: SessionView, context: CellContext) -> Line:
    """Return in how long the session is free at the latest, or for how long it ought to be."""
    moment, now = view.free_by, context.time_of(view)
    if moment is None:
        return EMPTY
    if moment < now:
        minutes = int(now - moment) // 60
        return line(span(f"late {duration(60 * minutes).split()[0]}" if minutes else "late", "critical"))
    return line(span(f"in {duration(int(moment - now))}"))


def churn_cell(view: SessionView, context: CellContext) -> Line:
    """Draw the holds that began in each of the last minutes."""
    return holds_line(_beats(view, context), context.symbols)


def trend_cell(view: SessionView, context: CellContext) -> Line:
    """Draw the callers newly blocked in each of the last minutes."""
    return callers_line(_beats(view, context), context.symbols)


def _beats(view: SessionView, context: CellContext) -> tuple[Beat, ...]:
    return trend(context.pulse, pulse_name(view), context.now)


def _word_style(view: SessionView) -> str:
    return "dim" if is_quiet(view) else "text"
