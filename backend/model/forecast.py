"""What a rotation still has before it: attempts to come, and until when the session can stay occupied.

A forecast is a worst case: every attempt still to come runs into its timeout.  Where the configuration is
not known the log's own `attempt 2 of 3` counts the models left, at least one attempt each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.model.chain import Candidate, FailoverChain
from backend.model.retries import brake_in, tries_left
from backend.model.runfold import Run
from backend.model.runlife import LEAVING, RETRY
from backend.model.runs import Attempt
from backend.model.sentences import duration, times

IDLE_DEFAULT_S = 60.0
"""OpenClaw's default idle timeout up to 2026.4.14; 120 s from 2026.4.15 on."""
RUN_DEFAULT_S = 172_800.0
"""OpenClaw's default run timeout (2026.4.5 and later)."""
MOST_MODELS = 1000
"""A log that counts more models than this is not believed further."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """The timeouts of a version in seconds; `run_timeout_ends`: a run timeout does not rotate (2026.7.1 on)."""

    idle_s: float = IDLE_DEFAULT_S
    run_s: float = RUN_DEFAULT_S
    run_timeout_ends: bool = False


DEFAULTS_2026_4_5 = Defaults()


@dataclass(frozen=True, slots=True)
class Budget:
    """The longest an attempt may take, in seconds (None: no timeout at all), and which timeout says so."""

    seconds: float | None
    name: str

    @property
    def sentence(self) -> str:
        """The budget in words."""
        return self.name if self.seconds is None else f"{duration(self.seconds)} ({self.name})"


@dataclass(frozen=True, slots=True)
class Remaining:
    """Attempts not finished yet, in order, with the budget of each; the first may be running already.

    `known` is false where the configuration does not tell the profiles.
    """

    attempts: tuple[Attempt, ...]
    budgets: tuple[Budget, ...]
    known: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """Attempts still to come and the worst-case end (epoch seconds, None when nothing bounds it), and why."""

    to_come: tuple[Attempt, ...]
    free_by: float | None
    how: str


def budget_of(
    chain: FailoverChain | None, candidate: Candidate | None = None, defaults: Defaults = DEFAULTS_2026_4_5
) -> Budget:
    """Return which of the idle and the run timeout governs an attempt: the smaller one; 0 turns one off."""
    idle, run = defaults.idle_s, defaults.run_s
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
    defaults: Defaults = DEFAULTS_2026_4_5,
) -> Remaining:
    """Return what is left of the chain for a run that goes on, the attempt that may be running included."""
    tried = tuple(a for a in run.attempts[run.candidate_from :] if a.decision != RETRY)
    left_it = bool(tried) and tried[-1].decision in LEAVING
    first = len(run.attempts) + 1
    if chain is None or not chain.candidates:
        count = max(0, (_models_not_failed(run) or 1) - left_it) + tries_left(run) - 1
        count = min(count, brake_in(run) or count)
        unnamed = tuple(Attempt(first + n) for n in range(count))
        return Remaining(unnamed, (budget_of(chain, None, defaults),) * count, False)
    ahead = list(_reachable(run, chain, _position(run, chain, names)))
    left: list[tuple[Candidate, str | None]] = []
    for offset, candidate in enumerate(ahead):
        profiles: list[str | None] = list(candidate.profiles) or [None]
        if offset == 0:
            profiles = [] if left_it else _untried(profiles, tried, names)
        left += [(candidate, profile) for profile in profiles]
    left = left[:1] * (tries_left(run) - 1) + left
    left = left[: brake_in(run)]
    attempts = tuple(Attempt(first + n, p, c.provider, c.model) for n, (c, p) in enumerate(left))
    return Remaining(attempts, tuple(budget_of(chain, c, defaults) for c, _ in left), True)


def forecast(
    left: Remaining, current: Attempt | None, now: float, defaults: Defaults = DEFAULTS_2026_4_5
) -> Forecast:
    """Say what is still to come and until when; `current` is the attempt in progress, if any."""
    if current is None:
        own, budgets, to_come = None, left.budgets, left.attempts
    else:
        own = left.budgets[0] if left.budgets else budget_of(None, None, defaults)
        budgets, to_come = left.budgets[1:], left.attempts[1:]
        if defaults.run_timeout_ends and own.name == "run timeout":
            budgets, to_come = (), ()
    every = (*budgets, *([own] if own else []))
    how = _how(every, running=own is not None, to_come=len(to_come), known=left.known)
    if not every:
        return Forecast(to_come, None, how)
    wait = 0.0
    for budget in every:
        if budget.seconds is None:
            return Forecast(to_come, None, how)
        wait += budget.seconds
    spent = (
        0.0 if current is None else min(current.duration_s(now) or 0.0, own.seconds or 0.0 if own else 0.0)
    )
    return Forecast(to_come, now + wait - spent, how)


def _how(budgets: tuple[Budget, ...], *, running: bool, to_come: int, known: bool) -> str:
    parts = ["the running attempt"] if running else []
    if to_come:
        parts.append(f"{times(to_come, 'attempt')} to come")
    if not parts:
        return "no attempt is left"
    limits = " or ".join(sorted({budget.sentence for budget in budgets}))
    worst = f"{' and '.join(parts)}, each at most {limits}"
    if any(budget.seconds is None for budget in budgets):
        worst = f"{' and '.join(parts)}: {limits}, so nothing bounds it"
    return (
        worst
        if known
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
            return min(MOST_MODELS, max(0, told.total - told.attempt))
    return None


def _position(run: Run, chain: FailoverChain, names: Mapping[str, str]) -> int:
    """Index of the present candidate: what the log says comes next, else the provider of what was tried."""
    if run.candidates and run.candidates[-1].next_candidate:
        provider, _, model = run.candidates[-1].next_candidate.partition("/")
        found = _index(chain, provider, model)
        if found is not None:
            return found
    for attempt in run.attempts[run.candidate_from :]:
        provider, _, _ = (names.get(attempt.profile_hash or "") or "").partition(":")
        found = _index(chain, provider)
        if found is not None:
            return found
    failed = sum(told.decision == "candidate_failed" for told in run.candidates)
    return min(failed, len(chain.candidates))


def _reachable(run: Run, chain: FailoverChain, position: int) -> tuple[Candidate, ...]:
    """Candidates from `position` on; fewer where the log counts fewer (a model chosen for this session)."""
    return chain.candidates[position:][: _models_not_failed(run)]


def _index(chain: FailoverChain, provider: str, model: str | None = None) -> int | None:
    for index, candidate in enumerate(chain.candidates):
        if candidate.provider == provider and model in (None, candidate.model):
            return index
    return None
