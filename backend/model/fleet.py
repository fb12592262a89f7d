"""The immutable picture of a fleet at one moment, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, StrEnum

from msgspec import Struct

from lockdeck.backend.model.cancel import Cancel
from lockdeck.backend.model.delta import FleetDelta
from lockdeck.backend.model.hosts import HostView
from lockdeck.backend.model.identity import Identity
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.locks import Evidence, Judgement, LockRecord
from lockdeck.backend.model.runs.records import NOBODY_BLOCKED, Attempt, Blocked, Occupation, Rotation
from lockdeck.backend.model.sessions.loglines import LogLine
from lockdeck.backend.model.sources import SourceView
from lockdeck.backend.model.trust import Ownership, Vouch


class State(StrEnum):
    """The state that a session is in."""

    IDLE = "idle"
    RUNNING = "running"
    COMPACTING = "compacting"
    ROTATING = "rotating"
    STUCK = "stuck"
    FAILED = "failed"
    CANCELLING = "cancelling"
    UNKNOWN = "unknown"


class Severity(IntEnum):
    """The urgency with which a person is needed; greater is more urgent."""

    OK = 0
    NOTICE = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """The lower-case word used in JSON and tables."""
        return self.name.lower()


class GatewayView(Struct, frozen=True):
    """The gateway of a root. `port` and `version` are None where nothing tells.

    `alive` follows from the verdict on its lock; None where that can't be told from here.
    """

    pid: int
    version: str | None
    port: int | None
    alive: bool | None


class RefusedStart(Struct, frozen=True):
    """Gateways that were refused, or wait, because another owner has the root, or failed to start; told by the log lately.

    `at` (epoch seconds) of the last of `count`. `pid` of the owner and whether it is `alive` now by the
    verdict on the gateway lock, None where not known. `waiting`: the last one goes on trying. `reason`: OpenClaw's own words for a start that failed for
    no owner's sake; `alive` then says whether a gateway serves the root all the same.
    """

    at: float
    count: int
    pid: int | None
    alive: bool | None
    waiting: bool = False
    reason: str | None = None


class RootView(Struct, frozen=True):
    """One OpenClaw state directory. `watch` is live or polling; `problems` are sentences.

    `unseen`: sessions, locks or trouble may be there that can't be seen; `sources` and the problems say which and why.
    `vouch`: the user's word about it; `ownership`: whose it is, and whether it may be acted on. `host`: see `Identity`.
    """

    path: str
    era: str
    gateway: GatewayView | None = None
    watch: str = "polling"
    problems: tuple[str, ...] = ()
    version: str | None = None
    refused_start: RefusedStart | None = None
    unseen: bool = False
    vouch: Vouch = Vouch()
    ownership: Ownership = Ownership()
    sources: tuple[SourceView, ...] = ()
    host: str = ""

    @property
    def identity(self) -> tuple[str, str]:
        """The name of this root among those of all hosts."""
        return (self.host, self.path)


class LockView(Struct, frozen=True):
    """One lock with its evidence and verdict. `host`: see `Identity`; `last_seen` as in `SessionView`."""

    record: LockRecord
    evidence: Evidence
    judgement: Judgement
    host: str = ""
    last_seen: float | None = None

    @property
    def identity(self) -> Identity:
        """The name of this lock through any re-sort; the last part is its path."""
        return (self.host, self.record.root, self.record.path)

    @property
    def release_id(self) -> str | None:
        """The id an action must name, None where the file could not be read."""
        identity = self.record.identity
        return None if identity is None else identity.release_id


class RunHolder(Struct, frozen=True):
    """The holder of a session that has no lock file (2026.8 on): the gateway with its active run.

    `since` and `last_progress` in epoch seconds; `queue_depth` are messages that wait, None where nobody tells;
    `refused` are callers turned away since then.
    """

    pid: int | None
    run_id: str | None
    model: str | None
    since: float
    last_progress: float | None = None
    queue_depth: int | None = None
    refused: int = 0


class SessionView(Struct, frozen=True):
    """One session: what it is doing, why, since when (epoch seconds), its lock, and what the log tells of it.

    `log` holds the newest lines, oldest first; empty where nothing was told lately. `cancelled`: its last run was, and
    nothing has begun since. `transcript_at`: the newest entry of
    its transcript, None where that was not read. `host`: see `Identity`; `last_seen`: when a host that is lost was heard of
    last (epoch seconds, our clock), None while it is there.
    """

    root: str
    agent: str
    key: str
    session_id: str | None
    state: State = State.IDLE
    severity: Severity = Severity.OK
    since: float | None = None
    reasons: tuple[str, ...] = ()
    attempt: Attempt | None = None
    rotation: Rotation | None = None
    occupation: Occupation | None = None
    blocked: Blocked = NOBODY_BLOCKED
    lock: LockView | None = None
    transcript: str | None = None
    transcript_at: float | None = None
    log: tuple[LogLine, ...] = ()
    holder: RunHolder | None = None
    cancelled: Cancel | None = None
    host: str = ""
    last_seen: float | None = None

    @property
    def identity(self) -> Identity:
        """The name of this session through any re-sort; the last part is its key."""
        return (self.host, self.root, self.key)

    @property
    def free_by(self) -> float | None:
        """The time at which a rotation that goes on lets the session go at the latest (epoch seconds)."""
        return self.rotation.free_by if self.rotation and not self.rotation.finished else None

    def occupied_s(self, now: float) -> float | None:
        """Return for how many seconds callers have met a locked session, None when it is free."""
        if self.occupation is not None and not self.occupation.over(now):
            return max(0.0, now - self.occupation.since)
        if self.occupation is None and self.lock is not None and self.lock.record.created_at is not None:
            return max(0.0, now - self.lock.record.created_at)
        return None


class FleetSnapshot(Struct, frozen=True):
    """Everything known about the fleet at `generated_at` (epoch seconds).

    `incidents` are the causes that several sessions have in common, the widest first. `sequence` counts the pictures of
    one collector from 1 on; `delta` is what differs from the one before, None where there is none to compare with.
    `hosts` are those that a deck has it from, and `host` its own; there are none where this machine alone is watched.
    """

    generated_at: float
    host: str
    roots: tuple[RootView, ...] = ()
    sessions: Sequence[SessionView] = ()
    locks: Sequence[LockView] = ()
    notes: tuple[str, ...] = ()
    incidents: tuple[Incident, ...] = ()
    sequence: int = 0
    delta: FleetDelta | None = None
    hosts: tuple[HostView, ...] = ()


def every_lock(snapshot: FleetSnapshot) -> list[LockView]:
    """Return all locks of a snapshot, those of sessions included, each path once."""
    locks = {(lock.host, lock.record.path): lock for lock in snapshot.locks}
    for view in snapshot.sessions:
        if view.lock is not None:
            locks.setdefault((view.host, view.lock.record.path), view.lock)
    return list(locks.values())
