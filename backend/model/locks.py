"""Records of a lock: the file, the evidence about it, and the judgement that `verdicts.judge` makes of both."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field

from lockdeck.backend.model.digest import sha256

BOOT_MARGIN_S = 60.0
"""A lock counts as made before this boot only when it is older than the boot by more than this (seconds)."""
START_MARGIN_S = 2.0
"""Clock slack, in seconds, when a process's start is compared with a lock's creation."""


class Verdict(StrEnum):
    """The conclusion from the evidence about one lock."""

    CREATING = "creating"
    HELD = "held"
    LEAKED = "leaked"
    RECYCLED = "recycled"
    DEAD = "dead"
    REMOVED = "removed"
    FOREIGN = "foreign"
    UNREADABLE = "unreadable"
    LITTER = "litter"
    RELEASING = "releasing"


class LockKind(StrEnum):
    """The kinds of OpenClaw's locks; only `session` locks may ever be released."""

    SESSION = "session"
    STORE = "store"
    AUTH = "auth"
    SANDBOX = "sandbox"
    GATEWAY = "gateway"
    OTHER = "other"


class Presence(StrEnum):
    """The kind of thing that stands at the lock's path."""

    FILE = "file"
    ABSENT = "absent"
    IRREGULAR = "irregular"
    UNREADABLE = "unreadable"


class PayloadState(StrEnum):
    """The part of the payload that could be understood."""

    VALID = "valid"
    EMPTY = "empty"
    HALF_WRITTEN = "half-written"
    INVALID = "invalid"


class Liveness(StrEnum):
    """The process table's word about a pid. A permission error means alive: it exists."""

    ALIVE = "alive"
    ZOMBIE = "zombie"
    GONE = "gone"


class Proof(StrEnum):
    """The proof of a holder: it has the file open, the payload names it, or not at all."""

    FD = "fd"
    PID = "pid"
    NONE = "none"


class LockIdentity(Struct, frozen=True):
    """One lifetime of one lock file. ext4 reuses inode numbers at once, so the bytes belong to it.

    Of them only `size` and SHA-256 (`digest`) are kept: there may be very many locks, and others write what stands in
    them. `release_id`: twelve hex digits that name this hold; an action that carries them can hit no other hold.
    """

    dev: int
    ino: int
    ctime_ns: int
    size: int
    digest: bytes
    release_id: str

    @classmethod
    def of(cls, dev: int, ino: int, ctime_ns: int, raw: bytes) -> LockIdentity:
        """Return the identity of a file with these bytes."""
        facts = f"{dev}:{ino}:{ctime_ns}:".encode() + raw
        digest = sha256(raw).digest()
        return cls(dev, ino, ctime_ns, len(raw), digest, sha256(facts).hexdigest()[:12])

    def has_bytes(self, raw: bytes) -> bool:
        """Return whether these are the bytes of the file, all of them."""
        return len(raw) == self.size and sha256(raw).digest() == self.digest


class LockPayload(Struct, frozen=True):
    """A parsed payload: `pid`, `created_at` (epoch seconds), `starttime` (clock ticks), `max_hold_ms`.

    Keys by version: openclaw 2026.2.9 has no starttime; maxHoldMs appears with 2026.5.22. `port` and `role`
    stand in gateway locks only: the port from 2026.7 on, and from 2026.8 on what an owner is that is no
    gateway (`agent-embedded`, `sqlite-maintenance`, … read in 2026.9.6). `stand_in` names the release of
    lockdeck's own that the lock stands in for.
    """

    pid: int
    created_at: float | None
    starttime: int | None = None
    max_hold_ms: int | None = None
    port: int | None = None
    role: str | None = None
    stand_in: str | None = None


class LockRecord(Struct, frozen=True):
    """One look at one lock path.

    `path` is the exact path (surrogate-escaped), for actions. `problem` says in words why there is no
    payload. Times are epoch seconds.
    """

    path: str
    root: str
    agent: str | None
    kind: LockKind
    presence: Presence
    identity: LockIdentity | None = None
    payload: LockPayload | None = None
    payload_state: PayloadState = PayloadState.INVALID
    problem: str | None = None
    mtime: float | None = None
    uid: int | None = None
    nlink: int = 1

    @property
    def created_at(self) -> float | None:
        """The time when the hold began, epoch seconds: the payload's word, else the file's mtime."""
        if self.payload is not None and self.payload.created_at is not None:
            return self.payload.created_at
        return self.mtime


