"""Runs, attempts, holds and occupations: the records that the folds build."""

from __future__ import annotations

from msgspec import Struct

from lockdeck.backend.model.moments import seconds_between

GAP_GRACE_S = 3.0
"""Two holds of one path belong to one occupation when at most this many seconds lie between them."""


LOCKED = "lock"
"""The reason of an attempt that failed on the session's lock."""
KEPT_OUT = frozenset({LOCKED, "claim", "drain", "store lock"})
"""The reasons of attempts that never had the session: no model failed in them."""


class Hold(Struct, frozen=True):
    """One lifetime of one lock file; times in epoch seconds, `ended_at` None while it stands.

    `dev`, `ino`, `created_at` and `written` (false while the payload is empty or half-written) tell the
    same hold from the next one when the bytes change.
    """

    release_id: str
    pid: int | None
    started_at: float
    ended_at: float | None = None
    dev: int | None = None
    ino: int | None = None
    created_at: float | None = None
    written: bool = True


class Occupation(Struct, frozen=True):
    """The unbroken chain of holds on one lock path: what callers feel.

    `holds` counts all of them; `recent` keeps the last few, oldest first.
    """

    path: str
    since: float
    holds: int
    recent: tuple[Hold, ...]

    @property
    def current(self) -> Hold | None:
        """The hold that stands now, or None in a gap."""
        last = self.recent[-1]
        return last if last.ended_at is None else None

    @property
    def last_seen(self) -> float | None:
        """The time when the chain was last interrupted, or None while a hold stands."""
        return self.recent[-1].ended_at

    def over(self, now: float, gap_grace: float = GAP_GRACE_S) -> bool:
        """Return whether the path has been free for longer than the grace."""
        return self.last_seen is not None and now - self.last_seen > gap_grace


class Attempt(Struct, frozen=True):
    """One auth profile x one model tried inside a run.

    `index` counts from 1. Times are epoch seconds, None where no source tells. `reason` is why it ended
    (timeout, rate_limit, auth, lock, provider_error …), `decision` what OpenClaw did next
    (rotate_profile …), `logged_reason` OpenClaw's own word: it calls an HTTP 500 `timeout` although
    nothing timed out (seen on 2026.4.5). `profile_hash` is `sha256:` + 12 hex digits of the profile id.
    `heard_at` is when the log first told of an error inside the attempt: it had begun by then. `start_assumed`: no line
    tells the start, and `started_at` is what follows from the lines before and from the timeout.
    """

    index: int
    profile: str | None = None
    provider: str | None = None
    model: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    reason: str | None = None
    decision: str | None = None
    timed_out: bool = False
    logged_reason: str | None = None
    profile_hash: str | None = None
    heard_at: float | None = None
    start_assumed: bool = False

    @property
    def by_timeout(self) -> bool:
        """Return whether a timeout, and no answer of the provider, ended it: what openclaw#62351 is about."""
        return self.timed_out and self.reason == "timeout"

    @property
    def kept_out(self) -> bool:
        """Return whether it never had the session."""
        return self.reason in KEPT_OUT

    def duration_s(self, now: float) -> float | None:
        """Return the seconds that it took or has taken so far, never negative; None where no line tells them."""
        return seconds_between(self.started_at, now if self.ended_at is None else self.ended_at)


class Compaction(Struct, frozen=True):
    """The transcript is being compacted, since `since`; the log said so last at `told_at` (epoch seconds).

    From then on it takes at most `longest_s` seconds (None: as long as the version allows), and the attempt goes on
    for at most `tries` more tries, with a compaction between each two.
    """

    since: float
    told_at: float
    longest_s: float | None = None
    tries: int = 0


class PolicyFinding(Struct, frozen=True):
    """The effect that the fix of openclaw#62351 would have had on a rotation.

    `would_stop_at` is the index of the attempt after which it stops; None when it would not interfere.
    `avoidable_ms` is the lock time since then, in milliseconds; None where the log does not tell it.
    """

    would_stop_at: int | None
    avoidable_ms: int | None
    sentence: str


class Rotation(Struct, frozen=True):
    """The series of attempts of one run. `total` is the number of attempts expected, None when not known.

    `free_by_passed`: the worst case of the forecast is over, and the last attempt goes on.
    """

    run_id: str | None
    attempts: tuple[Attempt, ...]
    timeouts: int
    total: int | None = None
    to_come: tuple[Attempt, ...] = ()
    free_by: float | None = None
    free_by_how: str | None = None
    policy: PolicyFinding | None = None
    finished: bool = False
    lock_failures: int = 0
    free_by_passed: bool = False


class ProviderError(Struct, frozen=True):
    """The error with which a provider answered a model call, at `at` (epoch seconds): `rate_limit`, `auth` or `provider_error`."""

    at: float
    reason: str


class Blocked(Struct, frozen=True):
    """Callers that failed or waited on a session's lock. `last` is epoch seconds of the newest."""

    count: int = 0
    last: float | None = None
    sentences: tuple[str, ...] = ()


NOBODY_BLOCKED = Blocked()
