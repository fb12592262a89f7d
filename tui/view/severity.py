"""States and verdicts as symbol, word and style; the urgency of a verdict. Pure."""

from __future__ import annotations

from lockdeck.backend.model.fleet import LockView, SessionView, Severity, State
from lockdeck.backend.model.locks import Verdict
from lockdeck.tui.view.lines import Line, line, span
from lockdeck.tui.view.symbols import Symbols

STATE_ORDER = (
    State.STUCK,
    State.FAILED,
    State.ROTATING,
    State.CANCELLING,
    State.COMPACTING,
    State.RUNNING,
    State.UNKNOWN,
    State.IDLE,
)
"""The states, most urgent first among those of one severity."""
SEVERITY_STYLE = {
    Severity.OK: "ok",
    Severity.NOTICE: "notice",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "critical",
}
VERDICT_SEVERITY = {
    Verdict.CREATING: Severity.OK,
    Verdict.HELD: Severity.OK,
    Verdict.LEAKED: Severity.CRITICAL,
    Verdict.RECYCLED: Severity.WARNING,
    Verdict.DEAD: Severity.WARNING,
    Verdict.REMOVED: Severity.CRITICAL,
    Verdict.FOREIGN: Severity.NOTICE,
    Verdict.UNREADABLE: Severity.WARNING,
    Verdict.LITTER: Severity.OK,
}


LIFE = {True: ("", "text"), False: (" is gone", "critical"), None: (" can't be seen from here", "notice")}
"""Word and style for a gateway that lives, is gone, or can't be seen."""


def verdict_severity(lock: LockView) -> Severity:
    """Return how urgent the verdict on a lock is."""
    return VERDICT_SEVERITY[lock.judgement.verdict]


def is_quiet(view: SessionView) -> bool:
    """Return whether nothing happens in a session, and nothing is wrong with it."""
    return view.state is State.IDLE and view.severity is Severity.OK


def state_line(view: SessionView, symbols: Symbols) -> Line:
    """Return symbol and word of a session's state, in the style of its severity."""
    style = "dim" if is_quiet(view) else SEVERITY_STYLE[view.severity]
    return line(span(f"{symbols.states[view.state]} {view.state}", style))


def verdict_line(lock: LockView, symbols: Symbols) -> Line:
    """Return symbol and word of a lock's verdict."""
    verdict = lock.judgement.verdict
    return line(span(f"{symbols.verdicts[verdict]} {verdict}", verdict_style(lock)))


def verdict_style(lock: LockView) -> str:
    """Return the style of a lock's verdict: a healthy one is dim."""
    severity = verdict_severity(lock)
    return "dim" if severity is Severity.OK else SEVERITY_STYLE[severity]
