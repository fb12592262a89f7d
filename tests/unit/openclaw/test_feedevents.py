"""Frames of 2026.9.6, as its gateway sent them, into events and rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.runs.events import AttemptStarted, RunEnded, SameModelRetry
from lockdeck.backend.openclaw.gateway import rows as feed

NOW = 1_795_365_700.0
RUN, SID, KEY = (
    "e89e78be-8838-4a1e-bad6-e8015a2a353d",
    "4056f773-d177-4a7d-b338-0efce99d4d00",
    "agent:silas:main",
)


def agent(stream: str, data: object, ts: object = 1_795_365_698_208, **more: object) -> dict[str, object]:
    payload = {
        "runId": RUN,
        "stream": stream,
        "data": data,
        "sessionKey": KEY,
        "sessionId": SID,
        "ts": ts,
        **more,
    }
    return {"type": "event", "event": "agent", "payload": payload}


def row(**changes: object) -> dict[str, object]:
    """A row of sessions.list while a run goes on; 2026.9.6 names no run in it by then."""
    return {
        "key": KEY,
        "agentId": "silas",
        "sessionId": SID,
        "status": "running",
        "startedAt": 1_795_365_698_208,
        "updatedAt": 1_795_365_698_300,
        "hasActiveRun": True,
        "modelProvider": "atlas",
        "model": "atlas-large",
    } | changes


def test_an_attempt_begins_at_the_gateways_own_time():
    frame = agent("lifecycle", {"phase": "start", "startedAt": 1_795_365_698_208})
    assert feed.event_of(frame, NOW) == AttemptStarted(1_795_365_698.208, RUN, SID, KEY)


def test_a_clock_that_is_far_off_is_not_believed():
    frame = agent("lifecycle", {"phase": "start", "startedAt": 5}, ts=9_999_999_999_999)
    assert feed.event_of(frame, NOW) == AttemptStarted(NOW, RUN, SID, KEY)


def test_a_retry_is_told_with_its_delay():
    data = {"phase": "retrying", "retryAttempt": 1, "maxRetries": 8, "delayMs": 1422, "reason": "timeout"}
    expected = SameModelRetry(
        1_795_365_698.208, 1, 8, None, "timeout", run_id=RUN, delay_ms=1422, session_key=KEY
    )
    assert feed.event_of(agent("run_status", data), NOW) == expected


@pytest.mark.parametrize(
    ("data", "ok", "aborted"),
    [
        ({"phase": "end", "aborted": False}, True, False),
        ({"phase": "end", "status": "cancelled", "aborted": True}, True, True),
        ({"phase": "error", "error": "This operation was aborted", "aborted": True}, False, True),
        ({"phase": "error", "error": "LLM idle timeout"}, False, False),
    ],
)
def test_an_end_tells_how_it_ended(data, ok, aborted):
    assert feed.event_of(agent("lifecycle", data), NOW) == RunEnded(
        1_795_365_698.208, RUN, ok, aborted, SID, KEY
    )


@pytest.mark.parametrize("phase", ["finishing", "model", "preparing_context", None, 7])
def test_other_phases_are_no_events(phase):
    assert feed.event_of(agent("lifecycle", {"phase": phase}), NOW) is None
    assert feed.event_of(agent("run_status", {"phase": phase}), NOW) is None


def test_only_a_model_or_a_tool_at_work_is_progress():
    assert feed.progress_of(agent("assistant", {"delta": "Hello"}), NOW) == (
        KEY,
        feed.Sign(1_795_365_698.208),
    )
    assert feed.progress_of(agent("tool", {"phase": "start"}), NOW)[1].tool
    assert not feed.progress_of(agent("tool", {"phase": "result"}), NOW)[1].tool
    assert feed.progress_of(agent("run_status", {"phase": "starting_model"}), NOW) is None
    assert feed.progress_of(agent("lifecycle", {"phase": "start"}), NOW) is None


def test_a_row_tells_what_is_needed_and_nothing_is_guessed():
    (found,) = feed.rows_of({"sessions": [row()]})
    assert (found.key, found.agent, found.session_id, found.status) == (KEY, "silas", SID, "running")
    assert (found.active, found.run_ids, found.last_run_id) == (True, (), None)
    assert (found.started_at, found.model, found.provider) == (1_795_365_698.208, "atlas-large", "atlas")
    (bare,) = feed.rows_of({"sessions": [{"key": "agent:ezra:main"}, {"no": "key"}, None, 4]})
    assert (bare.agent, bare.active, bare.status, bare.started_at) == ("ezra", None, None, None)


@pytest.mark.parametrize("agent", ["../../etc", ".", "..", "a/b"])
def test_an_agent_is_no_path_to_somewhere_else(agent):
    (found,) = feed.rows_of({"sessions": [row(agentId=agent)]})
    assert found.agent == "silas"
    (found,) = feed.rows_of({"sessions": [{"key": f"agent:{agent}:main"}]})
    assert found.agent == "unknown"


def test_an_end_that_was_missed_is_told_by_its_row():
    done = row(status="killed", hasActiveRun=False, lastRunId=RUN, endedAt=1_795_365_727_169)
    rows = feed.rows_of({"sessions": [done]})
    ended = RunEnded(
        1_795_365_727.169, RUN, ok=False, aborted=True, session_id=SID, session_key=KEY, settled=True
    )
    assert list(feed.ends_of(rows, NOW)) == [ended]
    assert list(feed.ends_of(rows, NOW + 100.0)) == []
    assert list(feed.ends_of(feed.rows_of({"sessions": [row(lastRunId=RUN)]}), 0.0)) == []


def test_waiting_messages_and_runs_at_work_are_told_by_the_tasks():
    task = {"status": "running", "sessionKey": KEY, "runId": RUN, "startedAt": 1_795_365_698_208}
    tasks = [
        {**task, "execution": {"state": "running"}},
        {**task, "runId": "r2", "execution": {"state": "queued"}},
        {**task, "runId": "r3", "status": "completed", "execution": {"state": "finished"}},
    ]
    assert feed.queued_of({"tasks": tasks}) == {KEY: 1}
    assert list(feed.running_of({"tasks": tasks}, NOW)) == [
        AttemptStarted(1_795_365_698.208, RUN, session_key=KEY)
    ]


BEFORE, PREVIOUS = "fd3f69d2-2082-4859-8ba3-9f2a4c7995f1", "efcff4b8-be6e-4d36-b2ce-85a4de33d417"


def task(run_id: str, status: str, created: int, started: int, ended: int | None = None) -> dict[str, object]:
    """A run of `agent` as 2026.8.2 and 2026.9.1 tell it in tasks.list: without a word on whether it waits."""
    told = {"runtime": "cli", "status": status, "sessionKey": KEY, "runId": run_id, "agentId": "silas"}
    return {**told, "createdAt": created, "startedAt": started} | ({"endedAt": ended} if ended else {})


def test_up_to_2026_9_1_a_task_is_at_work_once_an_attempt_has_begun_and_waits_behind_one_that_has():
    at_work = task(RUN, "running", 1_795_365_690_000, 1_795_365_698_208)
    accepted = task("r2", "running", 1_795_365_699_000, 1_795_365_699_000)
    assert list(feed.running_of({"tasks": [accepted, at_work]}, NOW)) == [
        AttemptStarted(1_795_365_698.208, RUN, session_key=KEY)
    ]
    assert feed.queued_of({"tasks": [accepted, at_work]}) == {KEY: 1}
    assert feed.queued_of({"tasks": [accepted]}) == {}


def test_a_run_has_its_session_since_it_was_asked_for_or_since_the_one_before_has_ended():
    at_work = task(RUN, "running", 1_795_365_690_000, 1_795_365_698_208)
    before = task(PREVIOUS, "failed", 1_795_365_600_000, 1_795_365_600_500, 1_795_365_650_000)
    waited_for = task(PREVIOUS, "completed", 1_795_365_600_000, 1_795_365_600_500, 1_795_365_697_000)
    assert feed.begun_of({"tasks": [at_work, before]}) == {KEY: 1_795_365_690.0}
    assert feed.begun_of({"tasks": [at_work, waited_for]}) == {KEY: 1_795_365_697.0}


def test_the_tasks_tell_the_ends_of_runs_that_others_have_followed():
    failed = task(PREVIOUS, "timed_out", 1_795_365_600_000, 1_795_365_600_500, 1_795_365_650_000)
    killed = task(BEFORE, "cancelled", 1_795_365_600_000, 1_795_365_600_500, 1_795_365_640_000)
    assert list(feed.over_of({"tasks": [failed, killed]}, 0.0)) == [
        RunEnded(1_795_365_650.0, PREVIOUS, ok=False, session_key=KEY, settled=True),
        RunEnded(1_795_365_640.0, BEFORE, ok=False, aborted=True, session_key=KEY, settled=True),
    ]
    assert [e.run_id for e in feed.over_of({"tasks": [failed, killed]}, 1_795_365_645.0)] == [PREVIOUS]


def test_a_row_that_tells_the_times_of_the_last_run_tells_none_of_the_one_that_begins():
    begins = row(endedAt=1_795_365_699_000, lastRunId=PREVIOUS)
    (found,) = feed.rows_of({"sessions": [begins]})
    assert (found.active, found.started_at, found.ended_at) == (True, None, None)


def test_the_path_of_the_log_must_be_a_path():
    assert feed.log_path_of({"file": "/tmp/openclaw/openclaw-2026-11-22.log"}) is not None
    for strange in (None, 4, "", "relative.log", "/a\0b"):
        assert feed.log_path_of({"file": strange}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(
    [
        "type",
        "event",
        "payload",
        "data",
        "stream",
        "phase",
        "sessions",
        "tasks",
        "ts",
        "key",
        "sessionKey",
        "runId",
    ]
)


@given(st.dictionaries(WORDS, JSON | st.dictionaries(WORDS, JSON, max_size=6), max_size=8))
def test_no_frame_can_do_harm(frame):
    feed.event_of(frame, NOW)
    feed.progress_of(frame, NOW)
    feed.changes_sessions(frame)
    rows = feed.rows_of(frame)
    list(feed.ends_of(rows, 0.0))
    feed.run_ids_of((), rows)
    feed.queued_of(frame)
    feed.begun_of(frame)
    list(feed.over_of(frame, 0.0))
    list(feed.running_of(frame, NOW))
    feed.log_path_of(frame)
