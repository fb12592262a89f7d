"""`lockdeck watch`: one line per change, until interrupted."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from jsonschema import Draft202012Validator

from lockdeck.backend.system.procfs import LINUX
from tests.unit.cli.test_cli import SCHEMA
from tests.unit.fleetdir import (
    PAST,
    FleetDir,
    actor,
    command,
    dead_pid,
    environment,
    interrupt,
    lockdeck,
    payload,
)

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")


@pytest.fixture
def fleet(tmp_path):
    return FleetDir(tmp_path)


def options(fleet):
    return ("--config", fleet.settings_file(), "--log", fleet.log)


def watch(fleet, *words):
    return lockdeck("watch", *options(fleet), *words, env=fleet.env)


class Watching:
    """A watch that goes on; its lines are awaited, each with the process's own end as the deadline."""

    def __init__(self, fleet):
        # `--for` ends it where a test would wait in vain.
        words = command("watch", "--json", "--for", "60", *options(fleet))
        self.process = subprocess.Popen(words, env=environment(fleet.env), stdout=subprocess.PIPE)

    def until(self, fits):
        """Read lines until one fits."""
        for line in self.process.stdout:
            found = json.loads(line)
            if fits(found):
                return found
        raise AssertionError("the watch ended without it")

    def end(self):
        """Interrupt; return the exit code."""
        interrupt(self.process)
        self.process.stdout.close()
        return self.process.wait(30)


@pytest.fixture
def watching(fleet):
    fleet.session()
    going = Watching(fleet)
    yield going
    going.process.kill()
    going.process.stdout.close()
    going.process.wait()


def is_lock(how):
    return lambda line: (line["subject"], line["change"]) == ("lock", how)


def test_every_line_is_json_with_the_whole_thing_it_is_about(fleet):
    with actor() as holder:
        holder.take(fleet.session())
        done = watch(fleet, "--json", "--for", "0")
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["subject"] for line in lines} == {"root", "session", "lock"}
    for line in lines:
        assert list(line)[:4] == ["schema", "at", "subject", "change"]
        assert (line["schema"], line["change"]) == (2, "appeared")
        part = {"$ref": f"#/$defs/{line['subject']}", "$defs": SCHEMA["$defs"]}
        Draft202012Validator(part).validate(line[line["subject"]])


def test_it_ends_after_the_seconds_given_with_the_exit_code_of_status(fleet):
    fleet.session().write_text(payload(dead_pid(), PAST))
    assert watch(fleet, "--for", "0.1").returncode == 1


def test_as_text_a_line_names_verdict_and_path(fleet):
    lock = fleet.session()
    lock.write_text(payload(dead_pid(), PAST))
    lines = watch(fleet, "--for", "0").stdout.decode().splitlines()
    assert any(
        "lock" in line and "appeared" in line and "dead" in line and str(lock) in line for line in lines
    )


def test_a_lock_that_comes_and_goes_is_told_and_ctrl_c_ends_with_130(fleet, watching):
    lock = fleet.session("agent:main:second")
    with actor() as holder:
        holder.take(lock)
        seen = watching.until(is_lock("appeared"))
        assert (seen["lock"]["path"], seen["lock"]["verdict"]) == (str(lock), "held")
        holder.release(lock)
        assert watching.until(is_lock("vanished"))["lock"]["path"] == str(lock)
    assert watching.end() == 130


INTERRUPTED_WITH_THE_LOCK = """
import signal, sys
from lockdeck.tui.cli.watch import watch_fleet
class Collector:
    def run(self, publish, stop):
        with stop._cond:
            signal.raise_signal(signal.SIGINT)
        assert stop.wait(20)
sys.exit(watch_fleet(Collector(), None, False))
"""


def test_ctrl_c_is_heeded_also_in_the_moment_in_which_the_watch_goes_to_sleep():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_WITH_THE_LOCK], timeout=30, check=False)
    assert done.returncode == 130


def test_the_death_of_a_holder_is_a_change_of_its_lock(fleet, watching):
    with actor() as holder:
        holder.take(fleet.session("agent:main:second"))
        watching.until(is_lock("appeared"))
        holder.end()
        seen = watching.until(lambda line: is_lock("changed")(line) and line["lock"]["verdict"] == "dead")
    assert seen["lock"]["releasable"] is True
    assert watching.end() == 130


def test_a_quiet_fleet_is_not_watched_for_a_reader_that_has_gone(fleet, watching):
    watching.until(lambda line: line["subject"] == "session")
    watching.process.stdout.close()
    # Well before the end that `--for` gives it.
    watching.process.wait(20)
    assert watching.process.returncode in (0, 1)


@pytest.mark.parametrize("end", [subprocess.DEVNULL, "file"])
def test_an_output_that_has_no_reader_to_lose_is_no_reason_to_end(fleet, tmp_path, end):
    fleet.session()
    with open(tmp_path / "output", "wb") as file:
        words = command("watch", "--json", "--for", "1", *options(fleet))
        begun = time.monotonic()
        stdout = file if end == "file" else end
        subprocess.run(words, env=environment(fleet.env), stdout=stdout, check=False, timeout=60)
    assert time.monotonic() - begun >= 1
