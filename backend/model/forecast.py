"""What a rotation still has before it: attempts to come, and until when the session can stay occupied.

A forecast is a worst case: every attempt still to come runs into its timeout.  Where the configuration is
not known the log's own `attempt 2 of 3` counts the models left, at least one attempt each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.model.chain import Candidate, FailoverChain
from backend.model.runfold import Run
from backend.model.runs import Attempt
from backend.model.sentences import duration, times

IDLE_DEFAULT_S = 60.0
"""OpenClaw's default idle timeout up to 2026.4.14; 120 s from 2026.4.15 on."""
RUN_DEFAULT_S = 172_800.0
"""OpenClaw's default run timeout (2026.4.5 and later)."""
LEAVING = ("fallback_model", "surface_error", "return_error_payload")
"""Decisions after which no further profile of the same model is tried."""


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
class Place:
    """Where in its chain a run is: attempts made on the present candidate, and those left altogether.

    `known` is false where the configuration does not tell the profiles.
    """

    to_come: tuple[Attempt, ...]
    candidates: tuple[Candidate | None, ...]
    known: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """Attempts still to come and the worst-case end (epoch seconds, None when nothing bounds it), and why."""

    to_come: tuple[Attempt, ...]
    free_by: float | None
    how: str


def budget_of(
    chain: FailoverChain | None,
    candidate: Candidate | None = None,
    *,
    idle_default_s: float = IDLE_DEFAULT_S,
    run_default_s: float = RUN_DEFAULT_S,
) -> Budget:
    """Return which of the idle and the run timeout governs an attempt: the smaller one; 0 turns one off."""
    idle, run = idle_default_s, run_default_s
    if chain is not None:
        idle = idle if chain.idle_timeout_s is None else chain.idle_timeout_s
        run = run if chain.run_timeout_s is None else chain.run_timeout_s
    if candidate is not None and candidate.idle_timeout_s is not None:
        idle = candidate.idle_timeout_s
    if idle > 0 and (run <= 0 or idle <= run):
        return Budget(idle, "idle timeout")
    return Budget(run, "run timeout") if run > 0 else Budget(None, "no timeout is set")


def place_in_chain(
    run: Run, chain: FailoverChain | None, *, running: bool, names: Mapping[str, str] | None = None
) -> Place:
    """Return what is left of a chain for a run whose finished attempts are `run.attempts`."""
    if chain is None or not chain.candidates:
        left = _models_left(run)
        unnamed = tuple(Attempt(len(run.attempts) + running + 1 + n) for n in range(left or 0))
        return Place(unnamed, (None,) * len(unnamed), False)
    position = _position(run, chain, names or {})
    tried = run.attempts[run.candidate_from :]
    if tried and tried[-1].decision in LEAVING:
        position, tried = position + 1, ()
    used = {_name(attempt, names or {}) for attempt in tried}
    left_over: list[tuple[Candidate, str | None]] = []
    for offset, candidate in enumerate(_reachable(run, chain, position)):
        profiles: list[str | None] = list(candidate.profiles) or [None]
        if offset == 0:
            profiles = [p for p in profiles if p is None or p not in used][: max(0, len(profiles) - len(tried))]
        left_over += [(candidate, profile) for profile in profiles]
    first = len(run.attempts) + 1
    coming = tuple(
        Attempt(first + n, profile, candidate.provider, candidate.model)
        for n, (candidate, profile) in enumerate(left_over)
    )
    skip = 1 if running else 0
    return Place(coming[skip:], tuple(candidate for candidate, _ in left_over)[skip:], True)


