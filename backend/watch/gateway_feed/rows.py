"""The sessions of a root without lock files: told by its gateway, or as far as the log alone can say."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

from lockdeck.backend.model.fleet import RunHolder
from lockdeck.backend.model.runs.events import SameModelRetry
from lockdeck.backend.model.runs.fold import RunBook
from lockdeck.backend.model.runs.records import Hold, Occupation, Rotation
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.model.runs.trace_joins import is_of_trace
from lockdeck.backend.model.sessions.stuck import MARGIN_S
from lockdeck.backend.model.words import duration, times
from lockdeck.backend.openclaw.gateway.rows import SessionRow
from lockdeck.backend.watch.directory import agent_of_key
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.root import RootWatch

SILENT_LOG_S = 120.0
"""How long (seconds) a run counts as going on of which only the log tells, where no timeout is known."""
ON_ITS_WAY_S = 5.0
"""The log is sometimes read before the event arrives that names the same run (seconds)."""
NAMELESS = "agent:unknown:"
"""Begin of the key of a run whose session no line names."""


class Fed(Struct, frozen=True):
    """What was told of one root, and which runs are its own.

    `elsewhere` are the ids of runs that the gateways of other roots named. `from_log` is true where the
    gateway has told nothing, so that the log and the process table are all there is.
    """

    news: FeedNews = field(default_factory=FeedNews)
    elsewhere: frozenset[str] = frozenset()
    only_root: bool = True

    @property
    def from_log(self) -> bool:
        """Whether no gateway has told any session."""
        return self.news.sessions is None


def rows_now(
    root: RootWatch, fed: Fed, book: RunBook, keys: Mapping[str, tuple[Run, ...]], now: float
) -> Iterator[SessionRow]:
    """Yield the sessions of a root: those its gateway told, and those that only the log knows."""
    told = {row.key: row for row in fed.news.sessions or ()}
    yield from told.values()
    if not fed.only_root:
        return
    for key, runs in keys.items():
        if key not in told and fed.from_log and _is_here(root, key) and _mine(runs, fed):
            yield SessionRow(key, agent_of_key(key) or "unknown", runs[-1].session_id)
    named = {run.run_id for runs in keys.values() for run in runs}
    for run in _nameless(book, named, now - (ON_ITS_WAY_S if fed.news.connected else 0.0)):
        yield SessionRow(f"{NAMELESS}{run.run_id}", "unknown", run.session_id)


def run_of(row: SessionRow, fed: Fed, book: RunBook, keys: Mapping[str, tuple[Run, ...]]) -> Run | None:
    """Return the run that tells what a session does: an active one, else the one heard of last."""
    if row.key.startswith(NAMELESS):
        return book.runs.get(row.key.removeprefix(NAMELESS))
    mine = _mine(keys.get(row.key, ()), fed)
    going = [run for run in mine if run.ended_at is None and (run.opened or run.attempts)]
    return next(reversed(going or mine), None)


def is_active(
    row: SessionRow, run: Run | None, root: RootWatch, fed: Fed, idle_s: float | None, now: float
) -> bool:
    """Whether a run of the session goes on, by what was told last: an event, the session's row, the log."""
    if root.gateway is not None and root.gateway.alive is False:
        return False
    told_at, began_at = fed.news.told_at, root.gateway_started_at
    if (
        told_at is not None
        and began_at is not None
        and told_at < began_at
        and not row.key.startswith(NAMELESS)
    ):
        return False  # the word of a gateway that is no more
    if row.active is not None and told_at is not None:
        heard = run.last_activity if run is not None and not is_of_trace(run.run_id) else 0.0
        if run is None or heard <= told_at:
            return row.active
        return run.ended_at is None and (row.active or run.opened is not None)
    if run is None or run.ended_at is not None:
        return row.status == "running" and not fed.from_log
    # Nothing is logged when an attempt answers: silence beyond its timeout means that it did.
    begun = max(run.last_activity, run.opened.at if run.opened else 0.0)
    return now - begun <= (SILENT_LOG_S if idle_s is None else idle_s) + MARGIN_S


def occupation_of(
    row: SessionRow, rotation: Rotation | None, run: Run | None, root: RootWatch, fed: Fed, now: float
) -> Occupation:
    """Return the active run as an occupation: since it was first seen, one hold for each attempt seen."""
    active_since = (fed.news.active_since or {}).get(row.key)
    attempts = rotation.attempts if rotation is not None else ()
    known = [a.started_at if a.started_at is not None else a.ended_at for a in attempts]
    starts = [start for start in known if start is not None]
    opened = run.opened.at if run is not None and run.opened is not None else None
    told = row.started_at or active_since or (run.last_activity if run else now)
    current = opened if opened is not None else max([told, *starts])
    since = min([current, *starts, *([] if active_since is None else [active_since])])
    name = run.run_id if run is not None else row.key
    return Occupation(
        row.key,
        since,
        max(1, len(attempts)),
        (Hold(name, root.gateway.pid if root.gateway else None, current),),
    )


def holder_of(
    row: SessionRow,
    run: Run | None,
    rotation: Rotation | None,
    since: float,
    root: RootWatch,
    fed: Fed,
    refused: int,
) -> RunHolder:
    """Say who holds a session that has no lock file: its gateway, with its active run."""
    named = run.run_id if run is not None and not is_of_trace(run.run_id) else None
    model = "/".join(part for part in (row.provider, row.model) if part)
    if not model and rotation is not None and rotation.attempts:
        attempt = rotation.attempts[-1]
        model = "/".join(part for part in (attempt.provider, attempt.model) if part)
    sign = (fed.news.progress or {}).get(row.key)
    return RunHolder(
        pid=root.gateway.pid if root.gateway else None,
        run_id=named or (row.run_ids[0] if row.run_ids else None),
        model=model or None,
        since=since,
        last_progress=sign.at if sign else None,
        queue_depth=None if fed.from_log else (fed.news.queued or {}).get(row.key, 0),
        refused=refused,
    )


def holder_sentence(holder: RunHolder, now: float) -> str:
    """Say in words who holds a session."""
    who = f"gateway pid {holder.pid}" if holder.pid is not None else "the gateway"
    run = f"run {holder.run_id}" if holder.run_id else "a run"
    model = f" on {holder.model}" if holder.model else ""
    parts = [f"{who} holds it with {run}{model} for {duration(max(0.0, now - holder.since))}"]
    if holder.last_progress is not None and holder.last_progress >= holder.since:
        parts.append(f"last progress {duration(max(0.0, now - holder.last_progress))} ago")
    if holder.queue_depth:
        parts.append(f"{times(holder.queue_depth, 'message')} waiting")
    if holder.refused:
        parts.append(f"{times(holder.refused, 'caller')} refused meanwhile")
    return ", ".join(parts)


def _mine(runs: Iterable[Run], fed: Fed) -> list[Run]:
    return [run for run in runs if run.run_id not in fed.elsewhere]


def _is_here(root: RootWatch, key: str) -> bool:
    """Whether the agent of a key is one of this root's."""
    agent = agent_of_key(key)
    return agent is not None and "/" not in agent and os.path.isdir(os.path.join(root.path, "agents", agent))


def _nameless(book: RunBook, named: set[str], heard_before: float) -> Iterator[Run]:
    """Yield the runs that no line ties to a session; an event may still be on its way that does."""
    for run in book.runs.values():
        if run.run_id in named or run.ended_at is not None or run.last_activity > heard_before:
            continue
        # Only 2026.9 tells such retries: a log may be shared with an older gateway.
        if any(isinstance(fact, SameModelRetry) and fact.delay_ms is not None for fact in run.facts):
            yield run
