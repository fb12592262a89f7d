"""Signs of progress: the end of a transcript, and a holder at work."""

from __future__ import annotations

import json

from backend.watch import progress as watching
from backend.watch.progress import Progress
from tests.unit.fleetdir import PAST, iso

NOW = 1_800_000_000.0


def entry(at, role="assistant", stop="stop"):
    message = {"role": role, "content": [], "stopReason": stop}
    return json.dumps({"type": "message", "timestamp": iso(at), "message": message}) + "\n"


def busy(monkeypatch, seconds):
    monkeypatch.setattr(watching.processes, "busy_seconds", lambda _pid: seconds)


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
