"""Cells of a session. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import RunHolder, SessionView, Severity, State
from lockdeck.tui.table.column import CellContext
from lockdeck.tui.table.lockcells import holder_line, verdict_line
from lockdeck.tui.table.rows import SEVERITY_STYLE, free_at, occupied_s, short_key
from lockdeck.tui.view.figures import bar, dots, duration, time_of_day
from lockdeck.tui.view.lines import EMPTY, Line, line, span
from lockdeck.tui.view.sparkline import Beat, trend
from lockdeck.tui.view.symbols import Symbols


def state_line(view: SessionView, symbols: Symbols) -> Line:
    """Return symbol and word of a session's state, in the style of its severity."""
    style = "dim" if _is_quiet(view) else SEVERITY_STYLE[view.severity]
    return line(span(f"{symbols.states[view.state]} {view.state}", style))


def agent_line(agent: str, root_label: str, style: str = "text") -> Line:
    """Return an agent, with a short name of its root where there are several."""
    return line(span(agent, style), span(f" {root_label}", "dim")) if root_label else line(span(agent, style))


def agent_cell(view: SessionView, context: CellContext) -> Line:
    """Return the agent; dim where nothing happens."""
    return agent_line(view.agent, context.root_label(view.root), _word_style(view))


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


def holder_cell(view: SessionView, _context: CellContext) -> Line:
    """Return the holder of the lock, else the active run that holds the session."""
    return holder_line(view.lock) if view.lock else run_holder_line(view.holder)


def run_holder_line(holder: RunHolder | None) -> Line:
    """Return pid and model of what holds a session without a lock file: the gateway's active run."""
    if holder is None:
        return EMPTY
    pid = "gateway" if holder.pid is None else str(holder.pid)
    return line(span(pid), span(f" {holder.model}", "dim")) if holder.model else line(span(pid))


def verdict_cell(view: SessionView, context: CellContext) -> Line:
    """Return the verdict on the session's lock."""
    return verdict_line(view.lock, context.symbols) if view.lock else EMPTY


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


def beats(view: SessionView, context: CellContext) -> tuple[Beat, ...]:
    """Return what began in the session in each of the last minutes."""
    return trend(context.pulse, (view.root, view.agent, view.key), context.now)


def _is_quiet(view: SessionView) -> bool:
    return view.state is State.IDLE and view.severity is Severity.OK


def _word_style(view: SessionView) -> str:
    return "dim" if _is_quiet(view) else "text"
