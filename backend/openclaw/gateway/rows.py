"""Typed events and rows of sessions and runs from a gateway's frames.

Frames as seen on 2026.4.5 (protocol 3) and 2026.9.6 (protocol 4).  Nothing here raises: a frame of another
shape tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from lockdeck.backend.model.runs.events import AttemptStarted, Event, RunEnded, SameModelRetry
from lockdeck.backend.openclaw.log.values import flag, ident, number

MOST_ROWS = 5000
"""More sessions of one gateway are not taken in."""
CLOCK_SKEW_S = 120.0
"""A gateway's own time further off (seconds) than this is not believed; the handshake refuses such clocks."""

Frame = Mapping[str, Any]

_OVER_TASKS = frozenset({"completed", "failed", "cancelled", "timed_out", "lost"})
_STATUS = frozenset({"running", "done", "failed", "killed", "timeout"})
_NO_PROGRESS = frozenset({"lifecycle", "run_status", "error"})
"""Streams of a run that say what OpenClaw does, and not that the model or a tool does something."""
_OF_MODEL = frozenset({"assistant", "thinking", "reasoning", "usage", "plan"})
_OVER = ("end", "result", "error", "completed", "failed")


class SessionRow(Struct, frozen=True):
    """One session as `sessions.list` tells it. Times in epoch seconds; None is "not told".

    `active` is `hasActiveRun` (2026.5.7 and later). `started_at` is the start of the present attempt and not of
    the run, None before the first one has begun (2026.9.1 still tells the last run's times then); `run_ids` are the active runs, which 2026.9.6 names only before the first attempt begins.
    """

    key: str
    agent: str
    session_id: str | None = None
    status: str | None = None
    active: bool | None = None
    run_ids: tuple[str, ...] = ()
    last_run_id: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    updated_at: float | None = None
    model: str | None = None
    provider: str | None = None


def rows_of(payload: Frame) -> tuple[SessionRow, ...]:
    """Read the payload of `sessions.list`."""
    rows = payload.get("sessions")
    parsed = (row_of(row) for row in (rows if isinstance(rows, list) else [])[:MOST_ROWS])
    return tuple({row.key: row for row in parsed if row is not None}.values())


def row_of(value: object) -> SessionRow | None:
    """Read one row; None for what names no session."""
    if not isinstance(value, dict):
        return None
    key = ident(value.get("key"))
    if key is None:
        return None
    status, runs = ident(value.get("status")), value.get("activeRunIds")
    active = flag(value.get("hasActiveRun"))
    started_at, ended_at = _seconds(value.get("startedAt")), _seconds(value.get("endedAt"))
    if active and started_at is not None and ended_at is not None and started_at <= ended_at:
        started_at = ended_at = None
    return SessionRow(
        key=key,
        agent=_plain(ident(value.get("agentId"))) or _plain(_agent_of(key)) or "unknown",
        session_id=ident(value.get("sessionId")),
        status=status if status in _STATUS else None,
        active=active,
        run_ids=tuple(r for r in map(ident, runs if isinstance(runs, list) else []) if r is not None)[:16],
        last_run_id=ident(value.get("lastRunId")),
        started_at=started_at,
        ended_at=ended_at,
        updated_at=_seconds(value.get("updatedAt")),
        model=ident(value.get("model")),
        provider=ident(value.get("modelProvider")),
    )


def queued_of(payload: Frame) -> dict[str, int]:
    """Count the messages that wait, by session key, from the payload of `tasks.list`.

    2026.9.1 does not tell which task waits: it is one that has not begun while another of its session is at work.
    """
    tasks = [(task, key) for task in _tasks_in(payload) if (key := ident(task.get("sessionKey"))) is not None]
    worked_in = {key for task, key in tasks if _is_at_work(task)}
    counts: dict[str, int] = {}
    for task, key in tasks:
        state, status = _part(task, "execution").get("state"), task.get("status")
        waits = state == "queued" or status == "queued"
        unbegun = state is None and key in worked_in and not _is_at_work(task)
        if status in ("running", "queued") and (waits or unbegun):
            counts[key] = counts.get(key, 0) + 1
    return counts


def running_of(payload: Frame, now: float) -> Iterator[AttemptStarted]:
    """Yield the present attempts of the runs at work, from the payload of `tasks.list`: rows name no run by then."""
    for task, run_id, key in _runs_in(payload):
        started = _seconds(task.get("startedAt"))
        if _is_at_work(task) and started is not None and started <= now + 1.0:
            yield AttemptStarted(started, run_id, session_key=key)


def over_of(payload: Frame, since: float) -> Iterator[RunEnded]:
    """Yield the ends since a time (epoch seconds) that `tasks.list` tells, also of runs that others have followed."""
    for task, run_id, key in _runs_in(payload):
        ended, status = _seconds(task.get("endedAt")), task.get("status")
        if status in _OVER_TASKS and ended is not None and ended >= since:
            ok, aborted = status == "completed", status == "cancelled"
            yield RunEnded(ended, run_id, ok, aborted, session_key=key, settled=True)


def begun_of(payload: Frame) -> dict[str, float]:
    """Return since when (epoch seconds) the run at work has its session, by session key, from `tasks.list`.

    A run that waited has it from the end of the one before.
    """
    begun: dict[str, float] = {}
    ends: dict[str, float] = {}
    for task in _tasks_in(payload):
        key, ended = ident(task.get("sessionKey")), _seconds(task.get("endedAt"))
        created = _seconds(task.get("createdAt"))
        if key is not None and ended is not None:
            ends[key] = max(ended, ends.get(key, ended))
        if key is not None and created is not None and _is_at_work(task):
            begun[key] = max(created, begun.get(key, created))
    return {key: max(at, ends.get(key, at)) for key, at in begun.items()}


