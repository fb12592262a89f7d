"""The sessions of a root in the SQLite era, which hold no lock files: as their gateway tells them, or the log."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from lockdeck.backend.model.fleet import SessionView
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.runs.attempt_times import FOLLOW_UP_S
from lockdeck.backend.model.runs.budget import budget_of
from lockdeck.backend.model.runs.records import Blocked, Occupation
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.sessions.blocked import blocked_on
from lockdeck.backend.model.sessions.refusals import Refusals, refusals_since, with_refused
from lockdeck.backend.model.words import duration
from lockdeck.backend.openclaw.gateway.rows import SessionRow, Sign
from lockdeck.backend.system.suspension import suspension_of
from lockdeck.backend.watch.gateway_feed.rows import (
    NAMELESS,
    RootReport,
    holder_of,
    holder_sentence,
    is_active,
    occupation_of,
    rows_now,
    run_of,
)
from lockdeck.backend.watch.joins import ended_with_its_gateway, is_recent
from lockdeck.backend.watch.sessions.builder import (
    BLOCKED_LATELY_S,
    Observation,
    SessionBuilder,
    facts_of_any_era,
    idle_view,
    refused_since,
    rotation_in,
)

FRESH_S = 30.0
"""What a gateway told longer ago than this (seconds) is shown with its age."""


def gateway_sessions(report: RootReport, builder: SessionBuilder) -> Iterator[SessionView]:
    """Yield every session of a root without lock files."""
    root = report.root.path
    for row in rows_now(report):
        run = _run_now(row, report)
        idle = run is None and not row.active and row.status != "running" and not report.joins.names(row.key)
        if idle and not builder.remembers(root, row.key):
            since = row.ended_at or row.updated_at
            yield idle_view(root, row.agent, row.key, row.session_id, since)
            continue
        observation = observe(row, run, report)
        if row.key.startswith(NAMELESS) and observation.facts.occupation is None:
            builder.forget(root, row.key)
        else:
            yield builder.build(observation, report.joins, report.now)


def observe(row: SessionRow, run: Run | None, report: RootReport) -> Observation:
    """Put together what is told of one session and its run."""
    root, news, joins = report.root, report.news, report.joins
    chain = root.chain_for(row.agent)
    budget = budget_of(chain, next(iter(chain.candidates), None), traits_of(root.version))
    active = is_active(row, run, report, budget.seconds)
    if not active and run is not None and run.ended_at is None:
        run = None  # its end was not heard, and it does not run any more
    rotation = rotation_in(root, row.agent, run, None, joins, report.now)
    occupation = occupation_of(row, rotation, run, report) if active else None
    holder = None if occupation is None else holder_of(row, run, rotation, occupation.since, report)
    sign = _sign(row, report)
    refused = _refused(row, run, report, occupation)
    facts = replace(
        facts_of_any_era(root, row.agent, row.key, run, rotation, joins),
        occupation=occupation,
        blocked=_blocked(row, report, occupation, refused),
        refused=refused,
        gateway_tells=row.active is False and not news.from_log,
        store_status=None if active else row.status,
        store_at=row.ended_at or row.updated_at,
        transcript_at=sign.at if sign else None,
        # Nobody has heard what the run did before we listened.
        log_at=news.connected_at,
        tool_running=sign is not None and sign.tool,
        budget=budget,
        sees_locks=False,
        suspension=_suspension(report) if active else None,
        holder=holder_sentence(holder, report.now) if holder else None,
    )
    return Observation(
        root=root.path,
        agent=row.agent,
        key=row.key,
        session_id=row.session_id,
        facts=facts,
        goes_on=occupation is not None,
        holder=holder,
        remarks=tuple(_remarks(row, report)),
    )


def _run_now(row: SessionRow, report: RootReport) -> Run | None:
    """Return the run that tells what a session does now, None where it was silent for too long or went with its gateway."""
    run = run_of(row, report)
    if run is None or not is_recent(run, report.now):
        return None
    if ended_with_its_gateway(run, report.root.gateway_started_at) or _is_previous(run, row):
        return None
    return run


def _is_previous(run: Run, row: SessionRow) -> bool:
    """Return whether a run went silent long before the attempt that the gateway says goes on: that is another run's.

    Each attempt of a rotation begins soon after the last word on the one before.
    """
    if not row.active or row.started_at is None or run.run_id in row.run_ids:
        return False
    begun = run.opened.at if run.opened is not None else run.last_activity
    return max(begun, run.last_activity) < row.started_at - FOLLOW_UP_S


def _sign(row: SessionRow, report: RootReport) -> Sign | None:
    return (report.news.progress or {}).get(row.key)


def _suspension(report: RootReport) -> str | None:
    """Say that the gateway, which has all sessions, is stopped; None where it is not."""
    gateway = report.root.gateway
    return suspension_of(gateway.pid) if gateway is not None and gateway.alive else None


def _refused(
    row: SessionRow, run: Run | None, report: RootReport, occupation: Occupation | None
) -> Refusals | None:
    """Return the callers refused since the session is occupied, or since anything ran in it."""
    if occupation is not None:
        return refusals_since(report.joins.refusals.get(row.key, ()), occupation.since)
    sign = _sign(row, report)
    done_at = row.ended_at if row.status == "done" else None
    signs = (row.started_at, done_at, sign.at if sign else None)
    return refused_since(report.joins, row.key, run, signs, report.now)


def _blocked(
    row: SessionRow, report: RootReport, occupation: Occupation | None, refused: Refusals | None
) -> Blocked:
    since = occupation.since if occupation else report.now - BLOCKED_LATELY_S
    blocked = blocked_on((), report.joins.waits.get(row.key, ()), since)
    queued = (report.news.queued or {}).get(row.key, 0)
    return with_refused(blocked, refused, queued)


def _remarks(row: SessionRow, report: RootReport) -> Iterator[str]:
    """Say how much of this is known, and from what."""
    news, gateway = report.news, report.root.gateway
    if row.key.startswith(NAMELESS):
        yield "the log names no session for this run: it is one of those that run here now"
    elif news.from_log:
        yield "known from log and process table alone: the gateway tells nothing"
    if gateway is not None and gateway.alive is False and (row.active or row.status == "running"):
        yield f"its gateway (pid {gateway.pid}) is gone, and its run with it"
    elif not news.connected and news.told_at is not None and report.now - news.told_at > FRESH_S:
        yield f"last confirmed by the gateway {duration(report.now - news.told_at)} ago"
