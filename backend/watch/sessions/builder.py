"""The one builder of session views: what an era's sources tell of a session, judged and put in a picture."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.fleet import LockView, RunHolder, SessionView, Severity, State
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.runs.records import Occupation, Rotation
from lockdeck.backend.model.runs.rotation import rotation_of
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.sessions.cancelled import with_cancel
from lockdeck.backend.model.sessions.facts import SessionFacts
from lockdeck.backend.model.sessions.ownership import lost_on
from lockdeck.backend.model.sessions.refusals import Refusals, refusals_since
from lockdeck.backend.model.sessions.state import Assessment, assess
from lockdeck.backend.model.sessions.unheld import CONFIRMED_S
from lockdeck.backend.system.text import safe
from lockdeck.backend.watch.joins import Joins
from lockdeck.backend.watch.root import WatchedRoot

BLOCKED_LATELY_S = 300.0
"""Where nothing occupies a session, callers that its last occupation blocked this lately (seconds) still count."""


class Observation(Struct, frozen=True):
    """One session as the sources of its era tell it, before it is judged.

    `goes_on`: whether its run does, None where only the state can tell. `lock_path` is where its lock stands or
    would stand, None in an era without. `remarks` are sentences about the sources.
    """

    root: str
    agent: str
    key: str
    session_id: str | None
    facts: SessionFacts
    goes_on: bool | None = None
    lock: LockView | None = None
    lock_path: str | None = None
    holder: RunHolder | None = None
    remarks: tuple[str, ...] = ()


class SessionBuilder:
    """Builds session views, and remembers since when a session is what it is. Owned by the collector's thread."""

    def __init__(self) -> None:
        self._previous: dict[tuple[str, str], tuple[State, float | None]] = {}

    def build(self, observation: Observation, joins: Joins, now: float) -> SessionView:
        """Judge one session. Times in epoch seconds."""
        identity = (observation.root, observation.key)
        facts = with_cancel(observation.facts, joins.cancels.get(identity))
        facts = replace(facts, previous=self._previous.get(identity))
        assessment = assess(facts, now)
        since = None if assessment.since is None else float(assessment.since)
        self._remember(identity, assessment.state, assessment.severity, since)
        rotation = _rotation_now(facts.rotation, assessment.state, observation.goes_on)
        last = rotation.attempts[-1] if rotation and rotation.attempts else None
        return SessionView(
            root=observation.root,
            agent=safe(observation.agent),
            key=observation.key,
            session_id=observation.session_id,
            state=assessment.state,
            severity=assessment.severity,
            since=since,
            reasons=tuple(safe(reason, 1000) for reason in _reasons(assessment, observation)),
            attempt=last if last is not None and last.ended_at is None else None,
            rotation=rotation,
            occupation=facts.occupation,
            blocked=facts.blocked,
            lock=observation.lock,
            transcript=transcript_of(observation.lock_path),
            transcript_at=facts.transcript_at if observation.lock_path is not None else None,
            log=joins.logs.of(observation.key, observation.lock_path),
            holder=observation.holder,
            cancelled=facts.cancel,
        )

    def remembers(self, root: str, key: str) -> bool:
        """Return whether a session was anything but idle when it was built last."""
        return (root, key) in self._previous

    def forget(self, root: str, key: str) -> None:
        """Forget a session that is no longer shown."""
        self._previous.pop((root, key), None)

    def _remember(
        self, identity: tuple[str, str], state: State, severity: Severity, since: float | None
    ) -> None:
        if state is State.IDLE and severity is Severity.OK:
            self._previous.pop(identity, None)
        else:
            self._previous[identity] = (state, since)


def refused_since(
    joins: Joins, key: str, run: Run | None, signs: Iterable[float | None], now: float
) -> Refusals | None:
    """Return the callers refused since anything was seen to run in a session; `signs` in epoch seconds."""
    run_at = run.last_activity if run is not None and not lost_on(run, None) else None
    last_sign = max((at for at in (*signs, run_at) if at is not None), default=0.0)
    return refusals_since(joins.refusals.get(key, ()), max(last_sign, now - CONFIRMED_S))


def idle_view(
    root: str,
    agent: str,
    key: str,
    session_id: str | None,
    since: float | None,
    store_status: str | None = None,
    lock_path: str | None = None,
) -> SessionView:
    """Return the view of a session of which nothing but a row of its store is known."""
    assessment = _assessed_by_store(store_status)
    return SessionView(
        root=root,
        agent=safe(agent),
        key=key,
        session_id=session_id,
        state=assessment.state,
        severity=assessment.severity,
        since=since,
        reasons=assessment.reasons if assessment.state is not State.IDLE else (),
        transcript=transcript_of(lock_path),
    )


def transcript_of(lock_path: str | None) -> str | None:
    """Return the transcript that a lock guards."""
    return None if lock_path is None else lock_path.removesuffix(".lock")


def rotation_in(
    root: WatchedRoot, agent: str, run: Run | None, holds: Occupation | None, joins: Joins, now: float
) -> Rotation | None:
    """Return the rotation of a run that has a session; `holds` are the run's own, where the era has any."""
    if run is None:
        return None
    chain = root.chain_for(agent)
    return rotation_of(run, chain, holds, now, joins.profile_names(chain), root.version)


def facts_of_any_era(
    root: WatchedRoot, agent: str, key: str, run: Run | None, rotation: Rotation | None, joins: Joins
) -> SessionFacts:
    """Return the facts that are known alike in both eras."""
    chain, traits = root.chain_for(agent), traits_of(root.version)
    return SessionFacts(
        run=run,
        rotation=rotation,
        run_budget_s=traits.run_timeout_s if chain.run_timeout_s is None else chain.run_timeout_s,
        compaction_s=chain.compaction_timeout_s or traits.compaction_timeout_s,
        lock_wait_s=traits.lock_wait_s,
        drain_s=traits.drain_s,
        wedge=joins.wedges.get(key),
        diagnoses=joins.diagnoses.get(key, ()),
        gateway_alive=root.gateway.alive if root.gateway else None,
        gateway_started_at=root.gateway_started_at,
    )


@lru_cache(maxsize=64)
def _assessed_by_store(status: str | None) -> Assessment:
    return assess(SessionFacts(store_status=status), 0.0)


def _reasons(assessment: Assessment, observation: Observation) -> tuple[str, ...]:
    """Return the reasons of the state, who holds the session where they don't say so, and the remarks."""
    holder = observation.facts.holder
    extra = () if holder is None or holder in assessment.reasons else (holder,)
    return (*assessment.reasons, *extra, *observation.remarks)


def _rotation_now(rotation: Rotation | None, state: State, goes_on: bool | None) -> Rotation | None:
    """Keep a rotation that belongs to what the session does; a finished one only explains a failure.

    Where only the state tells, one whose last attempt is over is no part of a run that goes on: a run that an
    answer ended logs no end (2026.4.5).
    """
    if rotation is None:
        return None
    if rotation.finished:
        return rotation if state is State.FAILED else None
    if goes_on is None:
        over = bool(rotation.attempts) and rotation.attempts[-1].ended_at is not None
        goes_on = state is not State.IDLE and not (state is State.RUNNING and over)
    return rotation if goes_on else None
