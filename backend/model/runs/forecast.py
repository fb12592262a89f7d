"""What a rotation still has before it: attempts to come, and until when the session can stay occupied.

A forecast is a worst case: every attempt still to come runs into its timeout.  Where the configuration is
not known the log's own `attempt 2 of 3` counts the models left, at least one attempt each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.runs.attempt_model import begins_candidate, chain_position
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.model.runs.life import LEAVING, RETRY
from lockdeck.backend.model.runs.records import Attempt, Compaction
from lockdeck.backend.model.runs.retries import (
    brake_in,
    counts_retries,
    longest_pause_s,
    most_retries,
    tries_left,
)
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.words import duration, times

MOST_MODELS = 1000
"""A log that counts more models than this is not believed further."""


class Budget(Struct, frozen=True):
    """The longest an attempt may take, in seconds (None: no timeout at all), and which timeout says so."""

    seconds: float | None
    name: str

    @property
    def sentence(self) -> str:
        """The budget in words."""
        return self.name if self.seconds is None else f"{duration(self.seconds)} ({self.name})"


class Remaining(Struct, frozen=True):
    """Attempts not finished yet, in order, with the budget of each; the first may be running already.

    `listed` is false where the configuration does not tell the profiles. `pause_s`: the longest that the pauses
    before retries on the same model can take, together, in seconds.
    """

    attempts: tuple[Attempt, ...]
    budgets: tuple[Budget, ...]
    listed: bool
    pause_s: float = 0.0


class Forecast(Struct, frozen=True):
    """Attempts still to come and the worst-case end (epoch seconds, None when nothing bounds it), and why."""

    to_come: tuple[Attempt, ...]
    free_by: float | None
    how: str


def budget_of(chain: FailoverChain | None, candidate: Candidate | None, traits: Traits) -> Budget:
    """Return which of the idle and the run timeout governs an attempt: the smaller one; 0 turns one off."""
    idle, run = traits.idle_timeout_s, traits.run_timeout_s
    if chain is not None:
        idle = idle if chain.idle_timeout_s is None else chain.idle_timeout_s
        run = run if chain.run_timeout_s is None else chain.run_timeout_s
    if candidate is not None and candidate.idle_timeout_s is not None:
        idle = candidate.idle_timeout_s
    if idle > 0 and (run <= 0 or idle <= run):
        return Budget(idle, "idle timeout")
    return Budget(run, "run timeout") if run > 0 else Budget(None, "no timeout is set")


def remaining(
    run: Run,
    chain: FailoverChain | None,
    names: Mapping[str, str],
    traits: Traits,
) -> Remaining:
    """Return what is left of the chain for a run that goes on, the attempt that may be running included."""
    listed = chain is not None and bool(chain.candidates)
    models = _models_of(run, chain, names) if chain is not None and listed else _counted_models(run)
    left = list(_tries(run, models, chain, traits))
    first = len(run.attempts) + 1
    attempts = tuple(
        Attempt(first + n, each.profile, each.candidate.provider, each.candidate.model)
        if each.candidate
        else Attempt(first + n)
        for n, each in enumerate(left)
    )
    budgets = tuple(budget_of(chain, each.candidate, traits) for each in left)
    return Remaining(attempts, budgets, listed, sum(each.pause_s for each in left))


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
    counts = traits.same_model_retries > 1 or counts_retries(run)
    for model in models:
        budget = budget_of(chain, model.candidate, traits)
        idle_s = budget.seconds if counts and budget.name == "idle timeout" else None
        done = run.attempts[run.candidate_from :] if model.present else ()
        used = sum(attempt.decision == RETRY for attempt in done)
        again = tries_left(run, idle_s) - 1 if model.present else most_retries(idle_s) if idle_s else 0
        pauses = [longest_pause_s(used + n + 1) for n in range(again)]
        own = [_Try(model.candidate, profile) for profile in model.profiles]
        own[1:1] = [replace(own[0], pause_s=pause) for pause in pauses] if own else []
        brake = brake_in(done) if counts else None
        yield from own[:brake]
        if brake is not None and len(own) >= brake:
            return


def _models_of(run: Run, chain: FailoverChain, names: Mapping[str, str]) -> Iterator[_Model]:
    """Yield the configured models from the present one on, with the profiles that are left."""
    tried = _left_behind(run)
    for offset, candidate in enumerate(_reachable(run, chain, _position(run, chain, names))):
        profiles: list[str | None] = list(candidate.profiles) or [None]
        if offset == 0:
            profiles = [] if _has_left(tried) else _untried(profiles, tried, names)
        yield _Model(candidate, tuple(profiles), offset == 0)


def _counted_models(run: Run) -> Iterator[_Model]:
    """Yield one model without a name for each that the log counts, the present one without a line that counts."""
    gone = _has_left(_left_behind(run))
    for number in range(max(0, (_models_not_failed(run) or 1) - gone)):
        yield _Model(None, (None,), number == 0 and not gone)


def _left_behind(run: Run) -> tuple[Attempt, ...]:
    """Return the present model's attempts that used up their profile; a retry keeps it."""
    return tuple(a for a in run.attempts[run.candidate_from :] if a.decision != RETRY)


