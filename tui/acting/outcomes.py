"""How an action ended, as the result of a piece. Pure; the words of another host are as little trusted as a log line."""

from __future__ import annotations

from lockdeck.backend.actions.cancel.ladder import ABORT, RESET, RESTART, STOP, TERMINATE
from lockdeck.backend.actions.cancel.records import CANCELLED, NOT_KNOWN, NOTHING, STILL_ROTATING
from lockdeck.backend.actions.release.records import Status
from lockdeck.backend.hosts.asks import END_NOT_KNOWN, FAILED, NEVER_BEGUN, REFUSED, AskAnswer
from lockdeck.backend.hosts.conversation import CannotAskError
from lockdeck.backend.model.fleet import Severity
from lockdeck.backend.system.text import safe
from lockdeck.tui.jobs import Piece
from lockdeck.tui.targets import Target

NOT_DONE = "not done"
UNKNOWN = "not known"
"""The words for what was never begun, and for what was begun and whose end nobody tells."""
_WORDS = {
    Status.RELEASED.value: (Status.RELEASED.value, Severity.OK),
    CANCELLED: (CANCELLED, Severity.OK),
    NOTHING: (NOTHING, Severity.NOTICE),
    REFUSED: (REFUSED, Severity.WARNING),
    NOT_KNOWN: (NOT_KNOWN, Severity.WARNING),
    NEVER_BEGUN: (NOT_DONE, Severity.WARNING),
    STILL_ROTATING: (STILL_ROTATING, Severity.CRITICAL),
    FAILED: (FAILED, Severity.CRITICAL),
    END_NOT_KNOWN: (UNKNOWN, Severity.CRITICAL),
}
_RUNGS = (STOP, ABORT, RESET, RESTART, TERMINATE)


def severity_of(status: str) -> Severity:
    """Return how urgent it is that an action ended so."""
    return _WORDS.get(status, (UNKNOWN, Severity.CRITICAL))[1]


def outcome_piece(target: Target, answer: AskAnswer) -> Piece:
    """Return the result that a host has told."""
    word, _ = _WORDS.get(answer.status, (UNKNOWN, Severity.CRITICAL))
    sentences: tuple[str, ...] = tuple(safe(sentence, 1000) for sentence in answer.sentences[:100])
    if answer.status not in _WORDS:
        sentences = (f"its answer is a word of another lockdeck: {safe(answer.status, 40)}", *sentences)
    quarantined, next_rung = answer.body.get("quarantined"), answer.body.get("nextRung")
    if isinstance(quarantined, str):
        sentences = (*sentences, f"kept in quarantine there: {safe(quarantined, 1000)}")
    return Piece(
        target,
        word,
        severity_of(answer.status),
        sentences,
        ended=True,
        next_rung=next_rung if next_rung in _RUNGS else None,
    )


def not_asked(target: Target, error: CannotAskError) -> Piece:
    """Return the result of what could not be asked."""
    return Piece(target, NOT_DONE, Severity.WARNING, (str(error),), ended=True)
