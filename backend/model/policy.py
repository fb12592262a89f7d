"""OpenClaw's failover policy as pure functions, by release, and what the fix of openclaw#62351 would do.

Read in 2026.4.5 (`run/failover-policy.ts`, `assistant-failover.ts`); what changed later stands in the table of
releases.  Retries on the same model are no decisions of this policy and not modelled: another part of OpenClaw
makes them before it asks the policy, so the fix would not stop them.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from lockdeck.backend.model.releases.table import Traits


class Variant(StrEnum):
    """Three answers to whether a timeout rotates: as released, the fix, and a sketch that does not fix it."""

    SHIPPED = "shipped"
    FIX = "fix"
    SKETCH = "sketch"


class Action(StrEnum):
    """The runner's step after an attempt, in OpenClaw's words."""

    CONTINUE = "continue_normal"
    ROTATE = "rotate_profile"
    FALLBACK = "fallback_model"
    SURFACE = "surface_error"
    ERROR_PAYLOAD = "return_error_payload"


class Ending(Struct, frozen=True):
    """The end of an attempt, as the policy sees it. `reason` is None or a failover reason.

    Up to 2026.7 both the idle timeout and the run budget set `timed_out` and `aborted`.
    """

    aborted: bool = False
    failover_failure: bool = False
    reason: str | None = None
    timed_out: bool = False
    during_compaction: bool = False
    external_abort: bool = False
    idle: bool = False
    during_tool: bool = False
    harness_owns_transport: bool = False
    by_run_budget: bool = False


class Spare(Struct, frozen=True):
    """Whatever is left to be tried: another profile of the model, another model."""

    profile: bool
    model: bool


def rotates_after_answer(ending: Ending, traits: Traits, variant: Variant = Variant.SHIPPED) -> bool:
    """Return whether an attempt that ended in the assistant stage leads to another one (`shouldRotateAssistant`)."""
    if variant is Variant.FIX and _is_timeout(ending):
        return False
    failed = not ending.aborted and (ending.failover_failure or ending.reason is not None)
    hung = _rotating_timeout(ending, traits)
    if variant is Variant.SKETCH:
        return (failed or hung) and ending.reason != "timeout"
    return failed or hung


def rotates_before_answer(ending: Ending) -> bool:
    """Return whether a prompt that failed leads to the next profile (`shouldRotatePrompt`); never for timeouts."""
    return ending.failover_failure and ending.reason != "timeout"


def after_answer(ending: Ending, traits: Traits, spare: Spare, variant: Variant = Variant.SHIPPED) -> Action:
    """Decide in the assistant stage."""
    if _is_terminal(ending, traits) or _ends_by_fix(ending, variant):
        return Action.SURFACE
    if not rotates_after_answer(ending, traits, variant):
        return Action.CONTINUE
    if spare.profile:
        return Action.ROTATE
    return Action.FALLBACK if spare.model else Action.SURFACE


def before_answer(ending: Ending, traits: Traits, spare: Spare, variant: Variant = Variant.SHIPPED) -> Action:
    """Decide in the prompt stage, which is reached only by a prompt error without an abort."""
    if _is_terminal(ending, traits) or _ends_by_fix(ending, variant):
        return Action.SURFACE
    if rotates_before_answer(ending) and spare.profile:
        return Action.ROTATE
    return Action.FALLBACK if spare.model and ending.failover_failure else Action.SURFACE


def at_retry_limit(reason: str | None, traits: Traits, spare: Spare) -> Action:
    """Decide when the loop of one run has been through its limit; the fix changes nothing here."""
    final = {None, "timeout", "model_not_found", "format", "session_expired"}
    if traits.missing_model_falls_back:
        final.discard("model_not_found")
    return Action.FALLBACK if spare.model and reason not in final else Action.ERROR_PAYLOAD


def _is_timeout(ending: Ending) -> bool:
    return ending.timed_out or ending.reason == "timeout"


def _ends_by_fix(ending: Ending, variant: Variant) -> bool:
    return variant is Variant.FIX and _is_timeout(ending) and not ending.during_compaction


def _is_terminal(ending: Ending, traits: Traits) -> bool:
    if ending.external_abort and traits.abort_ends_rotation:
        return True
    return ending.by_run_budget and traits.run_timeout_ends_run


def _rotating_timeout(ending: Ending, traits: Traits) -> bool:
    if ending.harness_owns_transport and not traits.harness_timeout_rotates:
        return False
    if ending.idle and traits.idle_always_rotates:
        return True
    spared = ending.during_compaction or (ending.during_tool and not traits.tool_timeout_rotates)
    return ending.timed_out and not spared
