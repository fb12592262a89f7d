"""`lockdeck demo` without a terminal: it shows the fleet and leaves nothing behind."""

from __future__ import annotations

import subprocess

import psutil
import pytest

from lockdeck.backend.system.procfs import LINUX
from tests.unit.fleetdir import command, environment, interrupt, lockdeck, running_below

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")


@pytest.fixture
def home(tmp_path):
    (tmp_path / "tmp").mkdir()
    return tmp_path


def env_of(home):
    return {"HOME": str(home), "TMPDIR": str(home / "tmp")}


def assert_nothing_left(home):
    _, alive = psutil.wait_procs(running_below(home / "tmp"), timeout=20)
    assert not alive
    assert list((home / "tmp").iterdir()) == []


def test_the_fleet_is_printed_and_nothing_is_left(home):
    done = lockdeck("demo", "--for", "3", env=env_of(home))
    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "simulated fleet" in done.stderr.decode()
    assert all(agent in text for agent in ("main", "silas", "ezra", "juno"))
    assert "7 sessions" in text
    assert_nothing_left(home)


@pytest.mark.parametrize("moment", [b"starting a simulated fleet", b"is up on port", b"in fast motion"])
def test_ctrl_c_leaves_nothing_either(home, moment):
    with subprocess.Popen(
        command("demo"), env=environment(env_of(home)), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert any(moment in line for line in iter(process.stderr.readline, b""))
        interrupt(process)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert_nothing_left(home)
