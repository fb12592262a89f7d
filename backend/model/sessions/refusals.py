"""Callers that were refused although no lock file stands in their way, counted per session as those of a lock are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.runs.events import CallerFailure, CallerRefusal
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.records import Blocked
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.sessions.blocked import SAME_CALLER_S, callers_in, failures_of
from lockdeck.backend.model.words import duration, times


class Refusals(Struct, frozen=True):
    """Callers of one session that were refused: how many, when first and last (epoch seconds), and why most were.

    `candidates` of those callers whose runs are named. `quote_lock`: their lines name a lock, with which they count.
    """

    callers: int
    first: float
    last: float
    refusal: CallerRefusal
    candidates: int = 0
    quote_lock: bool = False

    def sentences(self, now: float) -> tuple[str, ...]:
        """Say at `now` (epoch seconds) who was refused and why."""
        ago = duration(max(0.0, now - self.last))
        told = f"{times(self.callers, 'caller')} refused, the last {ago} ago: {self.refusal}"
        return (told, *([self.on_candidates] if self.candidates > 1 else []))

    @property
    def on_candidates(self) -> str:
        """The sentence that no model failed."""
        failed = times(self.candidates, "candidate")
        return f"{failed} failed on {self.refusal.obstacle}: these are no failures of a model"


def refusals_by_key(
    book: RunBook, keys: Mapping[str, str], runs: Mapping[str, Sequence[Run]]
) -> dict[str, tuple[CallerFailure, ...]]:
    """Return what was told of refused callers, by session key, oldest first; for use with `refusals_since`.

    `keys` are session keys by session id, `runs` the runs of each session key.
    """
    by_key: dict[str, list[CallerFailure]] = {}
    for event in book.notices:
        failure = event.caller_failure()
        key = event.session_key or keys.get(event.session_id or "")
        if failure is not None and failure.refusal is not None and key is not None:
            by_key.setdefault(key, []).append(failure)
    for key, of_key in runs.items():
        refused = [f for run in of_key for f in failures_of(run) if f.refusal is not None]
        if refused:
            by_key.setdefault(key, []).extend(refused)
    return {key: _once(sorted(of_key, key=lambda f: (f.at, f.source))) for key, of_key in by_key.items()}


def _once(failures: Iterable[CallerFailure]) -> tuple[CallerFailure, ...]:
    """Leave out second tellings: the gateway's reply and the reply pipeline each write a line of their own."""
    kept: list[CallerFailure] = []
    told_at = -math.inf
    for failure in failures:
        if failure.source == "line" and failure.at - told_at <= SAME_CALLER_S:
            continue
        told_at = failure.at if failure.source == "line" else told_at
        kept.append(failure)
    return tuple(kept)


def refusals_since(failures: Iterable[CallerFailure], since: float) -> Refusals | None:
    """Count the callers refused since a time (epoch seconds); None where none was."""
    recent = [failure for failure in failures if failure.at >= since]
    if not recent:
        return None
    callers, candidates = callers_in(recent)
    reasons = Counter(failure.refusal for failure in recent if failure.refusal is not None)
    (refusal, _), *_ = reasons.most_common(1)
    quote_lock = all(failure.timeout is not None for failure in recent)
    return Refusals(callers, recent[0].at, recent[-1].at, refusal, candidates, quote_lock)


def with_refused(blocked: Blocked, refused: Refusals | None, queued: int = 0) -> Blocked:
    """Add callers that were refused, and messages that wait in the queue now."""
    sentences, count, moments = list(blocked.sentences), blocked.count + queued, [blocked.last]
    if refused is not None:
        count, moments = count + refused.callers, [*moments, refused.last]
        sentences.append(f"{times(refused.callers, 'caller')} refused: {refused.refusal}")
        sentences += [refused.on_candidates] if refused.candidates > 1 else []
    if queued:
        sentences.append(f"{times(queued, 'message')} waiting in the queue")
    last = max([at for at in moments if at is not None], default=None)
    return replace(blocked, count=count, last=last, sentences=tuple(sentences))
