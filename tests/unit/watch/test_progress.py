"""Signs of progress: the end of a transcript, and a holder at work."""

from __future__ import annotations

import json

from lockdeck.backend.watch import progress as watching
from lockdeck.backend.watch.progress import Progress
from tests.unit.fleetdir import PAST, iso

NOW = 1_800_000_000.0


def entry(at, role="assistant", stop="stop"):
    message = {"role": role, "content": [], "stopReason": stop}
    return json.dumps({"type": "message", "timestamp": iso(at), "message": message}) + "\n"


def busy(monkeypatch, seconds):
    monkeypatch.setattr(watching.procfs, "busy_seconds", lambda _pid: seconds)


def test_a_transcript_that_is_not_there_tells_nothing(tmp_path):
    assert Progress().transcript(str(tmp_path / "none.jsonl")) is None


def test_the_last_entry_of_a_transcript_is_told_and_a_new_one_is_seen(tmp_path):
    path = tmp_path / "s.jsonl"
    path.write_text(entry(PAST))
    seen = Progress()
    assert seen.transcript(str(path)).last_entry_at == PAST
    with path.open("a") as file:
        file.write(entry(PAST + 5, stop="toolUse"))
    assert (seen.transcript(str(path)).last_entry_at, seen.transcript(str(path)).last_stop_reason) == (
        PAST + 5,
        "toolUse",
    )


def test_a_transcript_that_is_the_same_is_not_read_again(tmp_path, monkeypatch):
    path = tmp_path / "s.jsonl"
    path.write_text(entry(PAST))
    reads = []
    real = watching.transcript_tail
    monkeypatch.setattr(watching, "transcript_tail", lambda name: reads.append(name) or real(name))
    seen = Progress()
    assert seen.transcript(str(path)) is seen.transcript(str(path))
    assert len(reads) == 1


def test_a_transcript_that_vanished_is_forgotten(tmp_path):
    path = tmp_path / "s.jsonl"
    path.write_text(entry(PAST))
    seen = Progress()
    seen.transcript(str(path))
    path.unlink()
    assert seen.transcript(str(path)) is None


def test_a_holder_that_used_enough_of_a_core_was_working(monkeypatch):
    seen = Progress()
    busy(monkeypatch, 1.0)
    assert seen.worked_at(4711, 1, NOW) is None
    busy(monkeypatch, 1.5)
    assert seen.worked_at(4711, 1, NOW + 2) == NOW + 2
    assert seen.worked_at(4711, 1, NOW + 4) == NOW + 2


def test_an_idle_holder_was_not_and_neither_is_its_successor(monkeypatch):
    seen = Progress()
    busy(monkeypatch, 1.0)
    seen.worked_at(4711, 1, NOW)
    busy(monkeypatch, 1.1)
    assert seen.worked_at(4711, 1, NOW + 2) is None
    busy(monkeypatch, 90.0)
    assert seen.worked_at(4711, 2, NOW + 3) is None


def test_a_holder_that_can_not_be_measured_is_not_known_to_work(monkeypatch):
    busy(monkeypatch, None)
    assert Progress().worked_at(4711, None, NOW) is None


def test_what_is_of_no_interest_any_more_is_forgotten(monkeypatch):
    seen = Progress()
    busy(monkeypatch, 1.0)
    seen.worked_at(4711, 1, NOW)
    busy(monkeypatch, 5.0)
    assert seen.worked_at(4711, 1, NOW + 2) == NOW + 2
    seen.forget(set(), set())
    assert seen.worked_at(4711, 1, NOW + 4) is None


def prompt_error(at, run_id):
    data = {"timestamp": at * 1000, "runId": run_id, "sessionId": "s1", "provider": "atlas", "model": "large"}
    entry = {"type": "custom", "id": "a1", "customType": "openclaw:prompt-error", "timestamp": iso(at)}
    return json.dumps({**entry, "data": {**data, "error": "LLM request timed out"}}) + "\n"


def test_a_transcript_tells_a_failed_attempt_once_and_only_a_recent_one(tmp_path):
    transcript = tmp_path / "s1.jsonl"
    transcript.write_text(prompt_error(PAST, "old") + prompt_error(PAST + 100, "r1"))
    progress = Progress()
    told = progress.news_of(str(transcript), PAST + 50)
    assert [(event.run_id, event.session_id, event.at) for event in told] == [("r1", "s1", PAST + 100)]
    assert progress.news_of(str(transcript), PAST) == ()


def test_a_trajectory_tells_the_attempts_that_ran_into_a_timeout(tmp_path):
    def ended(run_id, **flags):
        entry = {
            "traceSchema": "openclaw-trajectory",
            "schemaVersion": 1,
            "type": "session.ended",
            "ts": iso(PAST),
        }
        ids = {"runId": run_id, "sessionId": "s1", "sessionKey": "agent:main:main"}
        return json.dumps({**entry, **ids, "provider": "atlas", "modelId": "large", "data": flags}) + "\n"

    trajectory = tmp_path / "s1.trajectory.jsonl"
    trajectory.write_text(ended("r1", idleTimedOut=True, aborted=True) + ended("r2", timedOut=False))
    told = Progress().news_of(str(tmp_path / "s1.jsonl"), PAST - 1)
    assert [(event.run_id, event.session_id) for event in told] == [("r1", "s1")]


def test_what_was_asked_for_since_the_last_time_is_not_read_again(tmp_path, monkeypatch):
    path = tmp_path / "s1.jsonl"
    path.write_text(prompt_error(PAST, "r1"))
    progress, reads, real = Progress(), [], watching.transcript_tail
    monkeypatch.setattr(watching, "transcript_tail", lambda name: reads.append(name) or real(name))
    for _ in range(3):
        progress.news_of(str(path), 0.0)
        progress.forget(set(), set())
    assert len(reads) == 1
    progress.forget(set(), set())
    progress.news_of(str(path), 0.0)
    assert len(reads) == 2
