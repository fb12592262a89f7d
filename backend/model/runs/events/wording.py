"""Words for the fields of events.

Names that OpenClaw writes in fields of their own (model, profile, decision, reason) are repeated as far as they
look like names.
"""

from __future__ import annotations

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.runs.events.base import LockTimeout
from lockdeck.backend.model.words import duration, plain_word

_NAME = late_pattern(r"[\w.@:/+-]{1,80}\Z")


def name_or(word: str | None, otherwise: str) -> str:
    """Return a name that looks like one; what looks like anything else is not repeated."""
    return word if word and _NAME.match(word) else otherwise


def word_or(word: str | None, otherwise: str) -> str:
    """Return what a code word stands for; what looks like none is not repeated."""
    return plain_word(name_or(word, otherwise))


def span_of(ms: int | None) -> str:
    """Return a time in milliseconds in words."""
    return "an unknown time" if ms is None else duration(ms / 1000)


def on_model(provider: str | None, model: str | None) -> str:
    """Return ` on provider/model`; nothing without a model."""
    model = name_or(model, "")
    return f" on {'/'.join(word for word in (name_or(provider, ''), model) if word)}" if model else ""


def in_brackets(reason: str | None) -> str:
    """Return a reason in brackets; nothing without one."""
    word = word_or(reason, "")
    return f" ({word})" if word else ""


def lock_words(timeout: LockTimeout) -> str:
    """Say that a caller could not have a session, or gave up on its lock."""
    if timeout.how:
        return f"a caller failed: {timeout.how}"
    holder = f" held by pid {timeout.pid}" if timeout.pid is not None else ""
    return f"a caller gave up on the lock after {span_of(timeout.timeout_ms)}{holder}"
