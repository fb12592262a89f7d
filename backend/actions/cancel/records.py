"""The records of a cancel: its plan, its steps, how it ended. Plain data for people and JSON."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from lockdeck.backend.actions.cancel.ladder import LeftOut, Rung
from lockdeck.backend.actions.cancel.process.proof import Claim
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.moments import iso
from lockdeck.backend.model.runs.chain import FailoverChain
from lockdeck.backend.model.wire import lock_json
from lockdeck.backend.openclaw.log.place import LogPlace
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.place import Place, RootPlaces
from lockdeck.backend.system.host import host_name
from lockdeck.backend.system.text import safe

CANCELLED, STILL_ROTATING, REFUSED, FAILED, NOTHING, NOT_KNOWN = (
    "cancelled",
    "still-rotating",
    "refused",
    "failed",
    "nothing-to-cancel",
    "not-known",
)


@dataclass(frozen=True, slots=True)
class GatewayRoute:
    """The way to the gateway of a root. `folder` is lockdeck's state folder. Never shown: it holds secrets."""

    places: RootPlaces
    config: Config = field(repr=False)
    env: Mapping[str, str] = field(repr=False)
    folder: str
    url: str | None = None
    fingerprint: str | None = None


class CancelPlan(Struct, frozen=True):
    """The ladder for one session, from one look at `looked_at` (epoch seconds).

    `refusal` is empty when there is something that may be done; `nothing` True when there is no run to end.
    `scopes` None: the gateway does not tell. `queue_depth` None: not known. `left_over`: no run has
    the session, which lets nobody in all the same. `holder_ticks` is the start time
    of the holder, in clock ticks since boot, `argv` its command line for people, `claim` what must be proven of it
    before it gets a signal. `not_known`: what is missing to say whether a run is there to end. `by_gateway`: a run
    holds no lock, or not for long, so that the gateway's word tells whether it is over. `held`: the other sessions that end with it. `port`: where its gateway is asked.
    """

    key: str
    root: str
    looked_at: float
    route: GatewayRoute
    rungs: tuple[Rung, ...] = ()
    refusal: tuple[str, ...] = ()
    nothing: bool = False
    not_known: tuple[str, ...] = ()
    by_gateway: bool = False
    place: Place | None = None
    view: LockView | None = None
    pid: int | None = None
    holder_ticks: int | None = None
    argv: str = ""
    claim: Claim | None = None
    port: int | None = None
    held: tuple[str, ...] = ()
    is_gateway: bool = False
    run_id: str | None = None
    chain: FailoverChain = FailoverChain()
    version: str | None = None
    reached_by: str | None = None
    scopes: tuple[str, ...] | None = None
    queue_depth: int | None = None
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    logs: tuple[LogPlace, ...] = ()
    left_over: bool = False

    @property
    def era(self) -> str:
        """The era of the root: in `files` a run holds a lock file, in `sqlite` only a row of its gateway tells of it."""
        return self.route.places.era

    @property
    def process_name(self) -> str:
        """The name by which a person says that the holder is to end: that of its program, else its pid."""
        return program_name(self.argv, self.pid)

    def to_json(self) -> dict[str, Any]:
        """Shape: key, root, lookedAt, allowed, refusal, version, reachedBy, scopes, queueDepth, holder, rungs and more."""
        return {
            "key": safe(self.key),
            "root": safe(self.root, 4096),
            "lookedAt": iso(self.looked_at),
            "allowed": not self.refusal and not self.nothing and not self.not_known,
            "nothingToCancel": self.nothing,
            "notKnown": list(self.not_known),
            "refusal": list(self.refusal),
            "version": self.version,
            "reachedBy": self.reached_by,
            "scopes": None if self.scopes is None else list(self.scopes),
            "queueDepth": self.queue_depth,
            "runId": self.run_id,
            "holder": self._holder_json(),
            "rungs": [rung.to_json() for rung in self.rungs],
            "leftOut": [{"name": rung.name, "why": rung.reason} for rung in self.left_out],
            "notes": list(self.notes),
            "lock": lock_json(self.view, host_name()) if self.view else None,
        }

    def _holder_json(self) -> dict[str, Any] | None:
        """Shape: pid, gateway, argv (null where not known), otherSessions."""
        if self.pid is None:
            return None
        sessions = [safe(session) for session in self.held]
        return {
            "pid": self.pid,
            "gateway": self.is_gateway,
            "argv": self.argv or None,
            "otherSessions": sessions,
        }


def program_name(argv: str, pid: int | None) -> str:
    """Return the name of the program of a command line, the pid where that is not known."""
    return os.path.basename(argv.partition(" ")[0]) or f"pid {pid}"


class Step(Struct, frozen=True):
    """One rung that was tried. Times in milliseconds; `free_after_ms` counts from the call.

    `answer` is what the call answered, which proves nothing. `worked`: lock, log and gateway agree that the
    run is over. `left_lock`: the process that was asked to end has ended, no port is left to ask, and only its own
    stale lock still stands.
    """

    rung: str
    worked: bool
    sentence: str
    answer: str = ""
    free_after_ms: int | None = None
    retaken_after_ms: int | None = None
    verified_ms: int = 0
    went_on: bool = False
    left_lock: bool = False

    def to_json(self) -> dict[str, Any]:
        """Shape: rung, worked, sentence, answer, freeAfterMs, retakenAfterMs, verifiedMs, wentOn."""
        return {
            "rung": self.rung,
            "worked": self.worked,
            "sentence": self.sentence,
            "answer": self.answer,
            "freeAfterMs": self.free_after_ms,
            "retakenAfterMs": self.retaken_after_ms,
            "verifiedMs": self.verified_ms,
            "wentOn": self.went_on,
        }


class CancelOutcome(Struct, frozen=True):
    """The end of a cancel. `free_after_ms`: from the key press to the free session; `rung`: the one that worked.

    `next_rung` names the rung that could be tried next, where one is left.
    """

    status: str
    key: str
    rung: str | None = None
    free_after_ms: int | None = None
    verified_ms: int = 0
    sentences: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    next_rung: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Shape: status, key, rung, freeAfterMs, verifiedMs, sentences, steps, nextRung."""
        return {
            "status": self.status,
            "key": safe(self.key),
            "rung": self.rung,
            "freeAfterMs": self.free_after_ms,
            "verifiedMs": self.verified_ms,
            "sentences": list(self.sentences),
            "steps": [step.to_json() for step in self.steps],
            "nextRung": self.next_rung,
        }
