"""The model and the profile of an attempt: decided here, read everywhere else.

No single line can be trusted with it. A failover decision lags behind after a fallback: on a candidate that never
answered its provider and model are those of the previous assistant message (seen on 2026.4.5). The line about the
present candidate names the model, a retry names its own, the profile's id names the provider, and the configured
chain says what must come next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.model.runs.events import (
    AttemptStarted,
    FailoverDecision,
    ModelFallbackDecision,
    PromptError,
    RotationCap,
    RunTimeout,
    SameModelRetry,
)
from lockdeck.backend.model.runs.life import RETRY, Life
from lockdeck.backend.model.runs.records import Attempt


class ModelRef(Struct, frozen=True):
    """A provider and one of its models; None for what no source tells."""

    provider: str | None = None
    model: str | None = None

    @property
    def is_whole(self) -> bool:
        """Return whether both are told."""
        return bool(self.provider and self.model)

    def or_else(self, substitute: AttemptStarted | Attempt | None) -> ModelRef:
        """Fill in what is not told."""
        if substitute is None:
            return self
        return ModelRef(self.provider or substitute.provider, self.model or substitute.model)


def model_ref(name: str | None) -> ModelRef:
    """Split `provider/model`."""
    provider, _, model = (name or "").partition("/")
    return ModelRef(provider or None, model or None)


EndingEvent = (
    FailoverDecision | ModelFallbackDecision | SameModelRetry | RotationCap | PromptError | RunTimeout
)
"""Events that end an attempt."""


def ended_attempt(
    life: Life,
    event: EndingEvent,
    *,
    reason: str | None = None,
    decision: str | None = None,
    timed_out: bool = False,
    logged_reason: str | None = None,
    profile_hash: str | None = None,
) -> Attempt:
    """Return the attempt that an event ends; its index and times come when it is added to the life."""
    model = _ended_model(life, event)
    return Attempt(
        0,
        provider=model.provider,
        model=model.model,
        reason=reason,
        decision=decision,
        timed_out=timed_out,
        logged_reason=logged_reason,
        profile_hash=profile_hash,
    )


def _ended_model(life: Life, event: EndingEvent) -> ModelRef:
    present = model_ref(present_candidate(life.candidates))
    match event:
        case PromptError():
            return ModelRef(event.provider, event.model)
        case SameModelRetry():
            return model_ref(event.model).or_else(life.opened)
        case ModelFallbackDecision():
            return ModelRef()  # `name_candidate` names all attempts of the candidate
        case FailoverDecision():
            return present if present.is_whole else ModelRef(event.provider, event.model)
        case RunTimeout():
            return present if present.is_whole else ModelRef().or_else(life.opened)
        case RotationCap():
            last = life.attempts[-1] if life.attempts else None
            return present if present.is_whole else ModelRef().or_else(life.opened or last)


def coming_attempt(index: int, candidate: Candidate | None, profile: str | None) -> Attempt:
    """Return an attempt that the configured chain promises; without a candidate nothing is known of it."""
    if candidate is None:
        return Attempt(index)
    return Attempt(index, profile, candidate.provider, candidate.model)


def name_candidate(life: Life, event: ModelFallbackDecision) -> None:
    """Give the attempts of a candidate that is over its name, and begin the next candidate."""
    candidate = model_ref(event.candidate)
    if candidate.is_whole:
        for index in range(life.candidate_from, len(life.attempts)):
            life.attempts[index] = replace(
                life.attempts[index], provider=candidate.provider, model=candidate.model
            )
    life.candidate_from = len(life.attempts)


def present_candidate(lines: Sequence[ModelFallbackDecision]) -> str | None:
    """Return the candidate (`provider/model`) that a run is at, by the last line about its candidates."""
    if not lines:
        return None
    return lines[-1].candidate if begins_candidate(lines[-1]) else lines[-1].next_candidate


def begins_candidate(line: ModelFallbackDecision) -> bool:
    """Return whether a line tells that its candidate is tried now, and not that it is over."""
    return line.decision == "probe_cooldown_candidate"


def with_profile(attempt: Attempt, names: Mapping[str, str]) -> Attempt:
    """Give an attempt its profile by `names` (ids by hash), and the profile's provider where the logged one lags."""
    profile = names.get(attempt.profile_hash or "")
    if profile is None:
        return attempt
    provider, colon, _ = profile.partition(":")
    if not colon or provider == attempt.provider:
        return replace(attempt, profile=profile)
    return replace(attempt, profile=profile, provider=provider, model=None)


def with_kept_profiles(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Give attempts whose profile no line tells that of their neighbours, where a retry kept it.

    The line of a retry names no profile; the decision on it, or on the last retry, comes later.
    """
    kept = list(attempts)
    for at, earlier in enumerate(attempts[:-1]):
        if earlier.decision == RETRY and kept[at + 1].profile_hash is None:
            kept[at + 1] = replace(kept[at + 1], profile=kept[at].profile)
    for at in reversed(range(len(kept) - 1)):
        if kept[at].decision == RETRY and kept[at].profile is None:
            kept[at] = replace(kept[at], profile=kept[at + 1].profile)
    return tuple(kept)


def running_attempt(
    to_come: Sequence[Attempt], last: Attempt | None, *, profile: str | None, opened: AttemptStarted | None
) -> Attempt:
    """Return the attempt in progress: of the model that its start names, else of the first to come.

    `to_come` are the attempts left, the running one first; `profile` is the only one of the model that is left, so that
    it must be the one in use. Where none should be left, a next profile is one of the model that the `last` attempt was of.
    """
    expected = to_come[0] if to_come else Attempt(0)
    if not to_come and last is not None and last.decision == "rotate_profile":
        expected = Attempt(0, provider=last.provider, model=last.model)
    model = ModelRef().or_else(opened).or_else(expected)
    if last is not None and last.decision == RETRY:
        profile = last.profile or profile
    return replace(expected, profile=profile, provider=model.provider, model=model.model)


def chain_position(
    chain: FailoverChain,
    lines: Sequence[ModelFallbackDecision],
    attempts: Sequence[Attempt],
    names: Mapping[str, str],
) -> int:
    """Return the index of the present candidate in the chain.

    By what the log says comes next, else by the providers of the present candidate's `attempts`, else by the
    number of candidates that are over.
    """
    present = present_candidate(lines)
    if present:
        provider, _, model = present.partition("/")
        index = _index(chain, provider, model)
        if index is not None:
            return index
    for attempt in attempts:
        provider, _, _ = (names.get(attempt.profile_hash or "") or "").partition(":")
        index = _index(chain, provider)
        if index is not None:
            return index
    failed = sum(line.decision in ("candidate_failed", "skip_candidate") for line in lines)
    return min(failed, len(chain.candidates))


def _index(chain: FailoverChain, provider: str, model: str | None = None) -> int | None:
    for index, candidate in enumerate(chain.candidates):
        if candidate.provider == provider and model in (None, candidate.model):
            return index
    return None