def forecast(
    run: Run,
    chain: FailoverChain | None,
    current: Attempt | None,
    now: float,
    *,
    names: Mapping[str, str] | None = None,
    idle_default_s: float = IDLE_DEFAULT_S,
    run_default_s: float = RUN_DEFAULT_S,
    run_timeout_ends: bool = False,
) -> Forecast:
    """Say what is still to come for a run that goes on; `current` is the attempt in progress, if any.

    `run_timeout_ends`: a run timeout ends the run instead of rotating (from 2026.7.1 on).
    """
    place = place_in_chain(run, chain, running=current is not None, names=names)
    own = None if current is None else _candidate_named(chain, current.provider, current.model)
    defaults = {"idle_default_s": idle_default_s, "run_default_s": run_default_s}
    budget = budget_of(chain, own, **defaults)
    if run_timeout_ends and budget.name == "run timeout" and current is not None:
        place = Place((), (), place.known)
    budgets = [budget_of(chain, candidate, **defaults) for candidate in place.candidates]
    how = _how(budget, budgets, current is not None, place.known)
    waits = [b.seconds for b in budgets] + ([budget.seconds] if current is not None else [])
    if any(wait is None for wait in waits):
        return Forecast(place.to_come, None, how)
    started = current.started_at if current is not None and current.started_at is not None else now
    rest = 0.0 if current is None else max(0.0, started + (budget.seconds or 0.0) - now)
    return Forecast(place.to_come, now + rest + sum(b.seconds or 0.0 for b in budgets), how)


def _how(budget: Budget, budgets: Sequence[Budget], running: bool, known: bool) -> str:
    sentences = sorted({b.sentence for b in (*budgets, *([budget] if running else ()))})
    parts = [times(len(budgets), "attempt") + " to come"] if budgets else ["no further attempt"]
    if running:
        parts = ["the running attempt", *([parts[0]] if budgets else [])]
    worst = f"{' and '.join(parts)}, at most {' or '.join(sentences)} each" if sentences else parts[0]
    unknown = "" if known else "; the configuration is not known: at least one attempt per model the log counts"
    return worst + unknown


def _models_left(run: Run) -> int | None:
    """How many models follow the present one, by the log's own count; None when no line tells."""
    counted = [c for c in run.candidates if c.attempt is not None and c.total is not None]
    if not counted:
        return None
    attempt, total = counted[-1].attempt or 0, counted[-1].total or 0
    present = 0 if _left_candidate(run) else 1
    return max(0, min(total, 1000) - attempt - present)


def _left_candidate(run: Run) -> bool:
    """Whether the run has left a candidate and nothing tells yet that the next attempt has begun."""
    return run.promised_at is not None and run.candidate_from == len(run.attempts)


def _position(run: Run, chain: FailoverChain, names: Mapping[str, str]) -> int:
    """Index of the present candidate: what the log says comes next, else the provider of what was tried."""
    for told in reversed(run.candidates):
        if told.next_candidate:
            found = _index(chain, *_split(told.next_candidate))
            if found is not None:
                return found
    for attempt in run.attempts[run.candidate_from :]:
        provider, _, _ = (_name(attempt, names) or "").partition(":")
        found = _index(chain, provider, None)
        if found is not None:
            return found
    return min(run.candidate_from and len(run.candidates), len(chain.candidates))


def _reachable(run: Run, chain: FailoverChain, position: int) -> tuple[Candidate, ...]:
    """Candidates from `position` on; fewer where the log counts fewer (a model chosen for this session)."""
    ahead = chain.candidates[position:]
    counted = [c for c in run.candidates if c.attempt is not None and c.total is not None]
    if counted:
        left = max(0, (counted[-1].total or 0) - (counted[-1].attempt or 0))
        return ahead[:left]
    return ahead


def _index(chain: FailoverChain, provider: str, model: str | None) -> int | None:
    for index, candidate in enumerate(chain.candidates):
        if candidate.provider == provider and model in (None, candidate.model):
            return index
    return None


def _candidate_named(chain: FailoverChain | None, provider: str | None, model: str | None) -> Candidate | None:
    if chain is None or provider is None:
        return None
    index = _index(chain, provider, model)
    return None if index is None else chain.candidates[index]


def _split(name: str) -> tuple[str, str]:
    provider, _, model = name.partition("/")
    return provider, model


def _name(attempt: Attempt, names: Mapping[str, str]) -> str | None:
    return attempt.profile or names.get(attempt.profile_hash or "")
