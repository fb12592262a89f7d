"""The demo fleet ends with its owner, on every way out, and takes its directory along."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from lockdeck.backend.simulate.fleet import FleetError, SimulatedFleet
from tests.folders import REPOSITORY

OWNER = """
import json, signal, sys
from pathlib import Path
from lockdeck.backend.simulate.fleet import SimulatedFleet
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored where the tests run under nohup
fleet = SimulatedFleet(Path(sys.argv[1]), pace=5.0)
fleet.start()
print(json.dumps({"gateway": fleet.gateway_pid, "root": str(fleet.root)}), flush=True)
sys.stdin.readline()
raise RuntimeError("the owner fails without closing its fleet")
"""


@pytest.fixture
def owner(tmp_path):
    """Start a process that owns a fleet; yield it, the fleet's gateway and the directory given."""
    here = REPOSITORY
    place = tmp_path / "place"
    place.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(place)],
        cwd=here,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        told = json.loads(process.stdout.readline())
        yield process, psutil.Process(told["gateway"]), place
        process.kill()


def processes_of(gateway: psutil.Process) -> list[psutil.Process]:
    """Wait until the gateway has children, then return all."""
    while not gateway.children():
        assert not psutil.wait_procs([gateway], timeout=0.02)[0], "the gateway ended"
    return [gateway, *gateway.children(recursive=True)]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_no_process_and_no_file_outlives_an_owner_that_gets_a_signal(owner, number):
    process, gateway, place = owner
    fleet = processes_of(gateway)
    assert list(place.iterdir())
    process.send_signal(number)
    _, alive = psutil.wait_procs(fleet, timeout=30)
    assert not alive
    assert list(place.iterdir()) == []


def test_no_process_and_no_file_outlives_an_owner_that_fails(owner):
    process, gateway, place = owner
    fleet = processes_of(gateway)
    process.communicate(b"\n", timeout=30)
    _, alive = psutil.wait_procs(fleet, timeout=30)
    assert process.returncode == 1
    assert not alive
    assert list(place.iterdir()) == []


def test_ctrl_c_right_after_the_directory_was_made_leaves_nothing(tmp_path, monkeypatch):
    made = os.mkdir

    def interrupted(path, *args, **kwargs):
        made(path, *args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "mkdir", interrupted)
    with pytest.raises(KeyboardInterrupt):
        SimulatedFleet(tmp_path).start()
    assert list(tmp_path.iterdir()) == []


def test_an_exception_inside_the_block_ends_the_fleet(tmp_path):
    with pytest.raises(KeyError), SimulatedFleet(tmp_path, pace=5.0) as fleet:
        raise KeyError
    assert not psutil.pid_exists(fleet.gateway_pid)
    assert list(tmp_path.iterdir()) == []


def test_closing_twice_or_before_the_start_does_nothing(tmp_path):
    fleet = SimulatedFleet(tmp_path, pace=5.0)
    fleet.close()
    fleet.start()
    fleet.close()
    fleet.close()
    assert not psutil.pid_exists(fleet.gateway_pid)
    assert list(tmp_path.iterdir()) == []


def test_two_fleets_live_side_by_side(tmp_path):
    with SimulatedFleet(tmp_path, pace=5.0) as one:
        with SimulatedFleet(tmp_path, pace=5.0) as other:
            assert one.root != other.root
            assert one.port != other.port
            assert one.env["TMPDIR"] != other.env["TMPDIR"]
        assert not psutil.pid_exists(other.gateway_pid)
        assert psutil.Process(one.gateway_pid).is_running()
        assert one.root.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_only_the_fleets_own_directory_is_removed(tmp_path):
    (tmp_path / "mine").write_text("kept")
    with SimulatedFleet(tmp_path, pace=5.0):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_stopped_gateway_is_ended_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("lockdeck.backend.simulate.fleet._END_LIMIT_S", 0.2)
    fleet = SimulatedFleet(tmp_path, pace=5.0)
    fleet.start()
    os.kill(fleet.gateway_pid, signal.SIGSTOP)
    fleet.close()
    assert not psutil.pid_exists(fleet.gateway_pid)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_is_an_error_and_leaves_nothing(tmp_path):
    with pytest.raises(OSError, match="missing"):
        SimulatedFleet(tmp_path / "missing").start()
    assert list(tmp_path.iterdir()) == []


def test_a_gateway_that_does_not_come_up_is_an_error_that_quotes_it(tmp_path, monkeypatch):
    monkeypatch.setattr("lockdeck.backend.simulate.fleet.import_folder", lambda: str(tmp_path / "nowhere"))
    fleet = SimulatedFleet(tmp_path, pace=5.0)
    with pytest.raises(FleetError, match="No module named"):
        fleet.start()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RuntimeError, match="not been started"):
        _ = fleet.root


def test_a_fleet_is_started_only_once(tmp_path):
    with SimulatedFleet(tmp_path, pace=5.0) as fleet, pytest.raises(RuntimeError, match="only once"):
        fleet.start()


@pytest.mark.parametrize("pace", [0, -1, float("nan")])
def test_a_pace_that_is_no_duration_is_refused(pace):
    with pytest.raises(ValueError, match="greater than 0"):
        SimulatedFleet(pace=pace)
