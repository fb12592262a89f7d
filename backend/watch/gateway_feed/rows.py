"""The sessions of a root without lock files: told by its gateway, or as far as the log alone can say."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.fleet import RunHolder
from lockdeck.backend.model.runs.events import AttemptStarted, SameModelRetry
from lockdeck.backend.model.runs.records import Hold, Occupation, Rotation
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.runs.trace_joins import is_of_trace
from lockdeck.backend.model.sessions.ownership import lost_on
from lockdeck.backend.model.sessions.refusals import refusals_since
from lockdeck.backend.model.sessions.stuck import MARGIN_S
from lockdeck.backend.model.words import duration, times
from lockdeck.backend.openclaw.gateway.rows import SessionRow
from lockdeck.backend.watch.directory import agent_of_key
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.joins import Joins
from lockdeck.backend.watch.root import WatchedRoot

SILENT_LOG_S = 120.0
"""How long (seconds) a run counts as going on of which only the log tells, where no timeout is known."""
ON_ITS_WAY_S = 5.0
"""The log is sometimes read before the event arrives that names the same run (seconds)."""
SETTLES_S = 60.0
"""A gateway that counts a run for longer than this (seconds) after its end has it still."""
NAMELESS = "agent:unknown:"
"""Begin of the key of a run whose session no line names."""


class RootReport(Struct, frozen=True):
    """All that is reported of one root without lock files at `now` (epoch seconds), by its gateway and by the log.

    `only_root`: no other such root is watched, so that a log line which names no root is of this one. `suspension`: that
    the gateway, which has all sessions, is stopped, in a sentence.
    """

    root: WatchedRoot
    news: FeedNews
    joins: Joins
    now: float
    only_root: bool = True
    suspension: str | None = None

    def at(self, now: float) -> RootReport:
        """Return the same for rules that are told another time."""
        return replace(self, now=now)


def rows_now(report: RootReport) -> Iterator[SessionRow]:
    """Yield the sessions of a root: those its gateway told, and those that only the log knows."""
    news, joins, root = report.news, report.joins, report.root
    rows = {row.key: row for row in news.sessions or ()}
    yield from rows.values()
    if not report.only_root:
        return
    for key in sorted(joins.named_keys - rows.keys()):
        runs = joins.runs_of(key, root.path)
        if _is_here(root, key) and (joins.names(key) or (runs and news.from_log)):
            yield SessionRow(key, agent_of_key(key) or "unknown", runs[-1].session_id if runs else None)
    with_session = {run.run_id for runs in joins.runs.values() for run in runs}
    for run in _nameless(joins, with_session, _heard_out(report)):
        yield SessionRow(f"{NAMELESS}{run.run_id}", "unknown", run.session_id)


def run_of(row: SessionRow, report: RootReport) -> Run | None:
    """Return the run that tells what a session does: an active one, else the one heard of last."""
    if row.key.startswith(NAMELESS):
        return report.joins.book.runs.get(row.key.removeprefix(NAMELESS))
    runs = report.joins.runs_of(row.key, report.root.path)
    # Who was refused does not have the session: another run does, or none.
    own = [run for run in runs if not lost_on(run, None)] or runs
    begun = [(run, at) for run in own if (at := _first_sign(run)) is not None]
    unfinished = [run for run, _ in begun if run.ended_at is None and not _is_followed(run, begun)]
    return next(reversed(unfinished or own), None)


def _is_followed(run: Run, begun: Sequence[tuple[Run, float]]) -> bool:
    """Return whether another run has had the session since a run's last word: a session has one at a time."""
    return any(other is not run and at > run.last_activity for other, at in begun)


def _first_sign(run: Run) -> float | None:
    """Return when a run is first known to have had its session, epoch seconds; None where it is not known to."""
    started = (fact.at for fact in run.facts if isinstance(fact, AttemptStarted))
    ended = (attempt.ended_at for attempt in run.attempts[:1] if attempt.ended_at is not None)
    return min((*started, *ended), default=None)


def under_way(run: Run | None, row: SessionRow) -> Run | None:
    """Return a run that goes on with the attempt that its last decision promised: no lock and no line shows its begin."""
    if run is None or run.opened is not None or run.promised_at is None or run.undecided:
        return run
    begun = max(run.promised_at, row.started_at or run.promised_at)
    return replace(run, opened=AttemptStarted(begun, run.run_id), promised_at=None)


def is_active(row: SessionRow, run: Run | None, report: RootReport, idle_s: float | None) -> bool:
    """Return whether a run of the session goes on, by what was told last: an event, the session's row, the log."""
    root, told_at = report.root, report.news.told_at
    if root.gateway is not None and root.gateway.alive is False:
        return False
    if _is_of_an_earlier_gateway(report) and not row.key.startswith(NAMELESS):
        return False
    if row.active is not None and told_at is not None:
        heard_at = run.last_activity if run is not None and not is_of_trace(run.run_id) else 0.0
        if run is None or heard_at <= told_at:
            return row.active and not settles(row, run, report.now)
        return run.ended_at is None and (row.active or run.opened is not None)
    if run is None or run.ended_at is not None:
        return row.status == "running" and not report.news.from_log
    # Nothing is logged when an attempt answers: silence beyond its timeout means that it did.
    begun = max(run.last_activity, run.opened.at if run.opened else 0.0)
    return report.now - begun <= (SILENT_LOG_S if idle_s is None else idle_s) + MARGIN_S


