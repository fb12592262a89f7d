"""Cells of a session. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import RunHolder, SessionView, Severity, State
from lockdeck.tui.table import lockcells
from lockdeck.tui.table.column import CellContext
from lockdeck.tui.table.rows import SEVERITY_STYLE, free_at, occupied_s, short_key
from lockdeck.tui.view.figures import bar, dots, duration, time_of_day
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.sparkline import Beat, callers_line, holds_line, trend
from lockdeck.tui.view.symbols import Symbols


def state_line(view: SessionView, symbols: Symbols) -> Line:
    """Return symbol and word of a session's state, in the style of its severity."""
    style = "dim" if _is_quiet(view) else SEVERITY_STYLE[view.severity]
    return line(span(f"{symbols.states[view.state]} {view.state}", style))


def state_cell(view: SessionView, context: CellContext) -> Line:
    """Return symbol and word of a session's state."""
    return state_line(view, context.symbols)


def agent_cell(view: SessionView, context: CellContext) -> Line:
    """Return the agent; dim where nothing happens."""
    return lockcells.agent_line(view.agent, context.root_label(view.root), _word_style(view))


def key_cell(view: SessionView, _context: CellContext) -> Line:
    """Return the session key, without its agent."""
    return line(span(short_key(view), _word_style(view)))


def attempts_cell(view: SessionView, context: CellContext) -> Line:
    """Draw the attempts of the rotation."""
    return dots(view.rotation, view.attempt, context.symbols, most=5) if view.rotation else EMPTY


def occupied_cell(view: SessionView, context: CellContext) -> Line:
    """Return for how long callers have met a locked session."""
    seconds = occupied_s(view, context.now)
    if seconds is None:
        return EMPTY
    return line(span(duration(seconds), SEVERITY_STYLE[view.severity] if view.severity else "text"))


def progress_cell(view: SessionView, context: CellContext) -> Line:
    """Draw how much of the way to free-by is over. Without a forecast there is no bar."""
    moment, seconds = free_at(view), occupied_s(view, context.now)
    if moment is None or seconds is None:
        return EMPTY
    total = seconds + max(moment - context.now, 0.0)
    style = "critical" if moment < context.now else "bar"
    return bar(seconds / total if total else 1.0, 10, context.symbols, style)


def holder_cell(view: SessionView, context: CellContext) -> Line:
    """Return the holder of the lock, else the active run that holds the session."""
    return lockcells.holder_cell(view.lock, context) if view.lock else _run_holder(view.holder)


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
    moment, now = free_at(view), context.now
    if moment is None:
        return EMPTY
    if moment < now:
        return line(span(f"late {duration(now - moment)}", "critical"))
    return line(span(time_of_day(moment)[:5]), span(f" +{duration(moment - now)}", "dim"))


def churn_cell(view: SessionView, context: CellContext) -> Line:
    """Draw the holds that began in each of the last minutes."""
    return holds_line(_beats(view, context), context.symbols)


def trend_cell(view: SessionView, context: CellContext) -> Line:
    """Draw the callers newly blocked in each of the last minutes."""
    return callers_line(_beats(view, context), context.symbols)


def _beats(view: SessionView, context: CellContext) -> tuple[Beat, ...]:
    return trend(context.pulse, (view.root, view.agent, view.key), context.now)


def _is_quiet(view: SessionView) -> bool:
    return view.state is State.IDLE and view.severity is Severity.OK


def _word_style(view: SessionView) -> str:
    return "dim" if _is_quiet(view) else "text"
