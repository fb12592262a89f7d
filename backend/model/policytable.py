"""The failover policy of a release as tables: what follows each ending, before and after the fix of openclaw#62351."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from msgspec import Struct

from lockdeck.backend.model.policy import (
    Action,
    Ending,
    Spare,
    Variant,
    after_answer,
    at_retry_limit,
    before_answer,
    rotates_after_answer,
)
from lockdeck.backend.model.releases.table import Traits


class Steps(Struct, frozen=True):
    """The steps after an ending: with a profile left, with only another model left, with nothing left."""

    profile_left: Action
    model_left: Action
    nothing_left: Action


class PolicyRow(Struct, frozen=True):
    """The steps after one ending as the release has it, and with the fix."""

    stage: str
    ending: str
    shipped: Steps
    fixed: Steps


class TruthRow(Struct, frozen=True):
    """One input of the assistant stage, and for each variant of the policy whether it rotates."""

    ending: Ending
    shipped: bool
    fix: bool
    sketch: bool


ASSISTANT, PROMPT, LIMIT = "an attempt ended", "a prompt failed", "the limit of retries is reached"

_ASSISTANT_ENDINGS = {
    "the model answered": Ending(),
    "idle timeout": Ending(aborted=True, timed_out=True, idle=True),
    "run timeout": Ending(aborted=True, timed_out=True, by_run_budget=True),
    "run timeout inside a tool": Ending(aborted=True, timed_out=True, during_tool=True, by_run_budget=True),
    "timeout while compacting": Ending(aborted=True, timed_out=True, during_compaction=True),
    "idle timeout while compacting": Ending(aborted=True, timed_out=True, during_compaction=True, idle=True),
    "timeout of a harness of its own": Ending(aborted=True, timed_out=True, harness_owns_transport=True),
    "a person's abort": Ending(aborted=True, timed_out=True, external_abort=True),
    "an error that counts as a timeout": Ending(failover_failure=True, reason="timeout"),
    "any other error of the provider": Ending(failover_failure=True, reason="rate_limit"),
}
_PROMPT_ENDINGS = {
    "an error that counts as a timeout": Ending(failover_failure=True, reason="timeout"),
    "any other error of the provider": Ending(failover_failure=True, reason="auth"),
    "an error of OpenClaw's own": Ending(),
}
_LIMIT_REASONS = {
    "after timeouts": "timeout",
    "after a missing model": "model_not_found",
    "after other errors of the provider": "rate_limit",
}


_SPARES = (
    Spare(profile=True, model=True),
    Spare(profile=False, model=True),
    Spare(profile=False, model=False),
)


def policy_rows(traits: Traits) -> Iterator[PolicyRow]:
    """Yield what follows each ending in a release, before and after the fix."""
    stages = ((ASSISTANT, after_answer, _ASSISTANT_ENDINGS), (PROMPT, before_answer, _PROMPT_ENDINGS))
    for stage, decide, endings in stages:
        for words, ending in endings.items():
            shipped, fixed = (
                Steps(*(decide(ending, traits, spare, variant) for spare in _SPARES))
                for variant in (Variant.SHIPPED, Variant.FIX)
            )
            yield PolicyRow(stage, words, shipped, fixed)
    for words, reason in _LIMIT_REASONS.items():
        steps = Steps(*(at_retry_limit(reason, traits, spare) for spare in _SPARES))
        yield PolicyRow(LIMIT, words, steps, steps)


def truth_table(traits: Traits) -> Iterator[TruthRow]:
    """Yield every input that the report of openclaw#62351 names, and who of the three variants rotates."""
    flags = (False, True)
    for timed_out, compacting, reason, aborted, failure in itertools.product(
        flags, flags, (None, "timeout", "rate_limit"), flags, flags
    ):
        ending = Ending(aborted, failure, reason, timed_out, compacting)
        yield TruthRow(ending, *(rotates_after_answer(ending, traits, variant) for variant in Variant))
