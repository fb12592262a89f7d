"""A limit of the system that keeps directories from being watched is a problem of every root, and never `live`."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from lockdeck.backend.model.trust import Vouch
from lockdeck.backend.openclaw.roots.discovery import Root
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.wakeup import hints, wakeup
from lockdeck.backend.watch.wakeup.hints import Hints
from lockdeck.backend.watch.wakeup.wakeup import Wakeup
from tests.unit.fleetdir import FleetDir, environment

DEADLINE_S = 20
LIMIT = (
    "the limit fs.inotify.max_user_watches (8) is reached; raise it: sysctl fs.inotify.max_user_watches=1024"
)
# The child lowers the limit of its own user namespace, and watches until a snapshot says what is wrong.
CHILD = """
import sys, threading
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.watch.collector import Collector
with open(f"/proc/sys/user/{sys.argv[2]}", "w") as file:
    file.write(sys.argv[3])
stop, snapshots = threading.Event(), []
threading.Timer(20, stop.set).start()
def publish(snapshot):
    snapshots.append(snapshot.roots[0])
    if "is reached" in str(snapshot.roots[0].problems):
        stop.set()
Collector.discover([sys.argv[1]], Settings(), env={"HOME": sys.argv[1]}).run(publish, stop)
print(snapshots[-1].watch, *snapshots[-1].problems, flush=True)
import os; os._exit(0)
"""


@pytest.fixture
def fleet(tmp_path):
    fleet = FleetDir(tmp_path)
    for number in range(6):
        fleet.session(f"agent:a{number}:main")
    return fleet


@pytest.mark.skipif(
    not LINUX or shutil.which("unshare") is None, reason="inotify and user namespaces are of Linux"
)
@pytest.mark.parametrize(("limit", "most"), [("max_inotify_watches", 3), ("max_inotify_instances", 0)])
def test_at_the_real_limit_the_root_is_polled_and_its_line_says_which_sysctl_to_raise(fleet, limit, most):
    namespace = ("unshare", "--user", "--map-root-user")
    if subprocess.run([*namespace, "true"], capture_output=True).returncode != 0:
        pytest.skip("no user namespace is to be had here")
    line = [*namespace, sys.executable, "-c", CHILD, str(fleet.root), limit, str(most)]
    done = subprocess.run(line, env=environment(fleet.env), capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("polling "), done.stderr
    assert f"sysctl fs.inotify.{limit.replace('inotify', 'user')}=" in done.stdout


@pytest.fixture
def limited(monkeypatch):
    """The limit as the test sets it, looked for at every turn of the watch."""
    limit = [LIMIT]
    monkeypatch.setattr(hints, "PROBE_S", 0.0)
    monkeypatch.setattr(hints, "_limit_at", lambda _: limit[0])
    return limit


def until(condition):
    import time

    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_watch_at_the_limit_goes_on_with_a_problem_and_ends_when_the_limit_is_raised(tmp_path, limited):
    watch = Hints([str(tmp_path)], lambda _: None).start()
    until(lambda: watch.problem)
    assert (watch.live, watch.watches) == (False, True)
    assert LIMIT in watch.problem
    limited[0] = None
    until(lambda: not watch.watches)
    assert watch.problem is None


def test_every_root_tells_of_the_limit_and_a_new_watch_follows_when_it_is_raised(fleet, limited):
    root = WatchedRoot(Root(str(fleet.root), Vouch()), fleet.env)
    root.refresh()
    alarm = Wakeup()
    alarm.watch([root])
    until(lambda: list(alarm.polling_reasons(root)))
    assert not alarm.live
    alarm.watch([root])
    assert root.view(alarm.live, None, tuple(alarm.polling_reasons(root))).watch == "polling"
    limited[0] = None
    until(lambda: not alarm._hints.watches)
    alarm.watch([root])
    until(lambda: alarm.live)
    alarm.stop()


def test_events_that_could_not_be_had_are_tried_for_again(fleet, monkeypatch):
    import watchfiles

    def fails(*_paths, **_options):
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setattr(wakeup, "RETRY_S", 0.0)
    root = WatchedRoot(Root(str(fleet.root), Vouch()), fleet.env)
    root.refresh()
    alarm = Wakeup()
    with monkeypatch.context() as patch:
        patch.setattr(watchfiles, "watch", fails)
        alarm.watch([root])
        until(lambda: not alarm._hints.watches)
        assert list(alarm.polling_reasons(root))
    alarm.watch([root])
    until(lambda: alarm.live)
    alarm.stop()
