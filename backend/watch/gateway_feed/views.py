"""Session views of a root without lock files: the same states, rotations and forecasts as with them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.model.fleet import RunHolder, SessionView, State
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.runs.budget import budget_of
from lockdeck.backend.model.runs.chain import FailoverChain
from lockdeck.backend.model.runs.events import LaneWait, StuckSession
from lockdeck.backend.model.runs.records import Blocked, Occupation, Rotation
from lockdeck.backend.model.runs.rotation import rotation_of
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.sessions.blocked import blocked_on
from lockdeck.backend.model.sessions.facts import SessionFacts
from lockdeck.backend.model.sessions.refusals import with_refused
from lockdeck.backend.model.sessions.state import assess
from lockdeck.backend.model.words import duration
from lockdeck.backend.openclaw.gateway.rows import SessionRow
from lockdeck.backend.system.text import safe
from lockdeck.backend.watch.gateway_feed.rows import (
    NAMELESS,
    Fed,
    holder_of,
    holder_sentence,
    is_active,
    occupation_of,
)
from lockdeck.backend.watch.root import RootWatch

BLOCKED_LATELY_S = 300.0
FRESH_S = 30.0
"""What a gateway told longer ago than this (seconds) is shown with its age."""


class Told(Struct, frozen=True):
    """What the log tells of the sessions of all roots, by session key; `names` maps profile hashes to ids."""

    names: Mapping[str, str] = field(default_factory=dict)
    waits: Mapping[str, tuple[LaneWait, ...]] = field(default_factory=dict)
    refusals: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    diagnoses: Mapping[str, tuple[StuckSession, ...]] = field(default_factory=dict)


def row_view(
    root: RootWatch,
    row: SessionRow,
    run: Run | None,
    fed: Fed,
    told: Told,
    previous: tuple[State, float | None] | None,
    now: float,
) -> SessionView:
    """Judge one session; `previous` is the last state and since when. Times in epoch seconds."""
    seen = _see(root, row, run, fed, told, now)
    facts = replace(seen.facts, previous=previous)
    state = assess(facts, now)
    shown = _shown(seen.rotation, state.state, seen.occupation is not None)
    last = shown.attempts[-1] if shown and shown.attempts else None
    marks = _marks(root, row, fed, facts, state.state, now)
    return SessionView(
        root=root.path,
        agent=safe(row.agent),
        key=row.key,
        session_id=row.session_id,
        state=state.state,
        severity=state.severity,
        since=state.since,
        reasons=tuple(safe(reason, 1000) for reason in (*state.reasons, *marks)),
        attempt=last if last is not None and last.ended_at is None else None,
        rotation=shown,
        occupation=seen.occupation,
        blocked=facts.blocked,
        holder=seen.holder,
    )


class _Seen(Struct, frozen=True):
    """What is known of one session, before it is judged."""

    facts: SessionFacts
    rotation: Rotation | None
    occupation: Occupation | None
    holder: RunHolder | None


def _see(root: RootWatch, row: SessionRow, run: Run | None, fed: Fed, told: Told, now: float) -> _Seen:
    chain, version = root.chain_for(row.agent), root.version
    traits = traits_of(version)
    budget = budget_of(chain, chain.candidates[0] if chain.candidates else None, traits)
    active = is_active(row, run, root, fed, budget.seconds, now)
    if not active and run is not None and run.ended_at is None:
        run = None  # its end was not heard, and it does not run any more
    rotation = None if run is None else rotation_of(run, chain, None, now, told.names, version)
    occupation = occupation_of(row, rotation, run, root, fed, now) if active else None
    holder = None
    if occupation is not None:
        late = sum(at >= occupation.since for at in told.refusals.get(row.key, ()))
        holder = holder_of(row, run, rotation, occupation.since, root, fed, late)
    sign = (fed.news.progress or {}).get(row.key)
    facts = SessionFacts(
        occupation=occupation,
        run=run,
        rotation=rotation,
        blocked=_blocked(row, fed, told, occupation, now),
        store_status=None if active else row.status,
        transcript_at=sign.at if sign else None,
        # Nobody has heard what the run did before we listened.
        log_at=fed.news.connected_at,
        tool_running=sign is not None and sign.tool,
        budget=budget,
        run_budget_s=_run_budget(chain, traits.run_timeout_s),
        diagnoses=told.diagnoses.get(row.key, ()),
        gateway_alive=root.gateway.alive if root.gateway else None,
        gateway_started_at=root.gateway_started_at,
        sees_locks=False,
        holder=holder_sentence(holder, now) if holder else None,
    )
    return _Seen(facts, rotation, occupation, holder)


def calm_view(root: RootWatch, row: SessionRow) -> SessionView:
    """A session of which nothing but an idle row is known."""
    return SessionView(
        root.path, safe(row.agent), row.key, row.session_id, since=row.ended_at or row.updated_at
    )


def _blocked(row: SessionRow, fed: Fed, told: Told, occupation: Occupation | None, now: float) -> Blocked:
    since = occupation.since if occupation else now - BLOCKED_LATELY_S
    blocked = blocked_on((), told.waits.get(row.key, ()), since)
    queued = (fed.news.queued or {}).get(row.key, 0)
    return with_refused(blocked, told.refusals.get(row.key, ()), since, queued)


def _run_budget(chain: FailoverChain, default: float) -> float:
    return default if chain.run_timeout_s is None else chain.run_timeout_s


def _shown(rotation: Rotation | None, state: State, active: bool) -> Rotation | None:
    """Keep a rotation that belongs to what the session does; a finished one only explains a failure."""
    if rotation is None:
        return None
    if rotation.finished:
        return rotation if state is State.FAILED else None
    return rotation if active else None


def _marks(
    root: RootWatch, row: SessionRow, fed: Fed, facts: SessionFacts, state: State, now: float
) -> tuple[str, ...]:
    """Say how much of this is known, and from what."""
    marks: list[str] = []
    if facts.holder is not None and facts.holder not in _running_reasons(state, facts):
        marks.append(facts.holder)
    if row.key.startswith(NAMELESS):
        marks.append("the log names no session for this run: it is one of those that run here now")
    elif fed.from_log:
        marks.append("known from log and process table alone: the gateway tells nothing")
    told_at = fed.news.told_at
    if root.gateway is not None and root.gateway.alive is False and (row.active or row.status == "running"):
        marks.append(f"its gateway (pid {root.gateway.pid}) is gone, and its run with it")
    elif not fed.news.connected and told_at is not None and now - told_at > FRESH_S:
        marks.append(f"last confirmed by the gateway {duration(now - told_at)} ago")
    return tuple(marks)


def _running_reasons(state: State, facts: SessionFacts) -> tuple[str, ...]:
    return (facts.holder,) if state is State.RUNNING and facts.holder is not None else ()
