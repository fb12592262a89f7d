"""The time that one attempt may take."""

from __future__ import annotations

import math

from msgspec import Struct

from lockdeck.backend.model.releases.table import Traits
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.model.words import duration


class Budget(Struct, frozen=True):
    """The longest an attempt may take, in seconds (None: no timeout at all), and which timeout says so."""

    seconds: float | None
    name: str

    @property
    def sentence(self) -> str:
        """The budget in words."""
        return self.name if self.seconds is None else f"{duration(self.seconds)} ({self.name})"


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


def longest_budget(chain: FailoverChain, traits: Traits) -> Budget:
    """Return the longest of the budgets of a chain's candidates: it is not known which of them an attempt asks."""
    budgets = [budget_of(chain, candidate, traits) for candidate in chain.candidates or (None,)]
    return max(budgets, key=lambda budget: math.inf if budget.seconds is None else budget.seconds)
