"""The table: everything that lockdeck knows to differ between releases of OpenClaw.

A trait is one record here and nothing else: `traits_of(version)` gives its value, `lockdeck releases` shows it.
"From 2026.5.7" means: so in that release, and not so, or not looked at, in the ones before it.
Defaults are those that hold unless configured.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct

from lockdeck.backend.model.releases.trait import Basis, Trait, release_named, since
from lockdeck.backend.model.releases.version import Version

SEEN, READ, REPORTED = Basis.SEEN, Basis.READ, Basis.REPORTED


class LockScope(StrEnum):
    """The part of a run for which the session's lock file stands."""

    ATTEMPT = "attempt"
    WRITES = "writes"
    CALLS = "calls"
    NONE = "none"


class RotationLine(StrEnum):
    """The kinds of lines from which a rotation can be rebuilt."""

    RUN_TIMEOUT = "run timeout"
    PROFILE_TIMEOUT = "profile timeout"
    DECISION = "failover decision"
    CANDIDATE = "candidate decision"
    RETRY = "same-model retry"
    BREAKER = "idle breaker"
    COMPACTION = "compaction start"
    CHAIN_STOPPED = "chain stopped"


_OLDEST_LINES = (RotationLine.RUN_TIMEOUT, RotationLine.PROFILE_TIMEOUT)
_LINES = (*_OLDEST_LINES, RotationLine.DECISION, RotationLine.CANDIDATE)
_LINES_WITH_RETRY = (*_LINES, RotationLine.RETRY)
_LINES_WITH_BREAKER = (*_LINES_WITH_RETRY, RotationLine.BREAKER)
_LINES_WITH_COMPACTION = (*_LINES_WITH_BREAKER, RotationLine.COMPACTION)
_PAYLOAD = ("pid", "createdAt", "starttime")
_GATEWAY_PAYLOAD = ("pid", "createdAt", "configPath", "startTime")

_LOCKS = "Session locks"
_LEFT_LOCKS = "A lock that was left behind"
_RUNS = "Runs and their timeouts"
_POLICY = "Failover"
_CANCEL = "Ending a run"
_GATEWAY = "The gateway"
_LOG = "The log"


