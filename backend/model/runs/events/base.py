"""Declarations that every event makes: how it is joined, and what follows from it."""

from __future__ import annotations

import math
from abc import abstractmethod
from enum import Enum, IntEnum, auto
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.runs.events.refusals import CallerRefusal


class About(Enum):
    """The thing that an event tells of, and so where the fold keeps it.

    `RUN`: the run it names, else that of its trace. `PROFILE`: a run, joined by the profile's hash. `SESSION`:
    a session or a lock path, unless it names a run. `ROOT`: a gateway. `TRACE`: nothing but which run a trace
    belongs to, so that no log shows it.
    """

    RUN = auto()
    PROFILE = auto()
    SESSION = auto()
    ROOT = auto()
    TRACE = auto()


class CausalOrder(IntEnum):
    """Places of events within one moment: what comes of what. `LOOSE` events have no place among the others."""

    ATTEMPT_STARTED = auto()
    INNER_ERROR = auto()
    BUDGET_OVER = auto()
    RETRY = auto()
    PROFILE_OVER = auto()
    BRAKE = auto()
    ABORT = auto()
    COMPACTION = auto()
    COMPACTION_TIMEOUT = auto()
    PROMPT_ERROR = auto()
    COOLDOWN = auto()
    DECISION = auto()
    LANE_ERROR = auto()
    CANDIDATE = auto()
    CHAIN_STOPPED = auto()
    ALL_FAILED = auto()
    RUN_ENDED = auto()
    LOOSE = auto()


class Late(Enum):
    """Seconds after the end of a run within which an event is a late one about it, and no sign of a new run.

    `openclaw agent --local` reuses the session id as run id. `ATTEMPT`: an attempt that begins or ends; `LINE`: what
    may also be told late; `ALWAYS`: it never begins a run.
    """

    ATTEMPT = 1.0
    LINE = 5.0
    ALWAYS = math.inf


class Handling(Struct, frozen=True):
    """Treatment of all events of one class.

    `counted_as` is its name in counts. `bad` marks its line in a session's log as bad news. `console_only`: OpenClaw writes it to the console and to no JSON log.
    `of_attempt`: the attempts of its run tell of it, so that a timeline needs no line of it.
    `record_fields` are told by the record in the JSON log and never by the console, `wording_fields` by both, but
    not alike: two tellings of one happening may differ in these.
    """

    counted_as: str
    order: CausalOrder
    about: About
    bad: bool = False
    lateness: Late = Late.ALWAYS
    console_only: bool = False
    of_attempt: bool = False
    record_fields: tuple[str, ...] = ()
    wording_fields: tuple[str, ...] = ()


class LockTimeout(Struct, frozen=True):
    """`session file locked (timeout Nms): …` or its like: a caller could not have a session that is taken.

    `pid`, `alive` and `age_ms` as the waiting process saw the owner; the last two from 2026.6.11 on. `path` is the
    lock's, None where the line names no file but the session (`session_key`). `how` says how the caller failed, in words
    of the table of forms or else the line's own; empty for a caller that waited and gave up.
    """

    path: str | None
    timeout_ms: int | None
    pid: int | None = None
    alive: bool | None = None
    age_ms: int | None = None
    session_key: str | None = None
    how: str = ""

    @property
    def is_of_store(self) -> bool:
        """Return whether the lock is that of a whole session store, and not one of a session."""
        return self.path is not None and self.path.endswith("sessions.json.lock")


class CallerFailure(Struct, frozen=True):
    """A caller's failure to get a session, as one line tells it: on a lock (`timeout`), or by a `refusal`.

    `source` is the kind of line; `number` counts the run's candidates, where the line tells; `began` is when the
    lane's task began (epoch seconds). `caller` names the run and its life, None where no run is named. `session_key` is
    that of the lane, where the line names one.
    """

    at: float
    source: str
    timeout: LockTimeout | None = None
    number: int | None = None
    began: float | None = None
    caller: str | None = None
    refusal: CallerRefusal | None = None
    session_key: str | None = None

    @property
    def subject(self) -> str | None:
        """What the caller could not have: a lock's path, else a session key; None where neither is told.

        The lock of a store is taken for every session in it: there the lane tells whose caller it was.
        """
        if self.timeout is None:
            return None
        key = self.timeout.session_key or self.session_key
        return key if key is not None and self.timeout.is_of_store else self.timeout.path or key


class Event(Struct, frozen=True, gc=False):
    """One thing that OpenClaw told at `at` (epoch seconds). An id that a class has no field for is None."""

    at: float

    @property
    @abstractmethod
    def handling(self) -> Handling:
        """The treatment of its class; each class declares its own."""

    @abstractmethod
    def sentence(self) -> str:
        """Return its line in the session's log; free text of others is never repeated."""

    @abstractmethod
    def take(self, steps: Any) -> None:
        """Take the step of reading a run that this event stands for."""

    @property
    def run_id(self) -> str | None:
        """The run that it names."""
        return None

    @property
    def session_id(self) -> str | None:
        """The session id that it names."""
        return None

    @property
    def session_key(self) -> str | None:
        """The session key that it names."""
        return None

    @property
    def trace_id(self) -> str | None:
        """The trace that its line shares with all lines of one run."""
        return None

    @property
    def lock_timeouts(self) -> tuple[LockTimeout, ...]:
        """The failures on locks that it quotes."""
        return ()

    @property
    def lock_path(self) -> str | None:
        """The lock that it is about."""
        return next((timeout.path for timeout in self.lock_timeouts), None)

    @property
    def counted_as(self) -> str:
        """Its name in counts, in OpenClaw's own words."""
        return self.handling.counted_as

    @property
    def late_s(self) -> float:
        """The seconds after the end of a run within which it is a late event of that run."""
        return self.handling.lateness.value

    def caller_failure(self) -> CallerFailure | None:
        """Return the caller's failure to get a session that it counts as."""
        return None

    def of_trace(self, trace_id: str) -> Self:
        """Return the event with the trace of its line, where its class keeps one."""
        return replace(self, trace_id=trace_id) if "trace_id" in self.__struct_fields__ else self


class PassiveEvent(Event, frozen=True):
    """An event that changes nothing in how its run is read."""

    def take(self, steps: object) -> None:
        """Take no step."""


class LockEvent(Event, frozen=True):
    """An event whose line may quote a caller's failure on a lock."""

    @property
    @abstractmethod
    def lock_timeout(self) -> LockTimeout | None:
        """The failure on a lock that it quotes."""

    @property
    def lock_timeouts(self) -> tuple[LockTimeout, ...]:
        """The failure on a lock that it quotes, if any."""
        return () if self.lock_timeout is None else (self.lock_timeout,)

    @abstractmethod
    def caller_failure(self) -> CallerFailure | None:
        """Return the caller's failure to get a session that it counts as."""