class Holder(Struct, frozen=True):
    """The process that has the lock. `started_at` is epoch seconds."""

    pid: int
    name: str
    started_at: float | None
    proof: Proof
    start_ticks: int | None = None


class ScanEvidence(Struct, frozen=True):
    """The processes that were looked at in search of an open descriptor.

    `hidden` names processes that could hold the file but could not be inspected. `unwritten` True: the
    kernel itself confirms that no process has the file open for writing, as every holder does.
    """

    supported: bool = False
    inspected: int = 0
    total: int = 0
    hidden: tuple[str, ...] = ()
    unwritten: bool | None = None

    @property
    def complete(self) -> bool:
        """True when no process that could hold the file escaped the search."""
        return self.supported and (not self.hidden or self.unwritten is True)


class Evidence(Struct, frozen=True):
    """All that was observed about one lock at `observed_at` (epoch seconds). None means not known.

    `openers` have this very file open; `deleted_openers` have a deleted one open that stood at this path. `owners` are
    the uids whose things count as ours there, because the user vouches for them. `stands_in`: the lock is that of a stand-in
    of lockdeck's own, in a release that has not ended.
    """

    record: LockRecord
    observed_at: float
    liveness: Liveness | None = None
    process_name: str = ""
    process_started_at: float | None = None
    process_start_ticks: int | None = None
    process_may_be_openclaw: bool = True
    openers: tuple[Holder, ...] = ()
    deleted_openers: tuple[Holder, ...] = ()
    scan: ScanEvidence = field(default_factory=ScanEvidence)
    own_namespace: bool | None = None
    namespace_note: str | None = None
    volume: str = "unknown"
    fs_type: str = ""
    boot_time: float | None = None
    our_uid: int | None = None
    owners: frozenset[int] = frozenset()
    era: str = "files"
    stands_in: bool = False

    @property
    def age_s(self) -> float | None:
        """Seconds since the hold began, as of the observation; None when neither payload nor mtime tells."""
        return self.age_at(self.observed_at)

    def age_at(self, now: float) -> float | None:
        """Seconds since the hold began at `now`, never negative; None when neither payload nor mtime tells."""
        created = self.record.created_at
        return None if created is None else max(0.0, now - created)

    @property
    def untouched_s(self) -> float:
        """Seconds since the file was last written, never negative; 0 when not known."""
        return 0.0 if self.record.mtime is None else max(0.0, self.observed_at - self.record.mtime)

    @property
    def same_ticks(self) -> bool | None:
        """True where the live pid has the start ticks that the lock names; None where one of them is not known."""
        payload = self.record.payload
        if payload is None or payload.starttime is None or self.process_start_ticks is None:
            return None
        return payload.starttime == self.process_start_ticks

    @property
    def start_matches(self) -> bool | None:
        """True where the live pid is the process that wrote the lock; None when nothing tells."""
        payload = self.record.payload
        if payload is None or self.liveness is None or self.liveness is Liveness.GONE:
            return None
        if self.same_ticks is not None:
            return self.same_ticks
        if payload.created_at is not None and self.process_started_at is not None:
            # No start ticks (2026.2.9, macOS): a process younger than the lock can't have written it.
            return None if self.process_started_at <= payload.created_at + START_MARGIN_S else False
        return None

    @property
    def from_earlier_boot(self) -> bool:
        """True when both payload and mtime are older than this boot, by the wall clock, and no start ticks deny it."""
        if self.boot_time is None or self.record.mtime is None or self.same_ticks:
            return False
        created = self.record.created_at
        latest = max(self.record.mtime, created if created is not None else self.record.mtime)
        return latest < self.boot_time - BOOT_MARGIN_S

    @property
    def only_wall_clock(self) -> bool:
        """True when nothing but the wall clock tells that the live pid is another process than the lock's writer.

        Where a clock is set after the boot, as on machines without one of their own, that may be wrong. A process that
        can't be an OpenClaw at all is another one whatever the clock says, as after a restored backup.
        """
        another = self.from_earlier_boot or self.start_matches is False
        unproven = self.same_ticks is None and self.process_may_be_openclaw
        return self.liveness is Liveness.ALIVE and another and unproven


class Judgement(Struct, frozen=True):
    """A verdict with its reasons as sentences, whether it may be released, and the holder if any."""

    verdict: Verdict
    reasons: tuple[str, ...]
    releasable: bool
    holder: Holder | None = None
