"""What can't be read is a line with path and reason, and never "nothing needs a person"."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from jsonschema import Draft202012Validator

from lockdeck.backend.system.procfs import LINUX
from tests.unit.cli.test_cli import SCHEMA
from tests.unit.fleetdir import PAST, FleetDir, actor, command, dead_pid, environment, payload

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")

_DROP = "-dac_override,-dac_read_search"
POWERLESS = ("setpriv", f"--bounding-set={_DROP}", f"--inh-caps={_DROP}") if os.geteuid() == 0 else ()
if POWERLESS and shutil.which("setpriv") is None:
    pytest.skip("root reads everything, and there is no setpriv", allow_module_level=True)


@pytest.fixture
def fleet(tmp_path):
    fleet = FleetDir(tmp_path)
    fleet.session()
    fleet.session("agent:silas:main")
    fleet.config()
    return fleet


@pytest.fixture
def forbid():
    """Take all permissions from paths; they have them again at the end."""
    taken = []

    def take(path, mode=0):
        taken.append((path, path.stat().st_mode))
        path.chmod(mode)
        return path

    yield take
    for path, mode in reversed(taken):
        path.chmod(mode)


def run(fleet, *words):
    """Run the command line without the right to read everything."""
    line = [*POWERLESS, *command(*words, "--config", fleet.settings_file())]
    env = environment(fleet.env)
    return subprocess.run(line, env=env, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)


def status(fleet, *words):
    done = run(fleet, "status", "--json", "--log", fleet.log, *words)
    found = json.loads(done.stdout)
    Draft202012Validator(SCHEMA).validate(found)
    return found, done.returncode


def agents(fleet):
    return fleet.root / "agents"


PLACES = {
    "the agents folder": (agents, 0),
    "an agents folder that may be listed but not entered": (agents, 0o444),
    "one agent's folder": (lambda fleet: agents(fleet) / "silas", 0),
    "one sessions folder": (lambda fleet: fleet.sessions("silas"), 0),
    "a sessions folder that may be entered but not listed": (lambda fleet: fleet.sessions("silas"), 0o111),
    "the configuration, which may name another store": (lambda fleet: fleet.root / "openclaw.json", 0),
    "one session store": (lambda fleet: fleet.sessions("silas") / "sessions.json", 0),
}


@pytest.mark.parametrize("name", PLACES)
def test_what_cannot_be_read_is_a_problem_of_its_root_and_needs_a_person(fleet, forbid, name):
    where, mode = PLACES[name]
    path = forbid(where(fleet), mode)
    found, code = status(fleet)
    (root,) = found["roots"]
    assert code == 1
    assert root["unseen"]
    assert found["summary"]["needsPerson"]
    assert any(str(path) in problem and "Permission denied" in problem for problem in root["problems"])


def test_all_that_can_be_read_beside_it_is_shown(fleet, forbid):
    forbid(fleet.sessions("silas"))
    found, _ = status(fleet)
    assert [session["agent"] for session in found["sessions"]] == ["main"]


def test_a_root_that_cannot_be_read_beside_a_good_one_needs_a_person(fleet, forbid, tmp_path):
    hidden = tmp_path / "hidden"
    (hidden / "agents").mkdir(parents=True)
    for mode, word in ((0, "can't be listed"), (0o444, "can't be looked into")):
        forbid(hidden, mode)
        found, code = status(fleet, fleet.root, hidden)
        assert (code, [root["unseen"] for root in found["roots"]]) == (1, [False, True])
        (problem,) = found["roots"][1]["problems"]
        assert problem == f"{hidden} {word}: Permission denied"


def test_with_nothing_hidden_nobody_is_needed(fleet):
    found, code = status(fleet)
    assert (code, found["roots"][0]["unseen"], found["roots"][0]["problems"]) == (0, False, [])


@pytest.fixture
def secret(fleet, forbid):
    """A lock of a dead process that may not be read."""
    lock = fleet.session("agent:main:second")
    lock.write_text(payload(dead_pid(), PAST))
    return forbid(lock)


def test_a_lock_that_may_not_be_read_is_explained_as_status_judges_it(fleet, secret):
    done = run(fleet, "explain", secret, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (0, "unreadable")
    assert any("Permission denied" in reason for reason in found["reasons"])
    (shown,) = status(fleet)[0]["locks"]
    assert (shown["verdict"], shown["reasons"]) == (found["verdict"], found["reasons"])


def test_a_lock_that_may_not_be_read_is_refused(fleet, secret):
    done = run(fleet, "release", secret, "--release-id", "abc")
    assert done.returncode == 3
    assert "Permission denied" in done.stdout.decode()
    assert secret.exists()


def test_a_log_that_may_not_be_read_is_a_note(fleet, forbid):
    forbid(fleet.log)
    found, code = status(fleet)
    assert code == 0
    assert any(fleet.log.name in note and "Permission denied" in note for note in found["notes"])


def test_a_log_that_may_not_be_read_does_not_cost_the_others(fleet, forbid):
    bad = fleet.home / "bad.log"
    bad.touch()
    forbid(bad)
    fleet.log.write_text('{"time":"2026-04-06T10:00:00.000Z","0":"hello"}\n')
    done = run(fleet, "replay", "--json", fleet.log, bad)
    found = json.loads(done.stdout)
    assert (done.returncode, found["logs"]) == (0, [str(fleet.log)])
    assert any("bad.log can't be read: Permission denied" in problem for problem in found["problems"])


@pytest.mark.parametrize("command_name", ["explain", "release"])
def test_a_lock_that_was_never_there_is_wrong_use_for_every_command(fleet, command_name):
    done = run(fleet, command_name, fleet.sessions() / "none.jsonl.lock")
    assert (done.returncode, done.stdout) == (2, b"")
    assert "no such lock file" in done.stderr.decode()


def test_a_hold_that_is_named_and_gone_is_refused(fleet):
    done = run(
        fleet, "release", fleet.sessions() / "none.jsonl.lock", "--release-id", "abcdef123456", "--json"
    )
    told = json.loads(done.stdout)
    assert (done.returncode, told["status"]) == (3, "refused")
    assert "the lock file is gone" in told["sentences"]
    assert not any("unreadable" in sentence for sentence in told["sentences"])


def test_release_names_who_has_a_removed_lock_open(fleet):
    lock = fleet.session("agent:main:second")
    with actor() as holder:
        holder.take(lock).unlink()
        done = run(fleet, "release", lock, "--release-id", "abc")
        told = done.stdout.decode()
        assert done.returncode == 3
        assert f"pid {holder.pid} " in told
        assert "nobody has it open" not in told
