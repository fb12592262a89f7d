"""Tests look at the processes that they started, at no others: OpenClaw may run beside them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from lockdeck.backend.system import procfs
from lockdeck.backend.system.processes import openclaw_processes
from tests.ownprocesses import narrow_to_the_starters

pytestmark = pytest.mark.skipif(not procfs.LINUX, reason="needs /proc")

STRAY = "exec -a openclaw-gateway sleep 60 >/dev/null & echo $!"


@pytest.fixture
def stray():
    """A young process with the title of a gateway, that has left the family of this run."""
    started = subprocess.run(["bash", "-c", STRAY], stdout=subprocess.PIPE, check=True)
    pid = int(started.stdout)
    yield pid
    os.kill(pid, signal.SIGKILL)


def test_a_gateway_that_somebody_else_has_just_started_is_not_seen(stray):
    assert os.path.exists(f"/proc/{stray}")
    assert stray not in procfs.visible_pids()
    assert openclaw_processes() == []


def test_what_a_test_starts_is_seen_and_what_that_starts():
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE) as child:
        grandchild = int(child.stdout.readline())
        assert {1, os.getpid(), child.pid, grandchild} <= set(procfs.visible_pids())
        os.kill(grandchild, signal.SIGKILL)


def test_a_program_that_a_test_starts_sees_what_the_test_has_started(stray):
    look = f"from tests.ownprocesses import {narrow_to_the_starters.__name__} as narrow; narrow()\n"
    look += "from lockdeck.backend.system.procfs import visible_pids; print(*visible_pids())"
    with subprocess.Popen(["sleep", "60"]) as child:
        done = subprocess.run([sys.executable, "-c", look], stdout=subprocess.PIPE, text=True, check=True)
        pids = {int(word) for word in done.stdout.split()}
        assert {os.getpid(), child.pid} <= pids
        assert stray not in pids
        child.kill()


def test_home_and_folders_are_a_test_s_own(tmp_path):
    for name in ("HOME", "TMPDIR", "XDG_CONFIG_HOME", "LOCKDECK_CONFIG_DIR", "LOCKDECK_STATE_DIR"):
        assert os.environ[name].startswith(str(tmp_path))
    assert os.environ["TZ"] == "UTC"
    assert not [name for name in os.environ if name.startswith("OPENCLAW_")]
