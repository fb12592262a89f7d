"""`lockdeck replay` on recorded logs: every run, attempt and decision that was counted in them."""

from __future__ import annotations

import gzip
import json
import os
import re
from datetime import datetime

import pytest

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.runs.fold import Limits
from lockdeck.backend.watch.logs import replay as replay_module
from lockdeck.backend.watch.logs.replay import replay
from tests.folders import RECORDINGS
from tests.unit.fleetdir import lockdeck
from tests.unit.openclaw.wrappers import console, recorded

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
    done = lockdeck("replay", log, "--json", env={"HOME": str(tmp_path)})
    found = json.loads(done.stdout)
    assert (done.returncode, found["runs"], found["unread"]) == (1, [], 1)
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
def test_a_file_that_is_no_log_is_told_and_ends_with_2(tmp_path, data):
    log, other = tmp_path / "log.gz", RECORDINGS / "2026.4.5-run-ok" / "gateway.log"
    log.write_bytes(data)
    done = lockdeck("replay", log, env={"HOME": str(tmp_path)}, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{log} is no log" in done.stderr
    found = told(tmp_path, log, other)
    assert found["logs"] == [str(other)]
    assert "is no log" in found["problems"][0]


@pytest.mark.parametrize("data", [b"", b"2026-05-09T10:04:23Z nginx is up\n", b"[plugins] ready\n"])
def test_a_log_of_which_no_line_concerns_us_is_a_log(tmp_path, data):
    log = tmp_path / "some.log"
    log.write_bytes(data)
    assert told(tmp_path, log)["unread"] == 0


def test_lines_that_look_like_ours_and_could_not_be_read_are_counted_and_shown(tmp_path):
    unknown = "".join(f"|w#9| {'x' * 5} ~ {console(line)}\n" for line in recorded())
    log = tmp_path / "unknown.log"
    log.write_text(unknown)
    done = lockdeck("replay", log, env={"HOME": str(tmp_path)}, text=True)
    sentence = (
        "100 lines look like OpenClaw's and could not be read; the first: |w#9| xxxxx ~ 2026-11-22T09:49:27"
    )
    assert done.returncode == 1
    assert sentence in done.stdout
    done = lockdeck("replay", log, "--json", env={"HOME": str(tmp_path)})
    found = json.loads(done.stdout)
    assert (done.returncode, found["unread"], found["malformed"]) == (1, 100, 100)
    assert found["firstUnread"].startswith("|w#9| xxxxx")
    known = RECORDINGS / "2026.4.5-incident-hang" / "gateway.log"
    assert told(tmp_path, log, known)["unread"] == 100


@pytest.mark.parametrize(
    "text",
    [
        "[gateway] he wrote: embedded run timeout: runId=r sessionId=s timeoutMs=1",
        "2026-05-09T10:04:23Z [agent] embedded run timeout: runId=r sessionId=probe-x timeoutMs=1",
        "2026-05-09T10:04:23Z [agent] embedded run agent end: runId=r isError=false",
        "2026-05-09T10:04:23Z something about compaction and model fallback",
    ],
)
def test_lines_that_were_read_and_tell_nothing_are_not_counted(tmp_path, text):
    log = tmp_path / "some.log"
    log.write_text(f"{text}\n")
    found = told(tmp_path, log)
    assert (found["relevant"], found["unread"], found["malformed"]) == (1, 0, 0)


def test_a_file_given_twice_is_read_once(tmp_path):
    log = RECORDINGS / "2026.4.5-run-ok" / "gateway.log"
    (tmp_path / "link.log").symlink_to(log)
    once = told(tmp_path, log)
    assert told(tmp_path, log, log, tmp_path / "link.log") == once


def test_a_run_id_that_is_used_again_has_each_decision_once(tmp_path):
    hang = RECORDINGS / "2026.4.5-incident-hang" / "gateway.log"
    later = tmp_path / "later.log"
    later.write_text(re.sub(r"T(\d\d):", lambda hour: f"T{int(hour[1]) + 1:02}:", hang.read_text()))
    found = told(tmp_path, hang, later)
    assert [len(run["decisions"]) for run in found["runs"]] == [5] * 8
    assert [run["endedAt"][:13] for run in found["runs"]] == ["2026-11-22T09"] * 4 + ["2026-11-22T10"] * 4


def test_a_json_log_and_its_console_tell_each_decision_once(tmp_path):
    hang = RECORDINGS / "2026.4.5-incident-hang" / "gateway.log"
    console = tmp_path / "gateway.err.log"
    console.write_text("\n".join(spoken(hang)))
    assert told(tmp_path, console)["counts"] == {
        "embedded_run_failover_decision/rotate_profile": 8,
        "embedded_run_failover_decision/fallback_model": 12,
    }
    alone, both = told(tmp_path, hang), told(tmp_path, console, hang)
    assert both["runs"] == alone["runs"]
    assert both["occupations"] == alone["occupations"]


def spoken(log):
    """Yield the failover decisions of a log as the console of 2026.4.5 words them."""
    for line in log.read_text().splitlines():
        top = json.loads(line)
        meta = top["1"]
        if isinstance(meta, dict) and meta["event"] == "embedded_run_failover_decision":
            yield (
                f"{top['_meta']['date']} [agent] embedded run failover decision: runId={meta['runId']} "
                f"stage={meta['stage']} decision={meta['decision']} reason={meta['failoverReason']} "
                f"provider={meta['provider']}/{meta['model']} profile={meta['profileId']}"
            )


def test_a_log_that_tells_more_than_is_kept_says_from_when_on_it_is_whole(monkeypatch):
    monkeypatch.setattr(replay_module, "PAST", Limits(runs=3))
    found = replay([str(RECORDINGS / "2026.4.5-incident-hang" / "gateway.log")])
    assert len(found.runs) == 3
    (problem,) = found.problems
    assert re.search(
        r"\(3 runs, [^)]*\): what happened before 2026-11-22T\d\d:\d\d:\d\d\.\d\d\dZ is not complete", problem
    )


def test_a_log_that_tells_of_more_refused_starts_than_are_kept_names_that_limit(tmp_path):
    refused = (
        "[gateway] Gateway failed to start: gateway already running (pid 396); lock timeout after 5000ms"
    )
    log = tmp_path / "gateway.log"
    log.write_text(
        "".join(
            f"2026-05-09T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z {refused}\n"
            for n in range(0, 50_000, 10)
        )
    )
    (problem,) = replay([str(log)]).problems
    assert f"{replay_module.PAST.refused_starts} refused starts): what happened before 2026-05-09T" in problem


def test_the_text_says_who_was_occupied_and_what_the_policy_says(tmp_path):
    log = RECORDINGS / "2026.4.5-incident-hang" / "gateway.log"
    done = lockdeck("replay", log, env={"HOME": str(tmp_path)}, text=True)
    assert done.returncode == 0
    assert "agent:silas:main" in done.stdout
    assert "the fix of openclaw#62351 would have stopped here (attempt 1)" in done.stdout
    assert "4 runs (4 with decisions)" in done.stdout


def clocked_log(tmp_path, *lines):
    log = tmp_path / "terminal.log"
    log.write_text("".join(f"{line}\n" for line in lines))
    return log


def timeout_at(clock, profile, decision):
    timeout = f"{clock} [agent] embedded run timeout: runId=r sessionId=s timeoutMs=600000"
    words = f"runId=r stage=assistant decision={decision} reason=timeout provider=a/b profile={profile}"
    return timeout, f"{clock} [agent] embedded run failover decision: {words}"


def test_a_log_without_a_date_tells_clocks_and_differences(tmp_path):
    lines = (*timeout_at("23:55:00", "a", "rotate_profile"), *timeout_at("00:05:00", "b", "fallback_model"))
    log = clocked_log(tmp_path, *lines)
    text = lockdeck("replay", log, env={"HOME": str(tmp_path)}, text=True).stdout
    assert "occupied 20m 00s from 23:45:00 to 00:05:00 (no date in this log), locked 20m 00s" in text
    assert "end not logged: the log ends here; the run may have gone on" in text
    assert text.count("10m 00s  timeout") == 2
    (occupation,) = told(tmp_path, log)["occupations"]
    assert (occupation["since"], occupation["until"], occupation["ms"]) == (None, None, 1_200_000)
    assert (occupation["sinceClock"], occupation["untilClock"]) == ("23:45:00", "00:05:00")
    assert (occupation["times"], occupation["end"], occupation["logGoesOnMs"]) == ("no date", "log ends", 0)
    first = occupation["attempts"][0]
    assert (first["startedAt"], first["startedClock"], first["endedClock"]) == (None, "23:45:00", "23:55:00")
    assert (first["durationMs"], first["startAssumed"], first["times"]) == (600_000, False, "no date")


def test_a_log_without_any_time_tells_an_order_and_measures_nothing(tmp_path):
    log = clocked_log(tmp_path, *(line[9:] for line in timeout_at("00:00:00", "a", "rotate_profile")))
    text = lockdeck("replay", log, env={"HOME": str(tmp_path)}, text=True).stdout
    assert "occupied - (time not told), locked -: end not logged" in text
    (occupation,) = told(tmp_path, log)["occupations"]
    assert (occupation["ms"], occupation["heldMs"], occupation["times"]) == (None, None, "not told")
    assert occupation["attempts"][0]["durationMs"] is None


def test_a_start_that_no_line_tells_is_marked(tmp_path):
    decisions = [
        timeout_at(clock, profile, "rotate_profile")[1]
        for clock, profile in (("2026-05-09T10:00:00Z", "a"), ("2026-05-09T10:01:00Z", "b"))
    ]
    log = clocked_log(tmp_path, *decisions, "2026-05-09T10:01:30Z [gateway] ready")
    text = lockdeck("replay", log, env={"HOME": str(tmp_path)}, text=True).stdout
    assert "occupied ~2m 00s (2026-05-09T09:59:00.000Z to 2026-05-09T10:01:00.000Z), locked ~2m 00s" in text
    assert text.count("~1m 00s  timeout -> the next account  (start not logged)") == 2
    assert "end not logged: the log ends 30 s later; the run may have gone on" in text
    (occupation,) = told(tmp_path, log)["occupations"]
    assert (occupation["sinceAssumed"], occupation["heldAssumed"]) == (True, True)
    assert [attempt["startAssumed"] for attempt in occupation["attempts"]] == [True, True]


def test_a_log_that_goes_on_for_long_without_the_end_of_a_run_says_so(tmp_path):
    lines = timeout_at("2026-05-09T10:00:00Z", "a", "rotate_profile")
    log = clocked_log(tmp_path, *lines, "2026-05-09T13:00:00Z [gateway] ready")
    text = lockdeck("replay", log, env={"HOME": str(tmp_path)}, text=True).stdout
    assert "end not logged, and the log goes on for 3h 00m" in text
    assert told(tmp_path, log)["occupations"][0]["end"] == "not logged"


def test_a_run_that_lockdeck_cancelled_is_aborted_and_not_failed(tmp_path):
    """The log calls it failed; the journal names the run, and only by that are the two joined."""
    log = RECORDINGS / "2026.4.5-incident-hang" / "gateway.log"
    run, other, *_ = told(tmp_path, log)["runs"]
    ended_at = datetime.fromisoformat(run["endedAt"]).timestamp()
    state = tmp_path / "state"
    journal = Journal(str(state / "journal.jsonl"), lambda: ended_at + 2.0)
    facts = {"key": run["sessionKey"], "root": "/r", "user": "alice", "rung": "abort"}
    journal.append("cancel-end", **facts, runId=run["runId"], outcome={"worked": True})
    done = lockdeck("replay", log, "--json", env={"HOME": str(tmp_path), "LOCKDECK_STATE_DIR": str(state)})
    outcomes = {r["runId"]: (r["outcome"], r["cancelled"]) for r in json.loads(done.stdout)["runs"]}
    assert outcomes[run["runId"]][0] == "aborted"
    assert outcomes[run["runId"]][1]["user"] == "alice"
    assert outcomes[other["runId"]] == ("failed", None)
    text = lockdeck("replay", log, env={"HOME": str(tmp_path), "LOCKDECK_STATE_DIR": str(state)})
    assert text.stdout.count(b": cancelled by lockdeck (user alice) at ") == 1


@pytest.mark.parametrize("clocks_first", [True, False])
def test_a_log_does_not_end_where_lines_with_a_date_follow_those_with_clocks_or_the_other_way_round(
    tmp_path, clocks_first
):
    parts = [timeout_at("10:00:00", "a", "rotate_profile"), ["2026-05-09T22:00:00Z [gateway] ready"]]
    if not clocks_first:
        parts = [timeout_at("2026-05-09T10:00:00Z", "a", "rotate_profile"), ["22:00:00 [gateway] ready"]]
    log = clocked_log(tmp_path, *(line for part in parts for line in part))
    text = lockdeck("replay", log, env={"HOME": str(tmp_path)}, text=True).stdout
    assert "end not logged, and the log goes on for a time that no line tells" in text
    (occupation,) = told(tmp_path, log)["occupations"]
    assert (occupation["end"], occupation["logGoesOnMs"]) == ("not logged", None)
    log = clocked_log(tmp_path, *(line for part in reversed(parts) for line in part))
    (occupation,) = told(tmp_path, log)["occupations"]
    assert (occupation["end"], occupation["logGoesOnMs"]) == ("log ends", 0)
