"""A limit of the system that keeps directories from being watched is a problem of every root, and never `live`."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys

import pytest

from lockdeck.backend.model.trust import Vouch
from lockdeck.backend.openclaw.roots.discovery import Root
from lockdeck.backend.system.inotify import Inotify, reached_limit
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.logs.paths import LogPaths
from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.wakeup.wakeup import Wakeup
from tests.unit.fleetdir import FleetDir, environment

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
    """The error with which the kernel refuses a watch, as long as there is one."""
    error, add = [OSError(errno.ENOSPC, "No space left on device")], Inotify.add

    def refusing(instance, path, mask):
        if error[0] is not None and path.endswith("sessions"):
            raise error[0]
        return add(instance, path, mask)

    monkeypatch.setattr(Inotify, "add", refusing)
    return error


@pytest.mark.skipif(not LINUX, reason="inotify is of Linux")
def test_every_root_tells_of_the_limit_until_it_is_raised(fleet, limited):
    root = WatchedRoot(Root(str(fleet.root), Vouch()), fleet.env)
    root.refresh()
    alarm = Wakeup()
    alarm.watch([root], LogPaths())
    assert not alarm.live
    (reason,) = alarm.polling_reasons(root)
    assert "sysctl fs.inotify.max_user_watches=" in reason
    assert root.view(alarm.live, None, (reason,)).watch == "polling"
    limited[0] = None
    alarm.watch([root], LogPaths())
    assert alarm.live
    assert list(alarm.polling_reasons(root)) == []
    alarm.stop()


def test_an_error_that_is_no_limit_is_told_in_its_own_words():
    assert reached_limit(OSError(errno.EACCES, "Permission denied")) is None
