"""Events inside one attempt: budgets, errors of the provider, retries."""

from __future__ import annotations

from typing import ClassVar, Protocol

from lockdeck.backend.model.runs.events.base import About, CausalOrder, Event, Handling, Late, PassiveEvent
from lockdeck.backend.model.runs.events.wording import in_brackets, name_or, on_model, span_of


class AttemptSteps(Protocol):
    """Steps of reading one attempt."""

    def budget_over(self, event: RunTimeout) -> None:
        """Take the end of an attempt's budget."""

    def inner_error(self, event: AgentEnd) -> None:
        """Take the error of an inner try."""

    def prompt_failed(self, event: PromptError) -> None:
        """Take an attempt that the transcript tells of."""

    def retried(self, event: SameModelRetry) -> None:
        """Take a retry on the same model."""


class RunTimeout(Event, frozen=True):
    """`embedded run timeout`: the run budget of one attempt ran out. The LLM idle timeout logs no such line."""

    run_id: str
    session_id: str | None
    timeout_ms: int | None
    trace_id: str | None = None

    handling: ClassVar[Handling] = Handling(
        "embedded run timeout",
        CausalOrder.BUDGET_OVER,
        About.RUN,
        bad=True,
        lateness=Late.ATTEMPT,
        of_attempt=True,
    )

    def sentence(self) -> str:
        """Name the budget."""
        return f"the attempt ran into its budget of {span_of(self.timeout_ms)}"

    def take(self, steps: AttemptSteps) -> None:
        """Take the end of an attempt's budget."""
        steps.budget_over(self)


class ProfileTimedOut(PassiveEvent, frozen=True):
    """`Profile X timed out. Trying next account...`: real profile id, no run id, also when none is left."""

    profile: str
    idle: bool
    trace_id: str | None = None

    handling: ClassVar[Handling] = Handling(
        "profile timed out", CausalOrder.PROFILE_OVER, About.PROFILE, bad=True, of_attempt=True
    )

    def sentence(self) -> str:
        """Name the profile."""
        return f"profile {name_or(self.profile, 'not named')} timed out"


class AgentEnd(Event, frozen=True):
    """`embedded_run_agent_end`: one inner try ended in an error (429, 500, 401 …)."""

    run_id: str
    reason: str | None
    provider: str | None = None
    model: str | None = None
    status: int | None = None
    trace_id: str | None = None

    handling: ClassVar[Handling] = Handling(
        "embedded_run_agent_end/None",
        CausalOrder.INNER_ERROR,
        About.RUN,
        lateness=Late.LINE,
        of_attempt=True,
        record_fields=("reason", "status"),
        wording_fields=("provider", "model"),
    )

    def sentence(self) -> str:
        """Say how the model call failed."""
        status = f" with status {self.status}" if self.status is not None else ""
        return f"the model call failed{status}{on_model(self.provider, self.model)}{in_brackets(self.reason)}"

    def take(self, steps: AttemptSteps) -> None:
        """Take the error of an inner try."""
        steps.inner_error(self)


class PromptError(Event, frozen=True):
    """Transcript entry `openclaw:prompt-error`: one per timed-out or aborted attempt; joins run to session.

    `by_trajectory`: the trajectory tells it, up to 22 s after the transcript did (2026.5.18, busy machine).
    """

    run_id: str | None
    session_id: str | None
    provider: str | None = None
    model: str | None = None
    error: str | None = None
    by_trajectory: bool = False

    handling: ClassVar[Handling] = Handling(
        "PromptError", CausalOrder.PROMPT_ERROR, About.RUN, lateness=Late.LINE, of_attempt=True
    )

    @property
    def timed_out(self) -> bool:
        """Return whether its error tells of a timeout."""
        error = (self.error or "").lower()
        return "timed out" in error or "timeout" in error

    def sentence(self) -> str:
        """Say how the attempt ended."""
        ending = "timed out" if self.timed_out else "failed"
        return f"the transcript notes: the attempt{on_model(self.provider, self.model)} {ending}"

    def take(self, steps: AttemptSteps) -> None:
        """Take an attempt that the transcript tells of."""
        steps.prompt_failed(self)


class SameModelRetry(Event, frozen=True):
    """A retry on the same model: `retrying same model` (2026.4.12), `transient same-model retry i/8` (2026.9).

    The attempt before it has failed; the next begins after `delay_ms`. 2026.9.6 also tells it as an event of
    the run (`run_status`, phase `retrying`).
    """

    index: int | None
    total: int | None
    model: str | None
    reason: str | None
    run_id: str | None = None
    trace_id: str | None = None
    delay_ms: int | None = None
    session_key: str | None = None

    handling: ClassVar[Handling] = Handling(
        "same-model retry", CausalOrder.RETRY, About.RUN, lateness=Late.ATTEMPT, of_attempt=True
    )

    def sentence(self) -> str:
        """Say which retry comes when."""
        place = f" {self.index} of {self.total}" if self.index and self.total else ""
        delay = f" in {span_of(self.delay_ms)}" if self.delay_ms else ""
        return f"retry{place} on the same model{on_model(None, self.model)}{delay}{in_brackets(self.reason)}"

    def take(self, steps: AttemptSteps) -> None:
        """Take a retry on the same model."""
        steps.retried(self)
