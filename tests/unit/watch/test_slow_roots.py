"""A root whose files are not given out is unseen with the reason, by every way in, and the others go on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading

import pytest

from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system import patience
from lockdeck.backend.system.volumes import Mounts
from lockdeck.backend.watch import collector as collecting
from lockdeck.backend.watch.collector import Collector
from tests.secondowner import needs_root
from tests.slowfiles import not_given_out
from tests.unit.fleetdir import FleetDir, command, dead_pid, environment, payload

pytestmark = needs_root
SLOW, GOOD = "agent:main:slow", "agent:main:good"


def root_of(folder, key):
    folder.mkdir()
    fleet = FleetDir(folder)
    fleet.config()
    lock = fleet.session(key)
    lock.write_text(payload(dead_pid()))
    (fleet.root / "logs").mkdir()
    (fleet.root / "logs" / "gateway.log").write_text("nothing\n")
    fleet.lock = lock
    return fleet


@pytest.fixture
def slow(tmp_path):
    return root_of(tmp_path / "slow", SLOW)


@pytest.fixture
def good(tmp_path):
    return root_of(tmp_path / "good", GOOD)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(collecting, "READ_S", 1.0)
    monkeypatch.setattr(patience, "REST_S", 0.0)


PARTS = {
    "root": lambda slow: slow.root,
    "config": lambda slow: slow.root / "openclaw.json",
    "agents": lambda slow: slow.root / "agents",
    "sessions": lambda slow: slow.sessions(),
    "store": lambda slow: slow.sessions() / "sessions.json",
    "lock": lambda slow: slow.lock,
}
every_part = pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)


def readers():
    return sum(thread.name == "lockdeck-reader" for thread in threading.enumerate())


def looks(collector):
    """Return the state of each root, and the sessions that are told, of one look."""
    snapshot = collector.look()
    states = {root.path: (root.unseen, "; ".join(root.problems)) for root in snapshot.roots}
    return states, {session.key for session in snapshot.sessions}


@every_part
def test_one_look_tells_the_root_as_unseen_and_the_others_as_ever(slow, good, part):
    with not_given_out(part(slow)):
        collector = Collector.discover([str(slow.root), str(good.root)], Settings(), env=good.env)
        states, sessions = looks(collector)
        collector.close()
    unseen, problems = states[str(slow.root)]
    assert unseen
    assert "were not read within" in problems
    assert (states[str(good.root)][0], sessions) == (False, {GOOD})


@every_part
def test_a_watch_goes_on_without_more_threads_and_takes_the_root_up_again(slow, good, part, monkeypatch):
    # As of a drive that others serve: of any other, the kernel's own disks, watchfiles lists directories itself.
    monkeypatch.setattr(Mounts, "reach_others", lambda _mounts, _path: True)
    collector = Collector.discover([str(slow.root), str(good.root)], Settings(rescan_s=0.05), env=good.env)
    stop, turns, before = threading.Event(), [], readers()

    def publish(snapshot):
        unseen = {root.path: root.unseen for root in snapshot.roots}
        turns.append((unseen[str(slow.root)], {session.key for session in snapshot.sessions}, readers()))
        if len(turns) == 1:
            os.utime(part(slow))  # what did not change is not read again
            blocked.__enter__()
        elif hidden() and not let_go.is_set():
            let_go.set()
            blocked.__exit__(None, None, None)
        elif let_go.is_set() and turns[-1][:2] == (False, {SLOW, GOOD}):
            stop.set()

    def hidden():
        """Return whether the root was unseen in several looks, in which the other was seen."""
        return [turn[:2] for turn in turns].count((True, {GOOD})) >= 3

    let_go, blocked = threading.Event(), not_given_out(part(slow))
    collector.run(publish, stop)
    assert max(count for _, _, count in turns) <= before + 3


def test_a_log_that_is_not_given_out_is_no_log_that_was_read(slow, good):
    log = slow.root / "logs" / "gateway.log"
    with not_given_out(log):
        collector = Collector.discover([str(slow.root), str(good.root)], Settings(), env=good.env)
        snapshot = collector.look()
        collector.close()
    assert {session.key for session in snapshot.sessions} >= {GOOD}
    states = {root.path: root for root in snapshot.roots}
    assert [source.state for source in states[str(slow.root)].sources if source.where == str(log)] != ["read"]


def test_the_command_ends_although_a_thread_of_it_does_not(slow, good):
    words = command("status", "--json", slow.root, good.root)
    with not_given_out(slow.sessions() / "sessions.json"):
        done = subprocess.run(words, env=environment(good.env), capture_output=True, timeout=60)
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert {session["key"] for session in told["sessions"]} == {GOOD}
    assert {root["path"]: root["unseen"] for root in told["roots"]} == {
        str(slow.root): True,
        str(good.root): False,
    }


def test_a_pipe_in_place_of_a_file_is_refused_before_it_could_block(slow, good):
    for name in ("openclaw.json", "agents/main/sessions/sessions.json"):
        (slow.root / name).unlink()
        os.mkfifo(slow.root / name)
    shutil.rmtree(slow.root / "logs")
    collector = Collector.discover([str(slow.root), str(good.root)], Settings(), env=good.env)
    states, sessions = looks(collector)
    collector.close()
    assert "named pipe" in states[str(slow.root)][1]
    assert GOOD in sessions


def test_two_slow_roots_are_never_at_once_in_a_step_that_changes_what_they_share(slow, good, monkeypatch):
    collector = Collector.discover([str(slow.root), str(good.root)], Settings(), env=good.env)
    inside, most, pause = [], [], threading.Event()

    def step(root):
        inside.append(root.path)
        most.append(len(inside))
        pause.wait(0.15)
        inside.remove(root.path)

    collector._roots.each_alone(step)
    collector.close()
    assert most == [1, 1]