def settles(row: SessionRow, run: Run | None, now: float) -> bool:
    """Return whether a gateway still counts a run that has ended: 2026.8.2 was seen to do so for 15 s after a failure."""
    if run is None or run.ended_at is None or not 0.0 <= now - run.ended_at <= SETTLES_S:
        return False
    if row.run_ids:
        return row.run_ids == (run.run_id,)
    return row.started_at is not None and row.started_at <= run.ended_at


def _is_of_an_earlier_gateway(report: RootReport) -> bool:
    """Return whether the news are those of a gateway that is no more."""
    told_at, began_at = report.news.told_at, report.root.gateway_started_at
    return told_at is not None and began_at is not None and told_at < began_at


def occupation_of(
    row: SessionRow, rotation: Rotation | None, run: Run | None, report: RootReport
) -> Occupation:
    """Return the active run as an occupation: since it was first seen, one hold for each attempt seen."""
    active_since = (report.news.active_since or {}).get(row.key)
    attempts = rotation.attempts if rotation is not None else ()
    times_told = [a.started_at if a.started_at is not None else a.ended_at for a in attempts]
    starts = [start for start in times_told if start is not None]
    opened = run.opened.at if run is not None and run.opened is not None else None
    first_word = row.started_at or active_since or (run.last_activity if run else float(report.now))
    current = opened if opened is not None else max([first_word, *starts])
    since = min([current, *starts, *([] if active_since is None else [active_since])])
    name = run.run_id if run is not None else row.key
    hold = Hold(name, report.root.gateway.pid if report.root.gateway else None, current)
    return Occupation(row.key, since, max(1, len(attempts)), (hold,))


def holder_of(
    row: SessionRow, run: Run | None, rotation: Rotation | None, since: float, report: RootReport
) -> RunHolder:
    """Say who holds a session that has no lock file: its gateway, with its active run."""
    news, gateway = report.news, report.root.gateway
    run_id = run.run_id if run is not None and not is_of_trace(run.run_id) else None
    attempt = rotation.attempts[-1] if rotation is not None and rotation.attempts else None
    # The row names the model of the session, which is not that of a fallback (2026.9.1).
    told = attempt if attempt is not None and attempt.model else row
    model = "/".join(part for part in (told.provider, told.model) if part)
    sign = (news.progress or {}).get(row.key)
    return RunHolder(
        pid=gateway.pid if gateway else None,
        run_id=run_id or (row.run_ids[0] if row.run_ids else None),
        model=model or None,
        since=since,
        last_progress=sign.at if sign else None,
        queue_depth=None if news.from_log else (news.queued or {}).get(row.key, 0),
        refused=_refused(row, since, report),
    )


def _refused(row: SessionRow, since: float, report: RootReport) -> int:
    refused = refusals_since(report.joins.refusals.get(row.key, ()), since)
    return 0 if refused is None else refused.callers


def holder_sentence(holder: RunHolder, now: float) -> str:
    """Say in words who holds a session."""
    gateway = f"gateway pid {holder.pid}" if holder.pid is not None else "the gateway"
    run = f"run {holder.run_id}" if holder.run_id else "a run"
    model = f" on {holder.model}" if holder.model else ""
    parts = [f"{gateway} holds it with {run}{model} for {duration(max(0.0, now - holder.since))}"]
    if holder.last_progress is not None and holder.last_progress >= holder.since:
        parts.append(f"last progress {duration(max(0.0, now - holder.last_progress))} ago")
    if holder.queue_depth:
        parts.append(f"{times(holder.queue_depth, 'message')} waiting")
    if holder.refused:
        parts.append(f"{times(holder.refused, 'caller')} refused meanwhile")
    return ", ".join(parts)


def _is_here(root: WatchedRoot, key: str) -> bool:
    """Return whether the agent of a key is one of this root's."""
    agent = agent_of_key(key)
    return agent is not None and "/" not in agent and os.path.isdir(os.path.join(root.path, "agents", agent))


def _heard_out(report: RootReport) -> float:
    """Return up to when (epoch seconds) a line was logged that an event would have followed by now.

    Who has just connected was not told the events of the lines before.
    """
    connected_at = report.news.connected_at if report.news.connected else None
    if connected_at is None or report.now - connected_at <= ON_ITS_WAY_S:
        return report.now
    return report.now - ON_ITS_WAY_S


def _nameless(joins: Joins, with_session: set[str], heard_before: float) -> Iterator[Run]:
    """Yield the runs that no line ties to a session; an event may still be on its way that does."""
    for run in joins.book.runs.values():
        if run.run_id in with_session or run.ended_at is not None or run.last_activity > heard_before:
            continue
        # Only 2026.9 tells such retries: a log may be shared with an older gateway.
        if any(isinstance(fact, SameModelRetry) and fact.delay_ms is not None for fact in run.facts):
            yield run
