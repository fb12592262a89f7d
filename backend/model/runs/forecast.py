"""Until when a rotation can keep its session occupied.

A forecast is a worst case: every attempt still to come runs into its timeout.
"""

from __future__ import annotations

from msgspec import Struct

from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.runs.budget import Budget, budget_of
from lockdeck.backend.model.runs.records import Attempt, Compaction
from lockdeck.backend.model.runs.remaining import Remaining
from lockdeck.backend.model.words import duration, times

EXCEEDED_S = 5.0
"""An attempt needs some time before and after its model call: only so many seconds later it exceeds its limit."""


class Forecast(Struct, frozen=True):
    """Attempts still to come and the worst-case end (epoch seconds, None when nothing bounds it), and its basis."""

    to_come: tuple[Attempt, ...]
    free_by: float | None
    basis: str


def forecast(
    rest: Remaining,
    current: Attempt | None,
    now: float,
    traits: Traits,
    compaction: Compaction | None = None,
) -> Forecast:
    """Say what is still to come and until when; `current` is the attempt in progress, if any.

    `compaction` is the one under way: the attempt in progress lasts until it is over, and its tries after that.
    """
    if current is None:
        running, budgets, to_come = None, rest.budgets, rest.attempts
    else:
        running = rest.budgets[0] if rest.budgets else budget_of(None, None, traits)
        budgets, to_come = rest.budgets[1:], rest.attempts[1:]
        if traits.run_timeout_ends_run and running.name == "run timeout":
            budgets, to_come = (), ()
    limits = (*budgets, *([running] if running else []))
    wait = rest.pause_s if to_come else 0.0
    basis = _basis(
        limits, running=running is not None, to_come=len(to_come), listed=rest.listed, pause_s=wait
    )
    if not limits or any(budget.seconds is None for budget in limits):
        return Forecast(to_come, None, basis)
    wait += sum(budget.seconds or 0.0 for budget in limits)
    limit = running.seconds or 0.0 if running else 0.0
    lasts = 0.0 if current is None else current.duration_s(now) or 0.0
    spent = min(lasts, limit)
    if running and compaction is None and lasts > limit + EXCEEDED_S:
        basis = f"{basis}; the running attempt has exceeded that by {duration(lasts - limit)}"
    begins = current.started_at if current is not None and current.started_at is not None else now
    free_by = max(now, begins) + wait - spent
    if compaction is None:
        return Forecast(to_come, free_by, basis)
    limit = limit if running else next((budget.seconds or 0.0 for budget in budgets), 0.0)
    longer = _over_at(compaction, limit) - max(now, begins) - (limit - spent)
    return Forecast(to_come, free_by + max(0.0, longer), f"{basis}; {_compacts(compaction)}")


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
    if listed:
        return worst
    return f"{worst}; the configuration is not known: one attempt per model that the log counts"
