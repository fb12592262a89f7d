"""`lockdeck replay` on recorded logs: every run, attempt and decision that was counted in them."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from backend.watch.replay import replay
from tests.unit.fleetdir import lockdeck

RECORDINGS = Path(__file__).parents[1] / "recordings"
COUNTED = sorted(RECORDINGS.glob("2026.4.5-*/expected.json"))


def told(tmp_path, *logs):
    done = lockdeck("replay", *logs, "--json", env={"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("file", COUNTED, ids=lambda path: path.parent.name)
def test_a_recording_gives_the_lines_runs_and_decisions_that_were_counted(tmp_path, file):
    expected = json.loads(file.read_text())
    found = told(tmp_path, file.parent / "gateway.log")
    assert {kind: found["counts"].get(kind) for kind in expected["counts"]} == expected["counts"]
    assert found["lines"] == expected["lines"]
    assert found["runsWithDecisions"] == expected["runs_with_decisions"]
    assert found["malformed"] == 0


def test_the_hang_is_four_occupations_of_five_attempts_that_the_fix_would_have_ended(tmp_path):
    found = told(tmp_path, RECORDINGS / "2026.4.5-incident-hang" / "gateway.log")
    keys = {occupation["sessionKey"] for occupation in found["occupations"]}
    assert keys == {f"agent:{agent}:main" for agent in ("main", "silas", "ezra", "juno")}
    for occupation in found["occupations"]:
        assert [attempt["profile"] for attempt in occupation["attempts"]] == [
            "atlas:alpha",
            "atlas:beta",
            "borealis:alpha",
            "borealis:beta",
            "cygnus:solo",
        ]
        assert {attempt["reason"] for attempt in occupation["attempts"]} == {"timeout"}
        assert occupation["outcome"] == "failed"
        assert occupation["policy"]["wouldStopAt"] == 1
        assert 75_000 < occupation["policy"]["avoidableMs"] < 90_000
        assert 100_000 < occupation["ms"] < 140_000
    decisions = [decision for run in found["runs"] for decision in run["decisions"]]
    assert len(decisions) == 20
    assert all(decision["fixWouldStop"] for decision in decisions)


@pytest.mark.parametrize("version", ["2026.7.35", "2026.9.6"])
def test_hangs_of_later_versions_are_runs_of_their_sessions(tmp_path, version):
    found = told(tmp_path, RECORDINGS / f"{version}-hang" / "gateway.log")
    assert len(found["runs"]) == 4
    assert len({run["sessionKey"] for run in found["runs"]}) == 4
    assert all(len(run["attempts"]) >= 4 for run in found["runs"])
    assert all(attempt["reason"] == "timeout" for run in found["runs"] for attempt in run["attempts"])


def test_a_log_that_can_not_be_read_is_named_and_the_others_are_told(tmp_path):
    good = RECORDINGS / "2026.4.5-run-ok" / "gateway.log"
    found = replay([str(tmp_path), str(good), str(tmp_path / "none.log")])
    assert list(found.lines) == [str(good)]
    assert [str(tmp_path) in problem for problem in found.problems] == [True, True]
    done = lockdeck("replay", tmp_path / "none.log", env={"HOME": str(tmp_path)}, text=True)
    assert (done.returncode, "none.log" in done.stderr) == (2, True)


def test_junk_is_counted_and_never_fatal(tmp_path):
    log = tmp_path / "junk.log"
    log.write_bytes(
        b"\x00\xff embedded run timeout \x1b[2J\n" * 50 + b'{"1":"embedded run timeout: runId=' * 3
    )
    found = told(tmp_path, log)
    assert found["runs"] == []
    assert found["lines"] >= 50


def test_the_recorded_caller_has_its_session_and_is_told_to_have_failed_on_a_lock(tmp_path):
    log = RECORDINGS / "2026.4.5-incident-hang-with-local-probe" / "gateway.log"
    (run,) = told(tmp_path, log)["runs"]
    sentence = "2 candidates failed on one lock held by pid 20673: these are no failures of a model"
    assert (run["sessionKey"], run["lockFailures"], run["locked"]) == ("agent:silas:main", 2, sentence)
    assert [(c["reason"], c["loggedReason"]) for c in run["candidates"]] == [("lock", "timeout")] * 2
    assert sentence in lockdeck("replay", log, env={"HOME": str(tmp_path)}, text=True).stdout


def test_an_attempt_without_a_start_begins_with_its_first_error(tmp_path):
    log = RECORDINGS / "2026.4.5-incident-error500" / "gateway.log"
    found = told(tmp_path, log)
    (juno,) = [o for o in found["occupations"] if o["sessionKey"] == "agent:juno:main"]
    assert juno["since"] == "2026-11-22T10:55:10.979Z"
    assert juno["attempts"][0]["durationMs"] == 18_089
    assert "  0 ms  " not in lockdeck("replay", log, env={"HOME": str(tmp_path)}, text=True).stdout


@pytest.mark.parametrize("data", [gzip.compress(os.urandom(20_000)), bytes(range(256)) * 40])
def test_what_is_no_text_is_counted_as_not_understood(tmp_path, data):
    log = tmp_path / "log.gz"
    log.write_bytes(data)
    found = told(tmp_path, log)
    assert found["runs"] == []
    assert found["malformed"] > found["lines"] * 0.9


def test_a_file_given_twice_is_read_once(tmp_path):
    log = RECORDINGS / "2026.4.5-run-ok" / "gateway.log"
    (tmp_path / "link.log").symlink_to(log)
    once = told(tmp_path, log)
    assert told(tmp_path, log, log, tmp_path / "link.log") == once


def test_the_text_says_who_was_occupied_and_what_the_policy_says(tmp_path):
    log = RECORDINGS / "2026.4.5-incident-hang" / "gateway.log"
    done = lockdeck("replay", log, env={"HOME": str(tmp_path)}, text=True)
    assert done.returncode == 0
    assert "agent:silas:main" in done.stdout
    assert "the fix of openclaw#62351 would have stopped here (attempt 1)" in done.stdout
    assert "4 runs (4 with decisions)" in done.stdout
