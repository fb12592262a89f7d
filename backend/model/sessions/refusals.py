"""Callers refused because a session is taken (2026.8 and later), counted per session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.records import Blocked
from lockdeck.backend.model.sessions.blocked import SAME_CALLER_S
from lockdeck.backend.model.words import times


def refusals_by_key(book: RunBook, keys: Mapping[str, str]) -> dict[str, tuple[float, ...]]:
    """Return when callers were refused (epoch seconds), by session key; `keys` are by session id.

    One refused caller writes up to three lines; within half a second they count as one.
    """
    by_key: dict[str, list[float]] = {}
    for event in book.notices:
        if not event.refuses_turn:
            continue
        key = event.session_key or keys.get(event.session_id or "")
        if key is not None:
            by_key.setdefault(key, []).append(event.at)
    return {key: _callers(sorted(of_key)) for key, of_key in by_key.items()}


def with_refused(blocked: Blocked, refused: Iterable[float], since: float, queued: int) -> Blocked:
    """Add callers refused since a time (epoch seconds), and messages that wait in the queue now."""
    recent = [at for at in refused if at >= since]
    sentences = list(blocked.sentences)
    if recent:
        sentences.append(f"{times(len(recent), 'caller')} refused: the session has a turn already")
    if queued:
        sentences.append(f"{times(queued, 'message')} waiting in the queue")
    last = max([at for at in (blocked.last, *recent) if at is not None], default=None)
    return replace(blocked, count=blocked.count + len(recent) + queued, last=last, sentences=tuple(sentences))


def _callers(moments: list[float]) -> tuple[float, ...]:
    callers: list[float] = []
    for at in moments:
        if not callers or at - callers[-1] > SAME_CALLER_S:
            callers.append(at)
    return tuple(callers)
