"""Events of whole runs: an attempt begins, a run ends."""

from __future__ import annotations

from typing import ClassVar, Protocol

from lockdeck.backend.model.runs.events.base import About, CausalOrder, Event, Handling, Late, PassiveEvent
from lockdeck.backend.model.runs.events.wording import on_model


class RunSteps(Protocol):
    """Steps of reading a run."""

    def started(self, event: AttemptStarted) -> None:
        """Take the begin of an attempt."""

    def ended(self, event: RunEnded) -> None:
        """Take the end of a run."""

    def aborted(self, event: RunAborted) -> None:
        """Take the abort of a run."""


class AttemptStarted(Event, frozen=True):
    """An attempt began: lifecycle `start` of the event stream, or `embedded run start` where logged."""

    run_id: str
    session_id: str | None = None
    session_key: str | None = None
    provider: str | None = None
    model: str | None = None

    handling: ClassVar[Handling] = Handling(
        "attempt started", CausalOrder.ATTEMPT_STARTED, About.RUN, lateness=Late.ATTEMPT, of_attempt=True
    )

    def sentence(self) -> str:
        """Return `attempt began on provider/model`."""
        return f"attempt began{on_model(self.provider, self.model)}"

    def take(self, steps: RunSteps) -> None:
        """Take the begin of an attempt."""
        steps.started(self)


class RunEnded(Event, frozen=True):
    """A run ended: lifecycle `end`/`error`, or `embedded run done` where logged.

    `settled`: this is told of the whole run and not of one attempt (a gateway's row or task; events of 2026.9).
    """

    run_id: str
    ok: bool
    aborted: bool = False
    session_id: str | None = None
    session_key: str | None = None
    settled: bool = False

    handling: ClassVar[Handling] = Handling("run ended", CausalOrder.RUN_ENDED, About.RUN, of_attempt=True)

    def sentence(self) -> str:
        """Say how it ended."""
        return (
            "the run was aborted" if self.aborted else "the run ended well" if self.ok else "the run failed"
        )

    def take(self, steps: RunSteps) -> None:
        """Take the end of a run."""
        steps.ended(self)


class RunAborted(Event, frozen=True):
    """An abort of a run, or one that did not take. `ok` False: the abort failed or the stream went on."""

    run_id: str | None
    session_id: str | None
    ok: bool
    text: str
    trace_id: str | None = None

    handling: ClassVar[Handling] = Handling(
        "run aborted", CausalOrder.ABORT, About.RUN, wording_fields=("text",)
    )

    def sentence(self) -> str:
        """Say whether the abort took."""
        return "the run was aborted" if self.ok else "an abort of the run did not take"

    def take(self, steps: RunSteps) -> None:
        """Take the abort of a run."""
        steps.aborted(self)


class RunNamed(PassiveEvent, frozen=True):
    """A line that names the run of a trace: the gateway's reply to the caller (seen on 2026.7.35, 2026.9.6)."""

    run_id: str
    trace_id: str | None = None

    handling: ClassVar[Handling] = Handling("run accepted", CausalOrder.LOOSE, About.TRACE)

    def sentence(self) -> str:
        """Say that the run has a name; no log shows it."""
        return "OpenClaw named the run"
