"""The records of a release: its plan, why it may not be, how it ended. Plain data for people and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from lockdeck.backend.actions.release.newcomers import Newcomer, Newcomers, longest_wait
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.moments import iso
from lockdeck.backend.model.wire import lock_json
from lockdeck.backend.openclaw.roots.place import Place
from lockdeck.backend.system.host import host_name


class Status(StrEnum):
    """The ways in which a release ends."""

    RELEASED = "released"
    REFUSED = "refused"
    FAILED = "failed"
    DRY_RUN = "dry-run"


class Override(Struct, frozen=True):
    """A person's word against a verdict: which verdict, and the full path as they typed it."""

    verdict: str
    typed_path: str


class Refusal(Struct, frozen=True):
    """A refusal to do anything: every reason as a sentence, at least one."""

    reasons: tuple[str, ...]


class ReleasePlan(Struct, frozen=True):
    """The release of one hold as it was planned, from one look at `looked_at` (epoch seconds).

    The dwell counts from `dwell_from`, that look by the steady clock; None: from the second look's own begin.
    `newcomers` are the young processes that the release would wait for; a plan that is not `patient` is refused then.
    `refusal` is None when it may be released.  `effects` say what would be done, `safe_because` why that is
    safe, `then` what happens next.
    """

    path: str
    release_id: str | None
    looked_at: float
    place: Place | None = None
    view: LockView | None = None
    refusal: Refusal | None = None
    effects: tuple[str, ...] = ()
    safe_because: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    override: Override | None = None
    dwell_from: float | None = None
    newcomers: Newcomers = ()
    patient: bool = True

    @property
    def wait_s(self) -> float:
        """Seconds that the release would wait at most before it looks again."""
        return longest_wait(self.newcomers)

    def to_json(self) -> dict[str, Any]:
        """Shape: path, releaseId, lookedAt, allowed, refusal, waitMs, waitFor, effects, why, then, override, lock."""
        return {
            "path": self.path,
            "releaseId": self.release_id,
            "lookedAt": iso(self.looked_at),
            "allowed": self.refusal is None,
            "refusal": list(self.refusal.reasons) if self.refusal else [],
            "waitMs": round(self.wait_s * 1000),
            "waitFor": [_newcomer_json(one) for one in self.newcomers],
            "effects": list(self.effects),
            "why": list(self.safe_because),
            "then": list(self.then),
            "override": self.override.verdict if self.override else None,
            "lock": lock_json(self.view, host_name()) if self.view else None,
        }


def _newcomer_json(one: Newcomer) -> dict[str, Any]:
    """Shape: pid, name, ageMs (null where it can't be told)."""
    return {
        "pid": one.pid,
        "name": str(one.name),
        "ageMs": None if one.age_s is None else round(one.age_s * 1000),
    }


class Aftermath(Struct, frozen=True):
    """The time after a release: `watched_s` seconds, who took the name next, and the transcript.

    `acquired_at` is epoch seconds.  `transcript` is untouched, grew, changed, replaced, appeared, vanished or
    absent, as it was when the next holder came, or else at the end of the watch.
    """

    watched_s: float
    transcript: str
    acquired_at: float | None = None
    acquired_by: int | None = None
    acquired_name: str = ""

    def to_json(self) -> dict[str, Any]:
        """Shape: watchedMs, transcript, acquiredAt, acquiredBy {pid, name} or null."""
        holder = (
            {"pid": self.acquired_by, "name": self.acquired_name} if self.acquired_at is not None else None
        )
        return {
            "watchedMs": round(self.watched_s * 1000),
            "transcript": self.transcript,
            "acquiredAt": iso(self.acquired_at),
            "acquiredBy": holder,
        }


class ReleaseOutcome(Struct, frozen=True):
    """The end of a release: `sentences` for a person, `evidence` as it was journaled."""

    status: Status
    path: str
    release_id: str | None
    sentences: tuple[str, ...]
    evidence: Mapping[str, Any] = field(default_factory=dict)
    aftermath: Aftermath | None = None
    quarantined: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Shape: status, path, releaseId, sentences, evidence, after, quarantined."""
        return {
            "status": self.status.value,
            "path": self.path,
            "releaseId": self.release_id,
            "sentences": list(self.sentences),
            "evidence": dict(self.evidence),
            "after": self.aftermath.to_json() if self.aftermath else None,
            "quarantined": self.quarantined,
        }
