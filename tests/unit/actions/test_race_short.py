"""The short form of the race test: the same code as `python -m tests.race`, for some seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.folders import REPOSITORY

HERE = str(REPOSITORY)

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")


def race(tmp_path, *options):
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.race", "--folder", str(tmp_path), "--json", str(report), *options],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=100,
    )
    results = json.loads(report.read_text()) if report.exists() else []
    return done, results


def test_lockdeck_robs_nobody(tmp_path):
    done, results = race(
        tmp_path, "--scenario", "patient", "--releaser", "lockdeck", "--releases", "30", "--seconds", "80"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert results[0]["counts"]["released"] >= 30
    assert results[0]["counts"]["robbed"] == results[0]["counts"]["double"] == 0


def test_the_same_race_shows_how_check_then_unlink_robs(tmp_path):
    """Else the race could not fail."""
    _, results = race(
        tmp_path,
        *("--scenario", "patient", "--releaser", "check-then-unlink", "--short", "80", "--robberies", "3"),
    )
    assert results[0]["counts"]["robbed"] > 0
    assert results[0]["counts"]["double"] > 0


def test_killed_between_any_two_system_calls_nothing_is_lost_or_displaced(tmp_path):
    done, _ = race(tmp_path, "--kills", "40")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 rules broken" in done.stdout


def test_lockdeck_robs_nobody_while_the_wall_clock_is_set_again_and_again(tmp_path):
    done, results = race(
        tmp_path,
        *(
            "--scenario",
            "patient",
            "--releaser",
            "lockdeck, clock steps",
            "--releases",
            "30",
            "--seconds",
            "80",
        ),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert results[0]["counts"]["released"] >= 30
    assert results[0]["counts"]["robbed"] == results[0]["counts"]["double"] == 0


def test_a_release_that_does_not_wait_for_slow_starts_lets_them_rob(tmp_path):
    """What the rule about newcomers is for: OpenClaw judges the old lock, and deletes the next one."""
    options = (
        "--scenario",
        "slow starts",
        "--releaser",
        "without the rule",
        "--short",
        "80",
        "--robberies",
        "2",
    )
    _, results = race(tmp_path, *options)
    assert results[0]["counts"]["robbed"] > 0


def test_one_that_waits_lets_nobody_be_robbed_and_is_not_starved(tmp_path):
    """There is always a young process: a new one starts as soon as one has ended."""
    done, results = race(tmp_path, "--scenario", "slow starts", "--releaser", "lockdeck", "--short", "12")
    assert done.returncode == 0, done.stdout + done.stderr
    assert results[0]["counts"]["released"] > 0
    assert results[0]["counts"]["robbed"] == results[0]["counts"]["double"] == 0


@pytest.mark.parametrize("points", [("--errors", "40"), ("--stops", "24")])
def test_whatever_call_fails_and_wherever_it_is_stopped_nothing_is_lost_or_displaced(tmp_path, points):
    done, _ = race(tmp_path, *points)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 rules broken" in done.stdout
