"""Attempts of 2026.2.9, whose log tells timeouts alone, beside what their transcript tells."""

from __future__ import annotations

from lockdeck.backend.model.fleet import State
from lockdeck.backend.model.locks import Judgement, Verdict
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.model.runs.events import RunTimeout
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.records import Hold, Occupation, ProviderError
from lockdeck.backend.model.runs.rotation import rotation_of
from lockdeck.backend.model.sessions.facts import SessionFacts
from lockdeck.backend.model.sessions.provider_errors import with_provider_errors
from lockdeck.backend.model.sessions.state import assess

CHAIN = FailoverChain(
    (Candidate("atlas", "large", ("atlas:alpha", "atlas:beta")), Candidate("cygnus", "small"))
)
NOW = 1035.0
HOLD = Hold("r", 4711, 1032.6)
"""The third attempt has the lock."""


def state(*errors: ProviderError) -> State:
    timeouts = [RunTimeout(at, "r1", "s1", 16_000) for at in (1016.0, 1032.3)]
    run = with_provider_errors(fold_all(RunBook(), timeouts).runs["r1"], errors)
    assert run.undecided
    occupation = Occupation("lock", 1000.0, 3, (HOLD,))
    facts = SessionFacts(
        judgement=Judgement(Verdict.HELD, ("a process has it",), False),
        occupation=occupation,
        run=run,
        rotation=rotation_of(run, CHAIN, occupation, NOW, {}, Version(2026, 2, 9)),
    )
    return assess(facts, NOW).state


def test_timeouts_alone_are_the_hang():
    assert state() is State.STUCK


def test_attempts_in_which_the_provider_answered_rotate_and_are_no_hang():
    errors = [ProviderError(at, "rate_limit") for at in (1002.0, 1009.0, 1018.0)]
    assert state(*errors) is State.ROTATING


def test_an_answer_to_another_attempt_explains_no_timeout():
    assert state(ProviderError(900.0, "rate_limit"), ProviderError(1034.0, "rate_limit")) is State.STUCK
