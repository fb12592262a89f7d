"""OpenClaw's failover policy as pure functions, by version, and what the fix of openclaw#62351 would do.

Read in 2026.4.5 (`run/failover-policy.ts`, `assistant-failover.ts`); later changes by the first version that
was read with them.  Retries on the same model (one in 2026.4.12, up to 8 in 2026.9) are no decisions of this policy
and not modelled: another part of OpenClaw makes them before it asks the policy, so the fix would not stop them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from lockdeck.backend.model.releases import (
    FIRST_WITHOUT_LOCK_CASCADE,
    FIRST_WITHOUT_LOCK_FILES,
    Version,
    exposed_to_lock_cascade,
    exposed_to_rotation_under_lock,
)
from lockdeck.backend.model.runs.attempts import BREAKER, RETRY
from lockdeck.backend.model.runs.events import FailoverDecision
from lockdeck.backend.model.runs.records import Attempt, PolicyFinding
from lockdeck.backend.model.words import duration

FIRST_WITH_EXTERNAL_ABORT = Version(2026, 4, 12)
FIRST_SPARING_TOOLS = Version(2026, 5, 7)
FIRST_WITH_IDLE_RULE = Version(2026, 5, 18)
FIRST_SPARING_HARNESS = Version(2026, 5, 28)
FIRST_WITH_TERMINAL_BUDGET = Version(2026, 7, 1)


class Variant(StrEnum):
    """Three answers to whether a timeout rotates: as released, the fix, and a sketch that does not fix it."""

    SHIPPED = "shipped"
    FIX = "fix"
    SKETCH = "sketch"


class Action(StrEnum):
    """What the runner does after an attempt, in OpenClaw's words."""

    CONTINUE = "continue_normal"
    ROTATE = "rotate_profile"
    FALLBACK = "fallback_model"
    SURFACE = "surface_error"
    ERROR_PAYLOAD = "return_error_payload"


class Ending(Struct, frozen=True):
    """How an attempt ended, as the policy sees it. `reason` is None or a failover reason.

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


def rotates_after_answer(
    ending: Ending, version: Version | None = None, variant: Variant = Variant.SHIPPED
) -> bool:
    """Whether an attempt that ended in the assistant stage leads to another one (`shouldRotateAssistant`)."""
    if variant is Variant.FIX and _is_timeout(ending):
        return False
    failed = not ending.aborted and (ending.failover_failure or ending.reason is not None)
    hung = _rotating_timeout(ending, version)
    if variant is Variant.SKETCH:
        return (failed or hung) and ending.reason != "timeout"
    return failed or hung


def rotates_before_answer(ending: Ending) -> bool:
    """Whether a prompt that failed leads to the next profile (`shouldRotatePrompt`); never for timeouts."""
    return ending.failover_failure and ending.reason != "timeout"


def after_answer(
    ending: Ending,
    *,
    profiles_used_up: bool,
    fallback_configured: bool,
    version: Version | None = None,
    variant: Variant = Variant.SHIPPED,
) -> Action:
    """Decide in the assistant stage. Without a version: as 2026.4.5."""
    if _is_terminal(ending, version):
        return Action.SURFACE
    if variant is Variant.FIX and _is_timeout(ending) and not ending.during_compaction:
        return Action.SURFACE
    if not rotates_after_answer(ending, version, variant):
        return Action.CONTINUE
    if not profiles_used_up:
        return Action.ROTATE
    return Action.FALLBACK if fallback_configured else Action.SURFACE


def before_answer(
    ending: Ending,
    *,
    profiles_used_up: bool,
    fallback_configured: bool,
    version: Version | None = None,
    variant: Variant = Variant.SHIPPED,
) -> Action:
    """Decide in the prompt stage, which is reached only by a prompt error without an abort."""
    if _is_terminal(ending, version):
        return Action.SURFACE
    if variant is Variant.FIX and _is_timeout(ending) and not ending.during_compaction:
        return Action.SURFACE
    if rotates_before_answer(ending) and not profiles_used_up:
        return Action.ROTATE
    return Action.FALLBACK if fallback_configured and ending.failover_failure else Action.SURFACE


def at_retry_limit(
    reason: str | None, *, fallback_configured: bool, version: Version | None = None
) -> Action:
    """Decide when the loop of one run has been through its limit. From 2026.7.1 a missing model goes on."""
    stays = {None, "timeout", "model_not_found", "format", "session_expired"}
    if _since(version, FIRST_WITH_TERMINAL_BUDGET):
        stays.discard("model_not_found")
    return Action.FALLBACK if fallback_configured and reason not in stays else Action.ERROR_PAYLOAD


def would_stop(decision: FailoverDecision) -> bool:
    """Whether the fix of openclaw#62351 would have ended the run where OpenClaw went on."""
    return _stopped_by_fix(decision.decision, decision.reason, decision.timed_out)