class Traits(Struct, frozen=True, dict=True):
    """All that holds in one release; `version` None: in one that is not known."""

    version: Version | None

    session_store = Trait[str](
        _LOCKS,
        "sessions are kept in",
        "What a root keeps its sessions in: files with a lock each, or SQLite.",
        (since("2026.2.9", "files", SEEN), since("2026.8.1", "sqlite", SEEN)),
    )
    lock_scope = Trait[LockScope](
        _LOCKS,
        "lock stands during",
        "The part of a run for which its lock file stands.",
        (
            since("2026.2.9", LockScope.ATTEMPT, SEEN, "each attempt; let go between attempts"),
            since("2026.5.17", LockScope.WRITES, SEEN, "each write; let go while the prompt runs"),
            since(
                "2026.5.22", LockScope.CALLS, SEEN, "each model call; let go around it and between retries"
            ),
            since("2026.8.1", LockScope.NONE, SEEN, "nothing: there is no lock file"),
        ),
    )
    lock_payload = Trait[tuple[str, ...]](
        _LOCKS,
        "lock file says",
        "The keys of a lock's payload.",
        (
            since("2026.2.9", _PAYLOAD[:2], SEEN),
            since("2026.3.13", _PAYLOAD, SEEN),
            since("2026.5.22", (*_PAYLOAD, "maxHoldMs"), REPORTED),
            since("2026.5.28", (*_PAYLOAD, "maxHoldMs"), SEEN),
            since("2026.8.1", (), SEEN, "nothing: there is no lock file"),
        ),
    )
    lock_wait_s = Trait[float | None](
        _LOCKS,
        "wait for a lock",
        "How long a caller waits for a session's lock before it fails.",
        (
            since("2026.2.9", 10.0, SEEN),
            since("2026.5.7", 60.0, READ),
            since("2026.8.1", None, READ),
        ),
    )
    waits_for_own_lock = Trait[bool](
        _LOCKS,
        "a gateway waits for its own lock",
        "A second run inside the process that has the lock waits for it, and fails with that process's own pid.",
        (
            since("2026.2.9", False, READ),
            since("2026.4.22", True, READ),
            since("2026.8.1", False, READ),
        ),
    )
    max_hold_s = Trait[float | None](
        _LOCKS,
        "longest hold",
        "After so long OpenClaw's own watchdog lets go of a lock; the run goes on without it.",
        (
            since("2026.2.9", None, READ),
            since("2026.3.13", 720.0, READ),
            since("2026.4.5", 173_820.0, READ),
            since("2026.5.28", 1020.0, READ),
            since("2026.6.11", 300.0, SEEN),
            since("2026.8.1", None, READ),
        ),
    )
    store_lock = Trait[str](
        _LOCKS,
        "lock on sessions.json",
        "The form of `sessions.json.lock`.",
        (
            since("2026.2.9", "a form of its own", READ),
            since("2026.3.13", "as a session lock", SEEN),
            since("2026.5.7", "none", READ),
        ),
    )

    reclaims_dead = Trait[bool](
        _LEFT_LOCKS,
        "next writer removes a dead pid's lock",
        "The next writer to the session removes the lock of a process that is gone.",
        (since("2026.2.9", True, SEEN), since("2026.8.1", False, READ)),
    )
    compares_start_time = Trait[bool](
        _LEFT_LOCKS,
        "tells a reused pid by its start time",
        "A lock whose pid belongs to a younger process is removed, where the lock carries a start time.",
        (
            since("2026.2.9", False, READ),
            since("2026.3.13", True, SEEN),
            since("2026.8.1", False, READ),
        ),
    )
    unreadable_grace_s = Trait[float | None](
        _LEFT_LOCKS,
        "grace of an unreadable lock",
        "How old a lock without a readable pid must be before the next writer removes it.",
        (
            since("2026.2.9", 0.0, READ),
            since("2026.3.13", 1800.0, READ, "30 minutes"),
            since("2026.4.29", 5.0, READ, "5 s"),
            since("2026.6.11", 30.0, SEEN, "30 s"),
            since("2026.8.1", None, READ),
        ),
    )
    start_sweeps_young = Trait[bool](
        _LEFT_LOCKS,
        "a gateway's start sweeps young locks",
        "At its start a gateway removes every lock that it calls stale, also one made a moment ago.",
        (since("2026.3.13", True, SEEN), since("2026.5.28", False, READ)),
    )
    reclaims_own_leak = Trait[bool](
        _LEFT_LOCKS,
        "a process reclaims its own leaked lock",
        "A process that let go of a lock without removing it removes it when it wants that lock again (Linux).",
        (
            since("2026.2.9", False, READ),
            since("2026.5.7", True, READ),
            since("2026.8.1", False, READ),
        ),
    )
    removes_old_live_locks = Trait[bool](
        _LEFT_LOCKS,
        "removes locks older than 30 minutes",
        "A waiting writer removes a lock older than 30 minutes although its holder lives.",
        (since("2026.2.9", True, SEEN), since("2026.6.11", False, SEEN)),
    )
    lets_go_by_path = Trait[bool](
        _LEFT_LOCKS,
        "a holder removes by path",
        "A holder that lets go removes whatever stands at the path, also another process's lock.",
        (since("2026.2.9", True, SEEN), since("2026.5.18", False, READ)),
    )
    wants_openclaw_owner = Trait[bool](
        _LEFT_LOCKS,
        "takes locks of other programs",
        "A lock whose live process does not look like OpenClaw by its arguments is taken at once.",
        (
            since("2026.2.9", False, SEEN),
            since("2026.5.18", True, SEEN),
            since("2026.8.1", False, READ),
        ),
    )

    idle_timeout_s = Trait[float](
        _RUNS,
        "idle timeout",
        "A model that is silent for so long counts as hung.",
        (since("2026.2.9", 60.0, READ), since("2026.4.15", 120.0, READ)),
    )
    idle_timeout_setting = Trait[str](
        _RUNS,
        "idle timeout is set by",
        "The setting of the idle timeout.",
        (
            since("2026.2.9", "agents.defaults.llm.idleTimeoutSeconds", READ),
            since("2026.5.7", "models.providers.ID.timeoutSeconds", SEEN),
        ),
    )
    run_timeout_s = Trait[float](
        _RUNS,
        "run timeout",
        "The longest that one run may take (agents.defaults.timeoutSeconds).",
        (since("2026.2.9", 600.0, READ), since("2026.4.5", 172_800.0, READ)),
    )
    run_timeout_ends_run = Trait[bool](
        _RUNS,
        "run timeout ends the run",
        "An attempt that runs into the run timeout is the last; otherwise the next profile is tried.",
        (since("2026.2.9", False, SEEN), since("2026.7.1", True, SEEN)),
    )
    around_attempt_s = Trait[float](
        _RUNS,
        "around each attempt",
        "What an attempt takes beside its model call, before and after it, with four runs at once on two cores.",
        (
            since("2026.2.9", 7.5, SEEN),
            since("2026.7.35", 1.5, SEEN),
            since("2026.9.1", 1.0, SEEN),
        ),
    )
    compaction_timeout_s = Trait[float](
        _RUNS,
        "compaction timeout",
        "The longest that one compaction may take.",
        (since("2026.2.9", 900.0, READ), since("2026.6.11", 180.0, READ)),
    )
    same_model_retries = Trait[int](
        _RUNS,
        "retries on the same model",
        "So often a hanging model is tried again before the next profile; up to 2026.8 only without fallbacks.",
        (
            since("2026.2.9", 0, READ),
            since("2026.4.12", 1, READ),
            since("2026.9.1", 3, SEEN),
            since("2026.9.6", 8, SEEN),
        ),
    )
    idle_breaker = Trait[int](
        _RUNS,
        "idle breaker",
        "So many idle timeouts in a row on one model end the run, whatever is left (openclaw#76293).",
        (since("2026.2.9", 0, READ, "none"), since("2026.5.7", 5, READ), since("2026.9.6", 5, SEEN)),
    )
    own_model_drops_fallbacks = Trait[bool](
        _RUNS,
        "an agent's own model has no fallbacks",
        "An agent's own model as a text, or as `{primary}` alone, means: no fallbacks. Before: the defaults' ones.",
        (since("2026.2.9", False, READ), since("2026.4.29", True, READ)),
    )
    timeout_cooldown_s = Trait[float](
        _RUNS,
        "cooldown after a timeout",
        "How long a profile that timed out is left alone.",
        (since("2026.4.5", 0.0, SEEN), since("2026.7.35", 30.0, SEEN)),
    )
    command_runs_alone = Trait[bool](
        _RUNS,
        "`openclaw agent` runs on its own",
        "After any error of the gateway the command runs the session itself and fights for the same lock.",
        (since("2026.2.9", True, READ), since("2026.4.29", False, REPORTED)),
    )

    rotates_under_lock = Trait[bool](
        _POLICY,
        "rotates under the session lock",
        "A provider that hangs makes it try every profile and model with the session locked (openclaw#62351).",
        (since("2026.2.9", True, SEEN), since("2026.8.1", False, READ)),
    )
    lock_timeout_cascades = Trait[bool](
        _POLICY,
        "a lock timeout fails every candidate",
        "One lock timeout is taken for a model's failure and tried on every candidate (openclaw#66646). "
        "The changelog names 2026.5.12; its code does not have it yet.",
        (since("2026.2.9", True, SEEN), since("2026.5.19", False, READ)),
    )
    abort_ends_rotation = Trait[bool](
        _POLICY,
        "a person's abort ends the rotation",
        "An abort is final; otherwise it counts as a timeout, and the next profile takes the lock again.",
        (since("2026.2.9", False, SEEN), since("2026.4.12", True, SEEN)),
    )
    tool_timeout_rotates = Trait[bool](
        _POLICY,
        "a timeout inside a tool rotates",
        "A run timeout while a tool was at work leads to the next profile.",
        (since("2026.2.9", True, READ), since("2026.5.7", False, READ)),
    )
    idle_always_rotates = Trait[bool](
        _POLICY,
        "an idle timeout always rotates",
        "An idle timeout leads to the next profile also while compacting.",
        (since("2026.2.9", False, READ), since("2026.5.18", True, READ)),
    )
    harness_timeout_rotates = Trait[bool](
        _POLICY,
        "a harness's timeout rotates",
        "A timeout of a harness that owns its transport leads to the next profile.",
        (since("2026.2.9", True, READ), since("2026.5.28", False, READ)),
    )
    missing_model_falls_back = Trait[bool](
        _POLICY,
        "a missing model falls back at the limit",
        "At the limit of retries a model that does not exist leads to the next one.",
        (since("2026.2.9", False, READ), since("2026.7.1", True, READ)),
    )

    cancel_ladder = Trait[tuple[str, ...]](
        _CANCEL,
        "ladder",
        "The calls that end a run and harm nothing else, gentlest first. Of an unknown release none is known to.",
        (
            since("2026.2.9", ("stop", "reset"), SEEN),
            since("2026.4.12", ("abort", "stop", "reset"), READ),
            since("2026.4.24", ("abort", "reset"), SEEN),
        ),
        unknown=(),
    )
    abort_knows_agent_runs = Trait[bool](
        _CANCEL,
        "an abort reaches runs of `agent`",
        "`sessions.abort` also knows the runs that the call `agent` started, not only those of `chat.send`.",
        (since("2026.2.9", False, SEEN), since("2026.4.24", True, SEEN)),
    )
    stop_command_works = Trait[bool](
        _CANCEL,
        "the stop command works",
        "The text `[lockdeck] /stop` ends a run; otherwise that fails with a session takeover.",
        (since("2026.2.9", True, SEEN), since("2026.5.17", False, SEEN)),
    )
    abort_cleanup_s = Trait[float](
        _CANCEL,
        "clean-up after an abort",
        "The longest that the lock was seen to stand while the gateway shows no active run any more.",
        (since("2026.4.5", 30.0, SEEN), since("2026.7.35", 60.0, SEEN, "a minute")),
    )
    drain_s = Trait[int](
        _CANCEL,
        "drain before a gateway ends",
        "How long a gateway that is told to end lets its runs go on.",
        (since("2026.4.5", 0, SEEN), since("2026.9.6", 315, SEEN)),
    )
    begins_lost_runs_again = Trait[bool](
        _CANCEL,
        "a start begins lost runs again",
        "The next gateway begins again what a crash or SIGKILL cut off, but no run that was ended in order.",
        (since("2026.4.5", False, SEEN), since("2026.9.6", True, SEEN)),
    )

    protocol = Trait[int](
        _GATEWAY,
        "protocol",
        "The number of the gateway's protocol.",
        (since("2026.4.5", 3, SEEN), since("2026.5.28", 4, SEEN)),
    )
    device_signature = Trait[str](
        _GATEWAY,
        "device signature",
        "The newest form of a device's signature that the handshake takes.",
        (since("2026.2.9", "v2", SEEN), since("2026.3.13", "v3", SEEN)),
    )
    tells_active_runs = Trait[bool](
        _GATEWAY,
        "tells which sessions have an active run",
        "`sessions.list` says `hasActiveRun`.",
        (since("2026.2.9", False, SEEN), since("2026.5.7", True, SEEN)),
    )
    gateway_lock_place = Trait[str](
        _GATEWAY,
        "its lock is in",
        "The directory of the gateway's own lock.",
        (
            since("2026.4.5", "<tmp>/openclaw-<uid>", SEEN),
            since("2026.8.1", "<root>/tmp/openclaw-<uid>", SEEN),
        ),
    )
    gateway_lock_payload = Trait[tuple[str, ...]](
        _GATEWAY,
        "its lock says",
        "The keys of the gateway's own lock.",
        (
            since("2026.4.5", _GATEWAY_PAYLOAD, SEEN),
            since("2026.7.1", (*_GATEWAY_PAYLOAD, "port"), SEEN),
            since("2026.8.1", (*_GATEWAY_PAYLOAD, "port", "stateDir", "role"), SEEN),
        ),
    )
    recovers_sessions = Trait[bool](
        _GATEWAY,
        "ends stuck runs by itself",
        "The gateway may abort a run that makes no progress, or free its lane.",
        (since("2026.2.9", False, READ), since("2026.4.29", True, READ)),
    )

    log_lines = Trait[tuple[RotationLine, ...]](
        _LOG,
        "tells of a rotation by",
        "The kinds of lines from which a rotation can be rebuilt, at the default level.",
        (
            since("2026.2.9", _OLDEST_LINES, SEEN),
            since("2026.3.13", _LINES, SEEN),
            since("2026.4.12", _LINES_WITH_RETRY, READ),
            since("2026.5.7", _LINES_WITH_BREAKER, READ),
            since("2026.5.28", _LINES_WITH_COMPACTION, READ),
            since("2026.9.6", (*_LINES_WITH_COMPACTION, RotationLine.CHAIN_STOPPED), SEEN),
        ),
    )
    log_tells_runs = Trait[bool](
        _LOG,
        "the log alone shows a rotation",
        "The default log names runs and sessions so that a rotation is seen without the gateway's word. From 2026.8.1 on "
        "a run that hangs is in it without its session, and its first attempt is not in it at all. "
        "2026.5.18 prepares a run for up to 30 s without a lock or a line.",
        (
            since("2026.2.9", True, SEEN),
            since("2026.5.17", False, SEEN),
            since("2026.5.22", True, SEEN),
            since("2026.8.1", False, SEEN),
        ),
    )
    traces_runs = Trait[bool](
        _LOG,
        "lines of one run share a trace",
        "Each line of a run carries the same trace id.",
        (since("2026.2.9", False, READ), since("2026.4.29", True, READ), since("2026.7.35", True, SEEN)),
    )
    honours_log_file = Trait[bool](
        _LOG,
        "honours logging.file",
        "The log is written where the configuration says.",
        (
            since("2026.2.9", True, READ),
            since("2026.4.5", False, SEEN),
            since("2026.4.29", True, READ),
        ),
    )
    log_at_its_limit = Trait[str](
        _LOG,
        "a full log",
        "The log file at its greatest size.",
        (
            since("2026.4.5", "stops at 500 MiB", READ),
            since("2026.4.29", "is renamed at 100 MiB, five are kept", READ),
        ),
    )

    def __post_init__(self) -> None:
        # Looked up once: from here on an attribute is a plain one, as cheap as that of any record.
        self.__dict__.update((name, trait.value_in(self.version)) for name, trait in TRAITS.items())


