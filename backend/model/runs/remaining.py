"""Attempts that a run still has before it, by the configured chain or else by what the log counts.

Where the configuration is not known the log's own `attempt 2 of 3` counts the models left, at least one attempt each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.runs.attempt_model import begins_candidate, chain_position, coming_attempt
from lockdeck.backend.model.runs.budget import Budget, budget_of
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.model.runs.life import LEAVING, RETRY
from lockdeck.backend.model.runs.records import Attempt
from lockdeck.backend.model.runs.retries import (
    allowed_retries,
    brake_in,
    counts_retries,
    longest_pause_s,
    most_retries,
    tries_left,
)
from lockdeck.backend.model.runs.run import Run

MAX_MODELS = 1000
"""A log that counts more models than this is not believed further."""


class Remaining(Struct, frozen=True):
    """Attempts not finished yet, in order, with the budget of each; the first may be running already.

    `listed` is false where the configuration does not tell the profiles, `sole_profile` the one that is left of the
    model at hand where no other is. `pause_s`: the longest that the pauses
    before retries on the same model can take, together, in seconds.
    """

    attempts: tuple[Attempt, ...]
    budgets: tuple[Budget, ...]
    listed: bool
    sole_profile: str | None = None
    pause_s: float = 0.0


def remaining(
    run: Run,
    chain: FailoverChain | None,
    names: Mapping[str, str],
    traits: Traits,
) -> Remaining:
    """Return what is left of the chain for a run that goes on, the attempt that may be running included."""
    listed = chain is not None and bool(chain.candidates)
    models = list(_models_of(run, chain, names) if chain is not None and listed else _counted_models(run))
    first: tuple[str | None, ...] = next((model.profiles for model in models if model.profiles), ())
    tries = list(_tries(run, models, chain, traits))
    return Remaining(
        attempts=tuple(
            coming_attempt(index, step.candidate, step.profile)
            for index, step in enumerate(tries, len(run.attempts) + 1)
        ),
        budgets=tuple(budget_of(chain, step.candidate, traits) for step in tries),
        listed=listed,
        sole_profile=first[0] if len(first) == 1 else None,
        pause_s=sum(step.pause_s for step in tries),
    )


class _Model(Struct, frozen=True):
    """A model still to be tried: its profiles, and whether it is the one that the run is at."""

    candidate: Candidate | None
    profiles: tuple[str | None, ...]
    present: bool


class _Try(Struct, frozen=True):
    """One attempt to come, with the longest pause (seconds) before it."""

    candidate: Candidate | None
    profile: str | None
    pause_s: float = 0.0


def _tries(run: Run, models: Iterable[_Model], chain: FailoverChain | None, traits: Traits) -> Iterator[_Try]:
    """Yield every attempt that can still come; on one profile of each model the retries, where there are any."""
    counts, allowed = traits.same_model_retries > 1 or counts_retries(run), allowed_retries(run, traits)
    for model in models:
        budget = budget_of(chain, model.candidate, traits)
        idle_s = budget.seconds if counts and budget.name == "idle timeout" else None
        done = run.attempts[run.candidate_from :] if model.present else ()
        used = sum(attempt.decision == RETRY for attempt in done)
        retries = most_retries(idle_s, allowed=allowed) if idle_s else 0
        if model.present:
            retries = tries_left(run, idle_s, allowed) - 1
        pauses = [longest_pause_s(used + n + 1) for n in range(retries)]
        tries = [_Try(model.candidate, profile) for profile in model.profiles]
        tries[1:1] = [replace(tries[0], pause_s=pause) for pause in pauses] if tries else []
        brake = brake_in(done) if counts else None
        yield from tries[:brake]
        if brake is not None and len(tries) >= brake:
            return


def _models_of(run: Run, chain: FailoverChain, names: Mapping[str, str]) -> Iterator[_Model]:
    """Yield the configured models from the present one on, with the profiles that are left.

    Fewer where the log counts fewer: a model chosen for this session.
    """
    used_up = _used_up(run)
    if used_up and not run.candidates and all(attempt.decision is None for attempt in used_up):
        yield from _models_after(chain, len(used_up))
        return
    position = chain_position(chain, run.candidates, run.attempts[run.candidate_from :], names)
    for offset, candidate in enumerate(chain.candidates[position:][: _models_not_failed(run)]):
        profiles: list[str | None] = list(candidate.profiles) or [None]
        if offset == 0:
            profiles = [] if _leaves_model(used_up) else _untried(profiles, used_up, names)
        yield _Model(candidate, tuple(profiles), offset == 0)


def _models_after(chain: FailoverChain, tried: int) -> Iterator[_Model]:
    """Yield what is left of a chain after so many attempts of which no line says what they were of (2026.2.9)."""
    for candidate in chain.candidates:
        profiles: list[str | None] = list(candidate.profiles) or [None]
        if tried < len(profiles):
            yield _Model(candidate, tuple(profiles[tried:]), tried > 0)
        tried = max(0, tried - len(profiles))


def _counted_models(run: Run) -> Iterator[_Model]:
    """Yield one model without a name for each that the log counts, the present one without a line that counts."""
    over = _leaves_model(_used_up(run))
    for number in range(max(0, (_models_not_failed(run) or 1) - over)):
        yield _Model(None, (None,), number == 0 and not over)


def _used_up(run: Run) -> tuple[Attempt, ...]:
    """Return the present model's attempts that used up their profile; a retry keeps it."""
    return tuple(a for a in run.attempts[run.candidate_from :] if a.decision != RETRY)


def _leaves_model(attempts: tuple[Attempt, ...]) -> bool:
    return bool(attempts) and attempts[-1].decision in LEAVING


def _untried(
    profiles: list[str | None], attempts: tuple[Attempt, ...], names: Mapping[str, str]
) -> list[str | None]:
    """Leave out the profiles that were tried, and as many more as attempts whose profile is not known."""
    used = {attempt.profile or names.get(attempt.profile_hash or "") for attempt in attempts}
    free = [profile for profile in profiles if profile is None or profile not in used]
    return free[: max(0, len(profiles) - len(attempts))]


def _models_not_failed(run: Run) -> int | None:
    """Return how many models the log itself leaves, the present one included; None when no line tells.

    A decision that says that no fallback is configured goes before every count.
    """
    if run.decisions and run.decisions[-1].fallback_configured is False:
        return 1
    for line in reversed(run.candidates):
        if line.attempt is not None and line.total is not None:
            over = line.attempt - begins_candidate(line)
            return min(MAX_MODELS, max(0, line.total - over))
    return None