def finding(attempts: Sequence[Attempt], now: float, *, finished: bool = False) -> PolicyFinding:
    """Say where the fix would have stopped a rotation and what the attempts since have cost in lock time.

    `attempts` oldest first, the running one included. A last attempt after which nothing came is no place to
    stop at when the run has `finished`.
    """
    for position, attempt in enumerate(attempts):
        later = attempts[position + 1 :]
        if not _stopped_by_fix(attempt.decision, attempt.logged_reason or attempt.reason, attempt.timed_out):
            continue
        if finished and not later:
            break
        spent = round(sum(a.duration_s(now) or 0.0 for a in later) * 1000)
        return PolicyFinding(attempt.index, spent, _stop_sentence(attempt.index, spent))
    return PolicyFinding(None, 0, _no_stop_sentence(attempts))


def exposure_notes(version: Version | None) -> tuple[str, ...]:
    """Say in sentences to which known failures a gateway of this version is exposed, and what is better."""
    if version is None:
        return ("the gateway's version is not known, so its exposure to openclaw#62351 is not known either",)
    notes = []
    if exposed_to_rotation_under_lock(version):
        notes.append(
            f"{version} rotates through every profile and model under the session lock when a provider hangs "
            f"(openclaw#62351); {FIRST_WITHOUT_LOCK_FILES} is the first without lock files"
        )
    if _since(version, FIRST_WITH_TERMINAL_BUDGET) and exposed_to_rotation_under_lock(version):
        notes.append(
            f"from {FIRST_WITH_TERMINAL_BUDGET} on only the idle timeout rotates, the run timeout ends the run"
        )
    if exposed_to_lock_cascade(version):
        notes.append(
            f"{version} takes a lock timeout for a model failure and tries it on every candidate "
            f"(openclaw#66646); {FIRST_WITHOUT_LOCK_CASCADE} is the first that does not"
        )
    return tuple(notes)


def _since(version: Version | None, first: Version) -> bool:
    return version is not None and version >= first


def _is_timeout(ending: Ending) -> bool:
    return ending.timed_out or ending.reason == "timeout"


def _is_terminal(ending: Ending, version: Version | None) -> bool:
    if ending.external_abort and _since(version, FIRST_WITH_EXTERNAL_ABORT):
        return True
    return ending.by_run_budget and _since(version, FIRST_WITH_TERMINAL_BUDGET)


def _rotating_timeout(ending: Ending, version: Version | None) -> bool:
    if ending.idle and _since(version, FIRST_WITH_IDLE_RULE):
        spared = False
    else:
        spared = not ending.timed_out or ending.during_compaction
        spared = spared or (ending.during_tool and _since(version, FIRST_SPARING_TOOLS))
    return not spared and not (ending.harness_owns_transport and _since(version, FIRST_SPARING_HARNESS))


def _stopped_by_fix(decision: str | None, reason: str | None, timed_out: bool) -> bool:
    went_on = decision in (Action.ROTATE, Action.FALLBACK)
    return went_on and (timed_out or reason == "timeout")


def _no_stop_sentence(attempts: Sequence[Attempt]) -> str:
    if any(attempt.decision in (RETRY, BREAKER) and attempt.by_timeout for attempt in attempts):
        return (
            "the fix of openclaw#62351 does not apply to these timeouts: a retry on the same model is no decision of "
            "the failover policy; it would stop only the step to the next profile or model"
        )
    return "the fix of openclaw#62351 would not have interfered"


def _stop_sentence(index: int, spent_ms: int) -> str:
    stopped = f"the fix of openclaw#62351 would have stopped here (attempt {index})"
    if spent_ms == 0:
        return stopped
    return f"{stopped}; this rotation has since cost {duration(spent_ms / 1000)} of lock time"
