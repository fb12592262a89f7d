"""`release`, `cancel`, `explain` and `journal` with `--host`: another host is asked, over a real pipe."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from lockdeck.backend.system.procfs import LINUX
from tests.unit.cli.test_hosts import run
from tests.unit.fleetdir import PAST, FleetDir, actor, dead_pid, payload
from tests.unit.hosts.following import hosts_file, served

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
KEY = "agent:main:main"


class Deck:
    """A deck whose configuration names one host."""

    def __init__(self, folder, role="operator"):
        (folder / "there").mkdir()
        self.fleet = FleetDir(folder / "there")
        self.env = {"HOME": str(folder), "TMPDIR": str(folder)}
        self.config = hosts_file(folder / "deck.toml", [served(self.fleet, "--role", role, name="there")])

    def run(self, *words, host="there"):
        done = run(*words, "--host", host, "--config", self.config, env=self.env)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def json(self, *words):
        code, out, error = self.run(*words, "--json")
        assert out, error
        return code, json.loads(out)


@pytest.fixture
def deck(tmp_path):
    return Deck(tmp_path)


def leave_dead(fleet):
    lock = fleet.session(KEY)
    lock.write_text(payload(dead_pid(), PAST))
    return lock


def test_a_release_is_planned_and_done_there_and_stands_in_both_journals(deck):
    lock = leave_dead(deck.fleet)
    code, plan = deck.json("release", lock, "--dry-run")
    assert (code, plan["host"], plan["allowed"], lock.exists()) == (0, "there", True, True)
    code, done = deck.json("release", lock, "--release-id", plan["releaseId"], "--watch", 0)
    assert (code, done["status"], lock.exists()) == (0, "released", False)
    code, there = deck.json("journal")
    kinds = [entry["kind"] for entry in there["entries"]]
    assert (code, kinds[0], kinds[-1], "released" in kinds) == (0, "ask-begin", "ask-end", True)
    here = run("journal", "--json", env=deck.env)
    assert [entry["kind"] for entry in json.loads(here.stdout)["entries"]] == ["asked", "answered"]


def test_a_release_as_text_shows_plan_steps_and_outcome(deck):
    lock = leave_dead(deck.fleet)
    code, out, _ = deck.run("release", lock)
    assert (code, lock.exists()) == (2, True)  # which hold is meant is to be said
    _, plan = deck.json("release", lock, "--dry-run")
    code, out, error = deck.run("release", lock, "--release-id", plan["releaseId"], "--watch", 0)
    assert (code, lock.exists()) == (0, False)
    assert "safe because" in out
    assert f"{lock} on there: released" in out
    assert "proving everything a second time" in error


def test_what_is_held_is_refused_with_3_and_explained(deck):
    lock = deck.fleet.session(KEY)
    with actor() as holder:
        holder.take(lock)
        code, told = deck.json("release", lock, "--dry-run")
        assert (code, told["allowed"]) == (3, False)
        code, told = deck.json("explain", lock)
        assert (told["host"], told["verdict"], told["pid"]) == ("there", "held", holder.pid)
        code, told = deck.json("explain", KEY)
        assert (told["session"]["host"], told["session"]["key"]) == ("there", KEY)


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_the_command_that_status_prints_for_a_host_acts_on_that_host(deck, form):
    lock = leave_dead(deck.fleet)
    told = run("status", "--hosts", deck.config, "--format", form, env=deck.env).stdout.decode()
    (line,) = {part for part in re.findall(r"lockdeck release [^`\n]*", told) if "--release-id" in part}
    words = shlex.split(line)
    assert words[-4:] == ["--host", "there", "--hosts", str(deck.config)]
    done = run(*words[1:], "--watch", 0, env=deck.env)
    assert (done.returncode, lock.exists()) == (0, False), done.stderr


def test_a_deck_of_the_configuration_names_it_in_its_commands_so_that_they_act_from_anywhere(deck):
    lock = leave_dead(deck.fleet)
    told = run("status", "--config", deck.config, "--format", "table", env=deck.env).stdout.decode()
    (line,) = set(re.findall(r"lockdeck release [^`\n]*--host there[^`\n]*", told))
    words = shlex.split(line)
    assert words[-4:] == ["--host", "there", "--config", str(deck.config)]
    done = run(*words[1:], "--watch", 0, env=deck.env)
    assert (done.returncode, lock.exists()) == (0, False), done.stderr


def test_explain_names_the_host_in_its_commands(deck):
    lock = leave_dead(deck.fleet)
    _, told = deck.json("explain", KEY)
    commands = [option["command"] for option in told["answer"]["now"] if option["command"]]
    assert commands
    assert all(f"--host there --config {deck.config}" in command for command in commands)
    assert lock.exists()


def test_hosts_without_the_one_that_is_meant_are_wrong_use_and_nothing_is_done_here(deck):
    lock = leave_dead(deck.fleet)
    done = run("release", lock, "--release-id", "x", "--hosts", deck.config, env=deck.env)
    assert (done.returncode, lock.exists()) == (2, True)
    assert b"--host" in done.stderr


def test_addresses_without_a_command_are_the_status_of_hosts_where_there_is_no_terminal(deck):
    done = run("ssh://nobody.invalid", env={**deck.env, "PATH": "/nonexistent"})
    assert done.returncode == 1
    assert b"host nobody.invalid  lost" in done.stdout


def test_a_ladder_is_shown_and_a_cancel_that_none_of_it_allows_is_refused(deck):
    lock = deck.fleet.session(KEY)
    with actor() as holder:
        holder.take(lock)
        code, plan = deck.json("cancel", KEY, "--dry-run")
        assert (plan["key"], plan["rungs"]) == (KEY, [])
        assert "operator" in plan["leftOut"][-1]["why"]
        code, out, _ = deck.run("cancel", KEY, "--dry-run")
        assert "not terminate" in out
        code, done = deck.json("cancel", KEY, "--allow", "terminate")
        assert (code, done["status"], holder.process.poll()) == (3, "refused", None)


def test_a_viewer_changes_nothing(tmp_path):
    deck = Deck(tmp_path, role="viewer")
    lock = leave_dead(deck.fleet)
    code, out, error = deck.run("release", lock, "--release-id", "x")
    assert (code, out, lock.exists()) == (1, "", True)
    assert "role viewer" in error
    assert deck.json("journal")[0] == 0


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("release", "--all-dead"), "one LOCK"),
        (("release", "/x.lock", "--override", "leaked", "--yes-i-checked", "/x.lock"), "on that host"),
        (("cancel", "--all"), "session keys"),
        (("explain", "/nothing.lock"), "no lock /nothing.lock is seen"),
    ],
)
def test_what_can_not_be_asked_of_another_host_is_wrong_use(deck, words, fault):
    code, _, error = deck.run(*words)
    assert code == 2
    assert fault in error


def test_a_host_that_is_none_is_wrong_use(deck):
    code, _, error = deck.run("journal", host="elsewhere")
    assert code == 2
    assert "there" in error


def test_read_only_asks_for_nothing(deck):
    lock = leave_dead(deck.fleet)
    assert deck.run("release", lock, "--release-id", "x", "--read-only")[0] == 3
    assert deck.run("cancel", KEY, "--read-only")[0] == 3
    assert lock.exists()