def _tasks_in(payload: Frame) -> list[Frame]:
    tasks = payload.get("tasks")
    return [task for task in (tasks if isinstance(tasks, list) else [])[:MOST_ROWS] if isinstance(task, dict)]


def _runs_in(payload: Frame) -> Iterator[tuple[Frame, str, str]]:
    """Yield each task that is a run of a session, with run id and session key."""
    for task in _tasks_in(payload):
        run_id, key = ident(task.get("runId")), ident(task.get("sessionKey"))
        if run_id is not None and key is not None:
            yield task, run_id, key


def _is_at_work(task: Frame) -> bool:
    """Return whether the run of a task has its session; up to 2026.9.1 only the start of an attempt says so."""
    state = _part(task, "execution").get("state")
    if task.get("status") != "running" or state is not None:
        return task.get("status") == "running" and state == "running"
    started, created = _seconds(task.get("startedAt")), _seconds(task.get("createdAt"))
    return started is not None and (created is None or started > created)


def event_of(frame: Frame, now: float) -> Event | None:
    """Read what an `agent` event says about a run: an attempt began, failed and is tried again, the run ended."""
    payload = _part(frame, "payload")
    run_id, data = ident(payload.get("runId")), _part(payload, "data")
    if frame.get("event") != "agent" or run_id is None:
        return None
    at = _credible(payload.get("ts"), now)
    key, session_id = ident(payload.get("sessionKey")), ident(payload.get("sessionId"))
    stream, phase = payload.get("stream"), data.get("phase")
    if stream == "run_status" and phase == "retrying":
        return SameModelRetry(
            at=at,
            index=number(data.get("retryAttempt")),
            total=number(data.get("maxRetries")),
            model=None,
            reason=ident(data.get("reason")),
            run_id=run_id,
            delay_ms=number(data.get("delayMs")),
            session_key=key,
        )
    if stream != "lifecycle":
        return None
    if phase == "start":
        return AttemptStarted(_credible(data.get("startedAt"), at), run_id, session_id, key)
    if phase in ("end", "error"):
        aborted = flag(data.get("aborted")) is True
        settled = flag(data.get("executionSettled")) is True
        return RunEnded(at, run_id, phase == "end", aborted, session_id, key, settled)
    return None


class Sign(Struct, frozen=True):
    """A sign of work inside a run, at `at` (epoch seconds). `tool`: a tool is at work, the model waits for it."""

    at: float
    tool: bool = False


def progress_of(frame: Frame, now: float) -> tuple[str, Sign] | None:
    """Return session key and sign where a frame shows a model or tool at work."""
    payload = _part(frame, "payload")
    key, stream = ident(payload.get("sessionKey")), payload.get("stream")
    if key is None or frame.get("event") != "agent" or not isinstance(stream, str) or stream in _NO_PROGRESS:
        return None
    over = _part(payload, "data").get("phase") in _OVER
    return key, Sign(_credible(payload.get("ts"), now), stream not in _OF_MODEL and not over)


def changes_sessions(frame: Frame) -> bool:
    """Return whether the session rows are worth asking for again."""
    return frame.get("event") in ("sessions.changed", "task")


def run_ids_of(events: Iterable[Event], rows: Iterable[SessionRow]) -> set[str]:
    """Return the ids of the runs that a gateway named."""
    ids = {event.run_id for event in events}
    ids.update(run_id for row in rows for run_id in (*row.run_ids, row.last_run_id))
    return {run_id for run_id in ids if run_id}


def ends_of(rows: tuple[SessionRow, ...], since: float) -> Iterator[RunEnded]:
    """Yield the ends since a time (epoch seconds) that rows tell, for who was not connected when a run ended."""
    for row in rows:
        if row.active is not False or row.status == "running" or row.ended_at is None:
            continue
        if row.last_run_id and row.ended_at >= since:
            ok, aborted = row.status == "done", row.status == "killed"
            yield RunEnded(row.ended_at, row.last_run_id, ok, aborted, row.session_id, row.key, settled=True)


def log_path_of(payload: Frame) -> str | None:
    """Return the path of the log that the gateway writes, from the payload of `logs.tail`."""
    path = payload.get("file")
    return path if isinstance(path, str) and path.startswith("/") and "\0" not in path else None


def _part(frame: Frame, key: str) -> Frame:
    value = frame.get(key)
    return value if isinstance(value, dict) else {}


def _seconds(value: object) -> float | None:
    milliseconds = number(value)
    return None if milliseconds is None or milliseconds <= 0 else milliseconds / 1000


def _credible(value: object, now: float) -> float:
    """Return the gateway's own time (epoch milliseconds) in seconds, ours where it tells none or a strange one."""
    seconds = _seconds(value)
    return seconds if seconds is not None and abs(seconds - now) <= CLOCK_SKEW_S else now


def _agent_of(key: str) -> str | None:
    parts = key.split(":", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "agent" and parts[1] else None


def _plain(agent: str | None) -> str | None:
    """Return an agent id only where it can be no path to somewhere else."""
    return None if agent is None or agent in (".", "..") or "/" in agent or "\0" in agent else agent
