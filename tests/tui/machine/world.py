"""A fleet of which every lock is known by its hold, and what stands in for acting on it: the same contract, no disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from lockdeck.backend.actions.cancel.ladder import rung
from lockdeck.backend.actions.cancel.records import (
    CANCELLED,
    NOTHING,
    STILL_ROTATING,
    CancelOutcome,
    CancelPlan,
    GatewayRoute,
)
from lockdeck.backend.actions.release.records import Refusal, ReleaseOutcome, ReleasePlan, Status
from lockdeck.backend.model.fleet import FleetSnapshot, LockView, RootView, SessionView, Severity, State
from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom
from lockdeck.backend.model.locks import (
    Evidence,
    Judgement,
    LockIdentity,
    LockKind,
    LockPayload,
    LockRecord,
    Presence,
    Verdict,
)
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.place import RootPlaces
from tests.tui.samples import NOW, ROOT

PLACES = RootPlaces(ROOT, "files", own_namespace=False)
NAMES = ("ada", "bea", "cyn", "dot", "eve", *(f"n{number:02}" for number in range(30)))
"""More than the largest terminal of these tests has room for under a preview; in order of their urgency at first."""
LONELY = ("ora", "pip")
"""Locks that belong to no session."""
IDLE = frozenset({"n07", "n08", "n19", "n28"})
"""Sessions that need no eye."""
Hold = tuple[str, str]
"""Path and release id."""
End = tuple[str, frozenset[str]]
"""Session key and the rungs by which its run may be ended."""
GENTLE, RESET = rung("stop"), rung("reset")


def path_of(name: str) -> str:
    """Return where a lock of that name stands."""
    return f"{ROOT}/agents/main/sessions/{name}.jsonl.lock"


def name_of(path_or_key: str) -> str:
    """Return the name in a lock path or a session key."""
    return path_or_key.rpartition("/")[2].removesuffix(".jsonl.lock").rpartition(":")[2]


@dataclass
class World:
    """The locks there are: by name, how often each was replaced; what was released and what cancelled."""

    holds: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*NAMES, *LONELY), 0))
    urgent: tuple[str, ...] = NAMES
    idle: frozenset[str] = IDLE
    reached: list[Hold] = field(default_factory=list)
    cancelled: list[End] = field(default_factory=list)
    replacements: int = 0

    def hold(self, name: str) -> Hold:
        """Return the hold there is now."""
        release_id = self.lock(name).release_id
        assert release_id is not None
        return (path_of(name), release_id)

    def lock(self, name: str) -> LockView:
        """Return the dead lock there is now."""
        raw = f"{name} {self.holds[name]}".encode()
        identity = LockIdentity.of(1, 2, 3, hashlib.sha256(raw).digest())
        record = LockRecord(
            path_of(name),
            *(ROOT, "main", LockKind.SESSION, Presence.FILE),
            identity,
            LockPayload(4194305, NOW - 60),
        )
        return LockView(record, Evidence(record, NOW), Judgement(Verdict.DEAD, ("gone",), True))

    def snapshot(self) -> FleetSnapshot:
        """Return the fleet as it is now; the most urgent of it have a cause in common."""
        names = [name for name in self.urgent if name in self.holds]
        sessions = tuple(map(self._session, names))
        lonely = tuple(self.lock(name) for name in LONELY if name in self.holds)
        locks = tuple(view.lock for view in sessions if view.lock is not None)
        members = tuple(view.identity for view in sessions[:3])
        cause = Incident(
            IncidentKind.PROVIDER, ("copilot",), Symptom.SILENT, NOW - 187, agents=("main",), members=members
        )
        return FleetSnapshot(
            NOW, "deck", (RootView(ROOT, "files"),), sessions, (*locks, *lonely), incidents=(cause,)
        )

    def _session(self, name: str) -> SessionView:
        since = NOW - 100 + self.urgent.index(name)
        if name in self.idle:
            return SessionView(ROOT, "main", f"agent:main:{name}", name, since=since)
        return SessionView(
            ROOT,
            "main",
            f"agent:main:{name}",
            name,
            State.STUCK,
            Severity.CRITICAL,
            since,
            lock=self.lock(name),
        )

    def go_on(self, what: str, order: Sequence[str], name: str) -> None:
        """Have something happen: rows change their order, a lock vanishes, is replaced or comes, a session calms down."""
        if what == "sort":
            self.urgent = tuple(order)
        elif what == "vanish":
            self.holds.pop(name, None)
        elif what == "calm":
            self.idle ^= {name}
        elif what == "come" or name in self.holds:
            self.replacements += 1
            self.holds[name] = self.replacements

    def stand_in(self, patch: pytest.MonkeyPatch) -> None:
        """Have all that a dashboard does done here."""
        for place, stand_in in {
            "lockdeck.tui.acting.local.plan_release": self.plan,
            "lockdeck.tui.acting.local.release": self.release,
            "lockdeck.tui.acting.local.transcript_state": lambda _path: None,
            "lockdeck.backend.actions.cancel.plan.plan_cancel": self.plan_cancel,
            "lockdeck.backend.actions.cancel.cancel.cancel_many": self.cancel_many,
        }.items():
            patch.setattr(place, stand_in)

    # -- what stands in for lockdeck.backend.actions.release.release ----------------------------------

    def plan(self, path: str, release_id: str | None, **_more: object) -> ReleasePlan:
        """Plan the release of a hold; refused where there is another."""
        now = self.current(path)
        place = PLACES.lock(path, "main", LockKind.SESSION)
        right = now is not None and release_id in (now, None)
        refusal = None if right else Refusal(("this is another hold than the one named",))
        view = self.lock(name_of(path)) if now is not None else None
        return ReleasePlan(path, now, NOW, place, view, refusal)

    def release(self, plan: ReleasePlan, **_more: object) -> ReleaseOutcome:
        """Release a hold, unless it changed."""
        if self.current(plan.path) != plan.release_id or plan.release_id is None:
            return ReleaseOutcome(Status.REFUSED, plan.path, plan.release_id, ("it changed",))
        self.reached.append((plan.path, plan.release_id))
        return ReleaseOutcome(Status.RELEASED, plan.path, plan.release_id, ("released",))

    def current(self, path: str) -> str | None:
        """Return the release id of the hold that there is now."""
        name = name_of(path)
        return self.hold(name)[1] if name in self.holds else None

    # -- what stands in for lockdeck.backend.actions.cancel: a stop is never enough, a reset leaves the lock behind

    def plan_cancel(self, session: SessionView, _root: object, **_more: object) -> CancelPlan:
        """Plan to end a run, by a stop or by a reset."""
        route = GatewayRoute(PLACES, Config("/nowhere/openclaw.json"), {}, "/nowhere")
        place = PLACES.lock(path_of(name_of(session.key)), "main", LockKind.SESSION)
        return CancelPlan(session.key, ROOT, NOW, route, (GENTLE, RESET), place=place)

    def cancel_many(
        self,
        plans: Sequence[CancelPlan],
        *,
        allow: frozenset[str],
        progress: Callable[[CancelPlan, CancelOutcome | None], None],
        **_more: object,
    ) -> None:
        """End runs."""
        for plan in plans:
            progress(plan, None)
            if name_of(plan.key) not in self.holds:
                progress(plan, CancelOutcome(NOTHING, plan.key, sentences=("nobody runs",)))
                continue
            self.cancelled.append((plan.key, allow))
            stopped = "reset" in allow
            word, following = (CANCELLED, None) if stopped else (STILL_ROTATING, "reset")
            progress(plan, CancelOutcome(word, plan.key, sentences=("told",), next_rung=following))
