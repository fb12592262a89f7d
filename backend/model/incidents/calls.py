"""Calls: attempts as the provider met them, each with its session; what rules over several sessions are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from lockdeck.backend.model.identity import Identity
from lockdeck.backend.model.moments import same_scale
from lockdeck.backend.model.runs.attempt_model import with_profile
from lockdeck.backend.model.runs.chain import FailoverChain
from lockdeck.backend.model.runs.events import AttemptStarted
from lockdeck.backend.model.runs.life import RunOutcome
from lockdeck.backend.model.runs.records import Attempt
from lockdeck.backend.model.runs.run import Run

BLAMED = frozenset(
    {
        "timeout",
        "provider_error",
        "rate_limit",
        "overloaded",
        "billing",
        "auth",
        "auth_permanent",
        "model_not_found",
    }
)
"""The reasons of attempts that speak against their provider; others (a prompt of a wrong form, a lock) speak of the caller."""
ANSWERED = "candidate_succeeded"


class Call(Struct, frozen=True):
    """One attempt of one session. Moments; `begins` is the earliest that is told of it, `ended_at` None while it is under way."""

    session: Identity
    agent: str
    provider: str
    model: str | None
    begins: float
    ended_at: float | None = None
    reason: str | None = None
    answered: bool = False

    @property
    def failed(self) -> bool:
        """Return whether it ended in a way that speaks against the provider."""
        return self.ended_at is not None and not self.answered and self.reason in BLAMED


def calls_of(
    run: Run,
    session: Identity,
    agent: str,
    names: Mapping[str, str],
    chain: FailoverChain | None = None,
) -> Iterator[Call]:
    """Yield the finished attempts of a run, and the answer that ended it; `names` are profile ids by hash.

    An attempt of which no line tells the provider is left out.
    """
    previous: float | None = None
    answered = False
    for attempt in run.attempts:
        named, ended_at = with_profile(attempt, names), attempt.ended_at
        if ended_at is not None and named.provider is not None:
            good = named.decision == ANSWERED and named.reason is None
            answered = answered or good
            begins = _begin(named, previous, ended_at)
            yield Call(session, agent, named.provider, named.model, begins, ended_at, named.reason, good)
        previous = ended_at
    if run.outcome is RunOutcome.OK and run.ended_at is not None and not answered:
        yield from _answer(run, session, agent, chain)


def call_under_way(attempt: Attempt | None, session: Identity, agent: str, now: float) -> Call | None:
    """Return the attempt in progress as a call; None where none is, or its provider is not known."""
    if attempt is None or attempt.provider is None:
        return None
    begins = now if attempt.started_at is None else attempt.started_at
    return Call(session, agent, attempt.provider, attempt.model, begins)


def _begin(attempt: Attempt, previous_end: float | None, ended_at: float) -> float:
    """Return the earliest moment told of an attempt: without a start it follows the one before it."""
    told = (attempt.started_at, attempt.heard_at, previous_end)
    return next(
        (at for at in told if at is not None and at <= ended_at and same_scale(at, ended_at)), ended_at
    )


def _answer(run: Run, session: Identity, agent: str, chain: FailoverChain | None) -> Iterator[Call]:
    """Yield the answer of a run that ended well: of the model that its last start names, or of the first of the chain.

    Which model has answered after failures no line tells: then nothing is yielded.
    """
    ended_at = run.ended_at or 0.0
    starts = [fact for fact in run.facts if isinstance(fact, AttemptStarted) and fact.provider is not None]
    if starts and starts[-1].provider is not None:
        last = starts[-1]
        yield Call(
            session, agent, starts[-1].provider, last.model, min(last.at, ended_at), ended_at, None, True
        )
    elif not run.attempts and chain is not None and chain.candidates:
        first = chain.candidates[0]
        yield Call(session, agent, first.provider, first.model, ended_at, ended_at, None, True)
