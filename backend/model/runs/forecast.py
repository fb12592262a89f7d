"""Until when a rotation can keep its session occupied.

A forecast is a worst case: every attempt still to come runs into its timeout.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from lockdeck.backend.model.moments import seconds_between
from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.runs.budget import Budget, budget_of
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.model.runs.life import RETRY
from lockdeck.backend.model.runs.records import Attempt, Compaction
from lockdeck.backend.model.runs.remaining import Remaining
from lockdeck.backend.model.words import duration, times

EXCEEDED_S = 5.0
"""Only so many seconds later than it should an attempt exceeds its limit: what it needs around its model call varies."""
MOST_AROUND_S = 60.0
"""An attempt that took longer (seconds) than this beside its timeout waited for something else."""


class Around(Struct, frozen=True):
    """The time that each attempt takes beside its model call, in seconds; `own`: the run's own attempts tell it.

    `last_end`: when the last attempt was over (epoch seconds), None where none was.
    """

    seconds: float = 0.0
    own: bool = False
    last_end: float | None = None

    @property
    def sentence(self) -> str:
        """The time in words, to be put behind the limits of attempts; empty where there is none."""
        if not self.seconds:
            return ""
        return f" and about {duration(self.seconds)} around it{', as before in this run' if self.own else ''}"


NO_TIME_AROUND = Around()


def around(done: Sequence[Attempt], chain: FailoverChain | None, traits: Traits) -> Around:
    """Return what attempts of a run take beside their model calls, by those that ran into a timeout.

    The release's own figure counts as one of them: a single attempt tells little.
    """
    taken = [seconds for pair in pairwise(done) if (seconds := _beside(*pair, chain, traits)) is not None]
    mean = (traits.around_attempt_s + sum(taken)) / (1 + len(taken))
    return Around(mean, bool(taken), done[-1].ended_at if done else None)


def _beside(previous: Attempt, attempt: Attempt, chain: FailoverChain | None, traits: Traits) -> float | None:
    """Return how long an attempt took beside its timeout, from the end of the one before; without the pause of a retry."""
    begin = attempt.started_at if previous.decision == RETRY else previous.ended_at
    lasted = seconds_between(begin, attempt.ended_at)
    budget = budget_of(chain, _candidate_of(attempt, chain), traits).seconds
    if not attempt.by_timeout or lasted is None or budget is None:
        return None
    return lasted - budget if 0.0 <= lasted - budget <= MOST_AROUND_S else None


def _candidate_of(attempt: Attempt, chain: FailoverChain | None) -> Candidate | None:
    candidates = chain.candidates if chain is not None else ()
    named = (attempt.provider, attempt.model)
    return next(
        (candidate for candidate in candidates if (candidate.provider, candidate.model) == named), None
    )


class Forecast(Struct, frozen=True):
    """Attempts still to come and the worst-case end (epoch seconds, None when nothing bounds it), and its basis.

    `passed`: that end is over, and the last attempt goes on.
    """

    to_come: tuple[Attempt, ...]
    free_by: float | None
    basis: str
    passed: bool = False


def forecast(
    rest: Remaining,
    current: Attempt | None,
    now: float,
    traits: Traits,
    compaction: Compaction | None = None,
    beside: Around = NO_TIME_AROUND,
) -> Forecast:
    """Say what is still to come and until when; `current` is the attempt in progress, if any.

    `compaction` is the one under way: the attempt in progress lasts until it is over, and its tries after that.
    `beside` is what each attempt takes beside its model call.
    """
    if current is None:
        running, budgets, to_come = None, rest.budgets, rest.attempts
    else:
        running = rest.budgets[0] if rest.budgets else budget_of(None, None, traits)
        budgets, to_come = rest.budgets[1:], rest.attempts[1:]
        if traits.run_timeout_ends_run and running.name == "run timeout":
            budgets, to_come = (), ()
    limits = (*([running] if running else []), *budgets)
    wait = rest.pause_s if to_come else 0.0
    basis = _basis(limits, beside, running=running is not None, rest=rest, to_come=len(to_come), pause_s=wait)
    if not limits or any(budget.seconds is None for budget in limits):
        return Forecast(to_come, None, basis)
    first, *later = [(budget.seconds or 0.0) + beside.seconds for budget in limits]
    begins = _begins(current, now, beside)
    # Until it is over the attempt in progress may take what it has; what it takes longer puts off all that is to come.
    over = begins + first if not later else max(begins + first, now)
    free_by = over + wait + sum(later)
    if compaction is not None:
        longer = _over_at(compaction, limits[0].seconds or 0.0) - over
        return Forecast(to_come, free_by + max(0.0, longer), f"{basis}; {_compacts(compaction)}")
    exceeded_s = now - begins - first
    if running is not None and later and exceeded_s > EXCEEDED_S:
        basis = f"{basis}; the running attempt has exceeded that by {duration(exceeded_s)}"
    passed = running is not None and not later and exceeded_s > 0.0
    return Forecast(
        to_come, free_by, f"{basis}; passed {duration(exceeded_s)} ago" if passed else basis, passed
    )


def _begins(current: Attempt | None, now: float, beside: Around) -> float:
    """Return since when the present attempt counts: what it needs before its model call begins with the end of the last."""
    if current is None:
        return now if beside.last_end is None else max(beside.last_end, now - beside.seconds)
    return now if current.started_at is None else current.started_at


def _over_at(compaction: Compaction, limit_s: float) -> float:
    """Return when the present attempt is over at the latest (epoch seconds): each try of it takes `limit_s` seconds."""
    longest_s, tries = compaction.longest_s or 0.0, compaction.tries
    return compaction.told_at + longest_s + tries * limit_s + max(0, tries - 1) * longest_s


def _compacts(compaction: Compaction) -> str:
    first = f"it compacts the transcript first, at most {duration(compaction.longest_s or 0.0)}"
    if not compaction.tries:
        return first
    return f"{first}, and then tries again {'once' if compaction.tries == 1 else f'{compaction.tries} times'}"


def _basis(
    budgets: tuple[Budget, ...],
    beside: Around,
    *,
    running: bool,
    rest: Remaining,
    to_come: int,
    pause_s: float,
) -> str:
    parts = ["the running attempt"] if running else []
    if to_come:
        parts.append(f"{times(to_come, 'attempt')} to come")
    if not parts:
        return "no attempt is left"
    limits = " or ".join(sorted({budget.sentence for budget in budgets}))
    each = "each " if len(budgets) > 1 else ""
    worst = f"{' and '.join(parts)}, {each}at most {limits}{beside.sentence}"
    if pause_s:
        worst = f"{worst}, with pauses of at most {duration(pause_s)} in all"
    if any(budget.seconds is None for budget in budgets):
        worst = f"{' and '.join(parts)}: {limits}, so nothing bounds it"
    if rest.listed:
        return worst
    return f"{worst}; the configuration is not known: one attempt per model that the log counts"
