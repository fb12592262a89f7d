"""Which lines belong to which session's log."""

from __future__ import annotations

from lockdeck.backend.model.runs import events as ev
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.watch.logs.sessions import SessionLogs

LOCK = "/r/agents/main/sessions/s-1.jsonl.lock"
TIMEOUT = ev.LockTimeout(LOCK, 10_000, 396)


def sentences(logs, key="agent:main:main", path=LOCK):
    return [line.sentence for line in logs.of(key, path)]


def test_a_runs_facts_are_its_sessions():
    book = fold_all(RunBook(), [ev.AttemptStarted(1, "r"), ev.RunTimeout(61, "r", "s-1", 60_000)])
    logs = SessionLogs({"agent:main:main": tuple(book.runs.values())})
    assert sentences(logs) == ["attempt began", "the attempt ran into its budget of 1m 00s"]
    assert sentences(logs, "agent:main:other", None) == []


def test_a_notice_is_joined_by_key_by_session_id_and_by_lock_path():
    notices = [
        ev.LaneWait(1, "l", "agent:main:main", 2000),
        ev.StuckSession(2, "stuck", "s-1", None, "processing", 60_000),
        ev.LockBlocked(3, TIMEOUT),
        ev.WatchdogRelease(4, LOCK, 300_000, None),
    ]
    logs = SessionLogs({}, notices, {"s-1": "agent:main:main"})
    assert len(sentences(logs)) == 4
    assert sentences(logs, "agent:main:other", "/elsewhere.lock") == []


def test_a_lane_error_of_another_session_on_this_lock_belongs_to_the_session_it_names():
    other = ev.LaneTaskError(1, "l", "agent:main:other", 10_000, "e", TIMEOUT)
    logs = SessionLogs({}, [other])
    assert sentences(logs) == []
    assert len(sentences(logs, "agent:main:other", None)) == 1


def test_the_newest_runs_fill_the_log():
    events = [ev.AttemptStarted(float(at), f"run-{at // 100}") for at in range(300)]
    book = fold_all(RunBook(), events)
    runs = sorted(book.runs.values(), key=lambda run: run.last_activity)
    assert SessionLogs({"k": tuple(runs)}).of("k", None)[-1].at == 299.0
