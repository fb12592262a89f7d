"""`lockdeck replay --since --until --session --run`: what is told stays whole; where nothing is left it says what there is."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockdeck.backend.model.runs.selection import Selection
from lockdeck.backend.model.timespan import Timespan
from lockdeck.backend.watch.logs.past import ReadingProgress
from lockdeck.backend.watch.logs.replay import replay
from lockdeck.tui.cli import progress
from tests.folders import RECORDINGS
from tests.unit.fleetdir import command, environment, lockdeck

HANG = RECORDINGS / "2026.4.5-incident-hang" / "gateway.log"
WHOLE = replay([str(HANG)])
FIRST = min(past.since for past in WHOLE.occupations)
LAST = max(past.until for past in WHOLE.occupations)
MOMENTS = st.none() | st.floats(FIRST - 100, LAST + 100)


def selected(tmp_path, *words):
    done = lockdeck("replay", HANG, "--json", *words, env={"HOME": str(tmp_path)}, text=True)
    return done, json.loads(done.stdout) if done.stdout else None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MOMENTS, MOMENTS, st.none() | st.sampled_from([past.session_key for past in WHOLE.runs]))
def test_what_is_selected_is_told_as_without_a_selection_and_nothing_of_it_is_left_out(since, until, session):
    selection = Selection(Timespan(since, until), session)
    history = replay([str(HANG)], selection)
    assert set(history.occupations) == {
        past
        for past in WHOLE.occupations
        if session in (None, past.session_key)
        and (since is None or past.until >= since)
        and (until is None or past.since <= until)
    }
    assert set(history.runs) <= set(WHOLE.runs)
    assert {past.run_id for past in history.occupations} <= {past.run.run_id for past in history.runs}
    assert history.totals == WHOLE.totals
    assert all(count <= WHOLE.kinds[kind] for kind, count in history.kinds.items())


def test_an_occupation_that_began_before_is_told_with_its_true_start(tmp_path):
    middle = datetime.fromtimestamp((FIRST + LAST) / 2).astimezone().isoformat()
    done, found = selected(tmp_path, "--since", middle)
    assert done.returncode == 0
    starts = [occupation["since"] for occupation in found["occupations"]]
    assert starts
    assert all(datetime.fromisoformat(start).timestamp() < (FIRST + LAST) / 2 for start in starts)
    assert found["occupations"] == [
        occupation
        for occupation in selected(tmp_path)[1]["occupations"]
        if datetime.fromisoformat(occupation["until"]).timestamp() >= (FIRST + LAST) / 2
    ]


@pytest.mark.parametrize("by", ["sessionKey", "sessionId"])
def test_a_session_is_named_by_key_or_id(tmp_path, by):
    everything = selected(tmp_path)[1]
    name = everything["runs"][1][by]
    found = selected(tmp_path, "--session", name)[1]
    assert found["runs"] == [run for run in everything["runs"] if run[by] == name]
    assert sum(found["counts"].values()) < sum(everything["counts"].values())


def test_a_run_is_named_by_its_id(tmp_path):
    everything = selected(tmp_path)[1]
    run = everything["runs"][2]
    assert selected(tmp_path, "--run", run["runId"])[1]["runs"] == [run]


@pytest.mark.parametrize("words", [["--since", "1m"], ["--session", "agent:none:main"], ["--run", "none"]])
def test_a_selection_that_leaves_nothing_says_what_the_logs_cover(tmp_path, words):
    done, found = selected(tmp_path, *words)
    assert (done.returncode, found["runs"], found["counts"]) == (0, [], {})
    assert "nothing of that is in the logs: their events are from 2026-11-22T" in done.stderr
    assert "agent:silas:main" in done.stderr


@pytest.mark.parametrize("option", ["--session", "--run"])
def test_an_empty_name_selects_nothing_and_is_refused(tmp_path, option):
    done, _ = selected(tmp_path, option, "")
    assert (done.returncode, f"{option} is empty" in done.stderr) == (2, True)


@pytest.mark.parametrize("words", [["--since", "soon"], ["--until", "9:99"]])
def test_a_time_that_is_none_is_wrong_use_and_the_forms_are_shown(tmp_path, words):
    done, _ = selected(tmp_path, *words)
    assert done.returncode == 2
    assert "time of day (09:30)" in done.stderr


def test_a_span_that_ends_before_it_begins_is_wrong_use(tmp_path):
    done, _ = selected(tmp_path, "--since", "1h", "--until", "2h")
    assert (done.returncode, "is later than --until" in done.stderr) == (2, True)


def test_a_long_reading_shows_how_far_it_is_and_leaves_nothing_on_the_terminal(monkeypatch):
    shown, now = [], [0.0]
    monkeypatch.setattr(progress.sys, "stderr", Terminal(shown))
    monkeypatch.setenv("TERM", "xterm")
    with progress.reading_shown(lambda: now[0]) as report:
        for second in (0.5, 1.5, 1.6, 2.0):
            now[0] = second
            report(ReadingProgress("/logs/x.log", int(second * 50_000_000), 100_000_000))
    lines = "".join(shown).split("\r\x1b[K")
    assert lines == ["", "reading x.log: 75 of 100 MB, 75 %", "reading x.log: 100 of 100 MB, 100 %", ""]
    assert progress.progress_line(ReadingProgress("-", 5_000_000, None), 80) == "reading stdin: 5 MB"


class Terminal:
    def __init__(self, shown):
        self.shown = shown

    def isatty(self):
        return True

    def write(self, text):
        self.shown.append(text)

    def flush(self):
        pass

    def fileno(self):
        return -1


def test_a_terminal_as_stdin_is_said_and_read(tmp_path):
    ours, theirs = pty.openpty()
    os.write(ours, b"2026-05-09T10:04:23Z [plugins] ready\n\x04")
    done = subprocess.run(
        command("replay", "-"),
        env=environment({"HOME": str(tmp_path)}),
        stdin=theirs,
        capture_output=True,
        timeout=60,
        text=True,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0
    assert "reads what is typed or pasted here" in done.stderr
    assert "1 line," in done.stdout


def test_what_has_no_date_is_told_and_said_to_have_none(tmp_path):
    log = tmp_path / "undated.log"
    text = "embedded run timeout: runId=r sessionId=s timeoutMs=1000"
    log.write_text(f"[agent] {text}\n")
    done = lockdeck("replay", log, "--since", "1h", "--json", env={"HOME": str(tmp_path)}, text=True)
    assert [run["runId"] for run in json.loads(done.stdout)["runs"]] == ["r"]
    assert "1 run has no date: --since and --until can't leave it out" in done.stderr