def _has_left(tried: tuple[Attempt, ...]) -> bool:
    return bool(tried) and tried[-1].decision in LEAVING


def forecast(
    left: Remaining,
    current: Attempt | None,
    now: float,
    traits: Traits,
    compaction: Compaction | None = None,
) -> Forecast:
    """Say what is still to come and until when; `current` is the attempt in progress, if any.

    `compaction` is the one under way: the attempt in progress lasts until it is over, and its tries after that.
    """
    if current is None:
        own, budgets, to_come = None, left.budgets, left.attempts
    else:
        own = left.budgets[0] if left.budgets else budget_of(None, None, traits)
        budgets, to_come = left.budgets[1:], left.attempts[1:]
        if traits.run_timeout_ends_run and own.name == "run timeout":
            budgets, to_come = (), ()
    every = (*budgets, *([own] if own else []))
    wait = left.pause_s if to_come else 0.0
    how = _how(every, running=own is not None, to_come=len(to_come), listed=left.listed, pause_s=wait)
    if not every:
        return Forecast(to_come, None, how)
    for budget in every:
        if budget.seconds is None:
            return Forecast(to_come, None, how)
        wait += budget.seconds
    limit = own.seconds or 0.0 if own else 0.0
    spent = 0.0 if current is None else min(current.duration_s(now) or 0.0, limit)
    begins = current.started_at if current is not None and current.started_at is not None else now
    free_by = max(now, begins) + wait - spent
    if compaction is None:
        return Forecast(to_come, free_by, how)
    limit = limit if own else next((budget.seconds or 0.0 for budget in budgets), 0.0)
    longer = _over_at(compaction, limit) - max(now, begins) - (limit - spent)
    return Forecast(to_come, free_by + max(0.0, longer), f"{how}; {_compacts(compaction)}")


def _over_at(compaction: Compaction, limit_s: float) -> float:
    """When the present attempt is over at the latest, epoch seconds, where each try of it takes `limit_s` seconds."""
    longest_s, tries = compaction.longest_s or 0.0, compaction.tries
    return compaction.told_at + longest_s + tries * limit_s + max(0, tries - 1) * longest_s


def _compacts(compaction: Compaction) -> str:
    first = f"it compacts the transcript first, at most {duration(compaction.longest_s or 0.0)}"
    if not compaction.tries:
        return first
    return f"{first}, and then tries again {'once' if compaction.tries == 1 else f'{compaction.tries} times'}"


def _how(
    budgets: tuple[Budget, ...], *, running: bool, to_come: int, listed: bool, pause_s: float = 0.0
) -> str:
    parts = ["the running attempt"] if running else []
    if to_come:
        parts.append(f"{times(to_come, 'attempt')} to come")
    if not parts:
        return "no attempt is left"
    limits = " or ".join(sorted({budget.sentence for budget in budgets}))
    worst = f"{' and '.join(parts)}, each at most {limits}"
    if pause_s:
        worst = f"{worst}, with pauses of at most {duration(pause_s)} in all"
    if any(budget.seconds is None for budget in budgets):
        worst = f"{' and '.join(parts)}: {limits}, so nothing bounds it"
    return (
        worst
        if listed
        else f"{worst}; the configuration is not known: one attempt per model that the log counts"
    )


def _untried(
    profiles: list[str | None], tried: tuple[Attempt, ...], names: Mapping[str, str]
) -> list[str | None]:
    """Leave out the profiles that were tried, and as many more as attempts whose profile is not known."""
    used = {attempt.profile or names.get(attempt.profile_hash or "") for attempt in tried}
    free = [profile for profile in profiles if profile is None or profile not in used]
    return free[: max(0, len(profiles) - len(tried))]


def _models_not_failed(run: Run) -> int | None:
    """How many models the log's own count leaves, the present one included; None when no line counts."""
    for told in reversed(run.candidates):
        if told.attempt is not None and told.total is not None:
            gone = told.attempt - begins_candidate(told)
            return min(MOST_MODELS, max(0, told.total - gone))
    return None


def _position(run: Run, chain: FailoverChain, names: Mapping[str, str]) -> int:
    return chain_position(chain, run.candidates, run.attempts[run.candidate_from :], names)


def _reachable(run: Run, chain: FailoverChain, position: int) -> tuple[Candidate, ...]:
    """Candidates from `position` on; fewer where the log counts fewer (a model chosen for this session)."""
    return chain.candidates[position:][: _models_not_failed(run)]
