"""The sessions of a root in the SQLite era, which hold no lock files: as their gateway tells them, or the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from msgspec.structs import replace

from lockdeck.backend.model.fleet import SessionView, Severity, State
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.runs.attempt_times import FOLLOW_UP_S
from lockdeck.backend.model.runs.budget import budget_of
from lockdeck.backend.model.runs.life import RunOutcome
from lockdeck.backend.model.runs.records import Blocked, Occupation
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.sessions.blocked import blocked_on
from lockdeck.backend.model.sessions.refusals import Refusals, refusals_since, with_refused
from lockdeck.backend.model.standing import Standing
from lockdeck.backend.model.words import duration
from lockdeck.backend.openclaw.gateway.rows import SessionRow, Sign
from lockdeck.backend.watch.gateway_feed.rows import (
    NAMELESS,
    RootReport,
    holder_of,
    holder_sentence,
    is_active,
    occupation_of,
    rows_now,
    run_of,
    settles,
    under_way,
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
from lockdeck.backend.watch.sessions.nextmoments import TRUSTED_S, NextMoments
from lockdeck.backend.watch.sessions.picture import Put, SessionPicture

MAY_BE_IT = "a run in trouble, for which the log names no session, may be the one that goes on here"
HAS_ONE = "the log names no session for as many runs in trouble as sessions go on of which it tells nothing: each has one"
_IN_TROUBLE = frozenset({State.ROTATING, State.STUCK})
_ROWS = "\0rows"
"""Stands for which sessions there are, among their keys."""
FRESH_S = 30.0
"""What a gateway told longer ago than this (seconds) is shown with its age."""


class GatewayPicture(SessionPicture):
    """The sessions of a root without lock files: `rows` as its gateway and the log told them last, by key."""

    def __init__(self, put_on: Put) -> None:
        super().__init__(put_on)
        self._rows: dict[str, SessionRow] = {}
        self._built: dict[str, SessionView] = {}

    def update(
        self,
        report: RootReport,
        builder: SessionBuilder,
        moments: NextMoments,
        due: Set[str],
        *,
        whole: bool,
        full: bool,
    ) -> None:
        """Build those sessions anew that may be other than in the picture.

        `due` are the keys of which something new is told, or whose moment has come; with `whole` all are that are more than
        an idle row. Which sessions there are is asked with `full`, too: that folders of agents come no one tells.
        """
        rows = self._rows
        if whole or full or _ROWS in due:
            self._rows = self._rows_now(report, moments)
        gone = rows.keys() - self._rows.keys()
        keys = (due | self.live if whole else due) & self._rows.keys()
        keys |= {key for key, row in self._rows.items() if (last := rows.get(key)) is not row and last != row}
        for key in sorted(keys):
            self._build(self._rows[key], report, builder, moments)
        for key in gone:
            self._built.pop(key, None)
            self.until.pop(key, None)
            self.put(key, None)
        for view in _with_nameless(list(self._built.values())) if keys or gone else ():
            self.put(view.key, view, live=True)

    def _rows_now(self, report: RootReport, moments: NextMoments) -> dict[str, SessionRow]:
        standing = Standing(report.now)
        rows = {row.key: row for row in rows_now(report.at(standing.now))}
        moments.wait(self, _ROWS, standing.until)
        return rows

    def _build(
        self, row: SessionRow, report: RootReport, builder: SessionBuilder, moments: NextMoments
    ) -> None:
        """Build one session, and note when it is to be built again: an idle row alone does not age."""
        key = row.key
        # Who looks once has no use for that, and it takes longer.
        standing = Standing(report.now, asked=key in self.until)
        view, live = _view_of(row, report.at(standing.now), builder)
        if live:
            moments.wait(self, key, min(standing.until, report.now + TRUSTED_S))
        else:
            self.until.pop(key, None)
        self._built.pop(key, None)
        if live and view is not None:
            self._built[key] = view
        else:
            self.put(key, view, live=live)


def _with_nameless(views: Sequence[SessionView]) -> Iterator[SessionView]:
    """Yield the sessions of which more is known than a row, with the trouble of runs for which no line names a session."""
    nameless = [view for view in views if view.key.startswith(NAMELESS) and view.state in _IN_TROUBLE]
    if not nameless:
        yield from views
        return
    least = min(nameless, key=lambda view: (view.severity, view.key))
    one_each = len(nameless) == sum(map(_may_be_in_trouble, views))
    for view in views:
        yield _in_trouble(view, least if one_each else None) if _may_be_in_trouble(view) else view


def _may_be_in_trouble(view: SessionView) -> bool:
    """Return whether a session goes on and no line tells of its run: it may be the one that names no session (2026.9.6)."""
    timeouts = 0 if view.rotation is None else view.rotation.timeouts
    return view.state is State.RUNNING and not timeouts and not view.key.startswith(NAMELESS)


def _in_trouble(view: SessionView, run: SessionView | None) -> SessionView:
    """Return a session as one that has a run in at least the trouble of `run`; None: as one that may have such a run."""
    state, severity, why = State.UNKNOWN, Severity.NOTICE, MAY_BE_IT
    if run is not None:
        state, severity, why = run.state, run.severity, HAS_ONE
    return replace(view, state=state, severity=max(view.severity, severity), reasons=(why, *view.reasons))


def _view_of(row: SessionRow, report: RootReport, builder: SessionBuilder) -> tuple[SessionView | None, bool]:
    """Return the view of a session, None where there is nothing to show, and whether it is more than an idle row."""
    root, run = report.root.path, _run_now(row, report)
    if not _is_only_a_row(row, run, report, builder):
        observation = observe(row, run, report)
        if row.key.startswith(NAMELESS) and observation.facts.occupation is None:
            builder.forget(root, row.key)
            return None, True
        view = builder.build(observation, report.joins, report.now)
        # What it was before is forgotten with the first view that is idle and well.
        if not _is_only_a_row(row, run, report, builder):
            return view, True
    return idle_view(root, row.agent, row.key, row.session_id, row.ended_at or row.updated_at), False


def _is_only_a_row(row: SessionRow, run: Run | None, report: RootReport, builder: SessionBuilder) -> bool:
    """Return whether nothing is known of a session but its idle row, and nothing else was in the last look."""
    idle = run is None and not row.active and row.status != "running" and not report.joins.names(row.key)
    identity = (report.root.path, row.key)
    return idle and not builder.remembers(*identity) and identity not in report.joins.cancels


def observe(row: SessionRow, run: Run | None, report: RootReport) -> Observation:
    """Put together what is told of one session and its run."""
    root, news, joins = report.root, report.news, report.joins
    chain = root.chain_for(row.agent)
    budget = budget_of(chain, next(iter(chain.candidates), None), traits_of(root.version))
    active = is_active(row, run, report, budget.seconds)
    run = _as_told(run, row, report, active=active)
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
        answered_at=sign.at if sign else None,
        log_at=news.connected_at,  # nobody has heard what the run did before we listened
        tool_running=sign is not None and sign.tool,
        budget=budget,
        sees_locks=False,
        suspension=report.suspension if active else None,
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
        remarks=tuple(_remarks(row, run, report)),
    )


def _as_told(run: Run | None, row: SessionRow, report: RootReport, *, active: bool) -> Run | None:
    """Return a run as it stands where a session is `active`, None where that is about another one."""
    if run is not None and run.ended_at is None and row.active and _is_gone(report):
        failure = "the run was cut off: its gateway is gone"
        return replace(
            run, ended_at=run.last_activity, outcome=RunOutcome.FAILED, failure=failure, opened=None
        )
    if run is not None and active is (run.ended_at is not None):
        # Its end was not heard, and it does not run any more; or it has ended, and another one runs.
        return None
    return under_way(run, row) if active else run


def _is_gone(report: RootReport) -> bool:
    gateway = report.root.gateway
    return gateway is not None and gateway.alive is False


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


def _remarks(row: SessionRow, run: Run | None, report: RootReport) -> Iterator[str]:
    """Say how much of this is known, and from what."""
    news, gateway = report.news, report.root.gateway
    if row.key.startswith(NAMELESS):
        yield "the log names no session for this run: it is one of those that run here now"
    elif news.from_log:
        yield "known from log and process table alone: the gateway tells nothing"
    if row.active and settles(row, run, report.now):
        yield "the gateway has not let go of the session yet"
    if gateway is not None and _is_gone(report) and (row.active or row.status == "running"):
        yield f"its gateway (pid {gateway.pid}) is gone, and its run with it"
    elif not news.connected and news.told_at is not None and report.now - news.told_at > FRESH_S:
        yield f"last confirmed by the gateway {duration(report.now - news.told_at)} ago"