TRAITS: dict[str, Trait[Any]] = {
    name: trait for name, trait in vars(Traits).items() if isinstance(trait, Trait)
}
"""Every trait by its name, in the order of the table."""


class OpenClawRelease(Struct, frozen=True):
    """A release that was looked at. `partly`: for single points only."""

    version: Version
    basis: Basis
    partly: bool = False


def _release(text: str, basis: Basis, *, partly: bool = False) -> OpenClawRelease:
    return OpenClawRelease(release_named(text), basis, partly)


RELEASES: tuple[OpenClawRelease, ...] = (
    _release("2026.2.9", SEEN),
    _release("2026.3.13", SEEN),
    _release("2026.4.5", SEEN),
    _release("2026.4.8", READ),
    _release("2026.4.10", READ, partly=True),
    _release("2026.4.12", READ, partly=True),
    _release("2026.4.15", READ),
    _release("2026.4.20", READ, partly=True),
    _release("2026.4.22", READ, partly=True),
    _release("2026.4.24", READ),
    _release("2026.4.29", READ),
    _release("2026.5.7", READ),
    _release("2026.5.12", READ, partly=True),
    _release("2026.5.18", SEEN),
    _release("2026.5.19", READ, partly=True),
    _release("2026.5.20", READ, partly=True),
    _release("2026.5.22", READ, partly=True),
    _release("2026.5.26", READ, partly=True),
    _release("2026.5.28", SEEN),
    _release("2026.6.11", READ),
    _release("2026.6.35", SEEN),
    _release("2026.7.1", READ),
    _release("2026.7.35", SEEN),
    _release("2026.8.1", READ, partly=True),
    _release("2026.8.2", SEEN),
    _release("2026.9.1", SEEN),
    _release("2026.9.6", SEEN),
)
"""The releases that were looked at, oldest first."""
