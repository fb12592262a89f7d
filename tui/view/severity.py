"""States and verdicts as symbol, word and style; the urgency of a verdict. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from lockdeck.backend.model.fleet import LockView, SessionView, Severity, State
from lockdeck.backend.model.locks import Verdict
from lockdeck.tui.view.lines import Line, line, span
from lockdeck.tui.view.names import RowKey, row_key
from lockdeck.tui.view.symbols import Symbols

STATE_ORDER = (
    State.STUCK,
    State.ROTATING,
    State.CANCELLING,
    State.COMPACTING,
    State.RUNNING,
    State.FAILED,
    State.UNKNOWN,
    State.IDLE,
)
"""The states, most urgent first among those of one severity: what is over stands below what goes on."""
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
    Verdict.RELEASING: Severity.NOTICE,
}


LIFE = {True: ("", "text"), False: (" is gone", "critical"), None: (" can't be seen from here", "notice")}
"""Word and style for a gateway that lives, is gone, or can't be seen."""


def verdict_severity(lock: LockView) -> Severity:
    """Return how urgent the verdict on a lock is."""
    return VERDICT_SEVERITY[lock.judgement.verdict]


def row_severity(row: object) -> Severity:
    """Return how urgent a row of the fleet is; what is no such row is never urgent."""
    if isinstance(row, LockView):
        return verdict_severity(row)
    return row.severity if isinstance(row, SessionView) else Severity.OK


def is_quiet(view: SessionView) -> bool:
    """Return whether nothing happens in a session, and nothing is wrong with it."""
    return view.state is State.IDLE and view.severity is Severity.OK


LOCK_WORDS = {
    Verdict.CREATING: "creating",
    Verdict.HELD: "held",
    Verdict.LEAKED: "leaked",
    Verdict.RECYCLED: "pid reused",
    Verdict.DEAD: "dead lock",
    Verdict.REMOVED: "removed",
    Verdict.FOREIGN: "foreign",
    Verdict.UNREADABLE: "unreadable",
    Verdict.LITTER: "litter",
    Verdict.RELEASING: "releasing",
}
"""The verdicts as the words of a state: what a person is told first about a row whose lock needs them."""
_QUIET_STATES = frozenset({State.IDLE, State.UNKNOWN})


Releases = Mapping[RowKey, bool]
"""The rows whose lock is being released from here (False), or was (True)."""
RELEASING, RELEASED = "releasing", "released"


def release_word(row: object, releases: Releases) -> str:
    """Return what a release from here makes of a row; empty where something else is known of it by now.

    Once it is done, OpenClaw's store alone may still say that the session runs.
    """
    if isinstance(row, LockView):
        return RELEASING if releases.get(row_key(row)) is False else ""
    if not isinstance(row, SessionView) or row.state not in _QUIET_STATES:
        return ""
    done = releases.get(row_key(row))
    if done:
        return RELEASED if row.state is State.UNKNOWN and row.lock is None else ""
    return "" if done is None else RELEASING


def told_as(row: SessionView | LockView) -> State | Verdict:
    """Return what a row says first: what its session is doing, or the verdict on its lock where that needs a person."""
    lock = row if isinstance(row, LockView) else row.lock
    if isinstance(row, SessionView) and (lock is None or not _is_to_blame(lock, row.state)):
        return row.state
    assert lock is not None
    return lock.judgement.verdict


def _is_to_blame(lock: LockView, state: State) -> bool:
    severity = verdict_severity(lock)
    return severity >= Severity.WARNING or (severity is not Severity.OK and state in _QUIET_STATES)


def state_word(row: SessionView | LockView) -> str:
    """Return the word of what a row says first."""
    told = told_as(row)
    return LOCK_WORDS[told] if isinstance(told, Verdict) else str(told)


def state_style(row: SessionView | LockView) -> str:
    """Return the style of a row's state: that of its severity, dim where nothing happens and nothing is wrong."""
    if isinstance(row, LockView):
        return verdict_style(row)
    return "dim" if is_quiet(row) else SEVERITY_STYLE[row.severity]


def state_line(row: SessionView | LockView, symbols: Symbols) -> Line:
    """Return symbol and word of what a row says first, in the style of its severity."""
    told = told_as(row)
    symbol = symbols.verdicts[told] if isinstance(told, Verdict) else symbols.states[told]
    return line(span(f"{symbol} {state_word(row)}", state_style(row)))


def verdict_line(lock: LockView, symbols: Symbols) -> Line:
    """Return symbol and word of a lock's verdict."""
    verdict = lock.judgement.verdict
    return line(span(f"{symbols.verdicts[verdict]} {verdict}", verdict_style(lock)))


def verdict_style(lock: LockView) -> str:
    """Return the style of a lock's verdict: a healthy one is dim."""
    severity = verdict_severity(lock)
    return "dim" if severity is Severity.OK else SEVERITY_STYLE[severity]
