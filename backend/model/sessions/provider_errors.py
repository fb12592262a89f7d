"""Attempts of which a log tells a timeout alone, with what their transcript tells: the provider answered, and no model hung.

2026.2.9 tries a rate-limited model again inside one attempt until the run timeout, and logs only that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from lockdeck.backend.model.runs.records import Attempt, ProviderError
from lockdeck.backend.model.runs.run import Run


def with_provider_errors(run: Run, errors: Sequence[ProviderError]) -> Run:
    """Return a run whose attempts have the reasons that the provider's own answers give them; `errors` oldest first."""
    if not errors or not run.timeouts:
        return run
    return replace(run, attempts=tuple(_answered(run.attempts, errors)))


def _answered(attempts: Sequence[Attempt], errors: Sequence[ProviderError]) -> Iterator[Attempt]:
    for attempt in attempts:
        begun, ended = attempt.started_at, attempt.ended_at
        reason = None
        if attempt.by_timeout and begun is not None and ended is not None:
            reason = next((e.reason for e in reversed(errors) if begun <= e.at <= ended), None)
        yield attempt if reason is None else replace(attempt, reason=reason)
