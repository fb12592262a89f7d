"""The failover chain of one agent, as its configuration says."""

from __future__ import annotations

from msgspec import Struct


class Candidate(Struct, frozen=True):
    """One model of the chain with the auth profiles that OpenClaw will try for it, in order.

    `profiles` is empty where no profile is known; the provider then counts as one attempt.
    `idle_timeout_s` is the provider's own `timeoutSeconds` (from 2026.5 on), None where not set.
    """

    provider: str
    model: str
    profiles: tuple[str, ...] = ()
    idle_timeout_s: float | None = None


class FailoverChain(Struct, frozen=True):
    """Primary and fallbacks in order. Timeouts in seconds: None means OpenClaw's default, 0 means off."""

    candidates: tuple[Candidate, ...] = ()
    idle_timeout_s: float | None = None
    run_timeout_s: float | None = None
    compaction_timeout_s: float | None = None
