"""Processes that somebody stopped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockdeck.backend.system import procfs, suspension
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.system.suspension import suspension_of
from tests.unit.fleetdir import actor

CONTAINER = "3f4a" * 16


@pytest.mark.skipif(not LINUX, reason="the state of a process is read on Linux only")
def test_a_stopped_process_is_told_from_one_that_runs_and_one_that_is_gone():
    with actor() as child:
        assert suspension_of(child.pid) is None
        child.stop()
        assert suspension_of(child.pid) == (
            f"pid {child.pid} is stopped (state T): it goes on after kill -CONT {child.pid}"
        )
    assert suspension_of(child.pid) is None


@pytest.mark.skipif(not LINUX, reason="the state of a process is read on Linux only")
def test_who_looks_is_at_work_and_who_is_stopped_or_gone_is_not():
    assert procfs.is_at_work(os.getpid())
    with actor() as child:
        child.stop()
        assert not procfs.is_at_work(child.pid)
    assert not procfs.is_at_work(child.pid)


def proc(monkeypatch, state: str, cgroup: str = "", frozen: str = "", tracer: int = 0) -> None:
    """Let the process table say this of every process."""
    files = {
        "cgroup": cgroup,
        "cgroup.events": f"populated 1\n{frozen}",
        "status": f"Pid:\t9\nTracerPid:\t{tracer}\n",
    }
    stat = procfs.ProcStat(procfs.safe("node"), state, 9, 1, False)
    monkeypatch.setattr(suspension.procfs, "read_stat", lambda _pid: stat)
    monkeypatch.setattr(
        suspension.procfs, "read_file", lambda path, _limit: files[os.path.basename(path)].encode()
    )


def test_a_debugger_is_named(monkeypatch):
    proc(monkeypatch, "t", tracer=77)
    assert suspension_of(9) == "pid 9 is stopped by a debugger (state t): it goes on when pid 77 lets it"


@pytest.mark.parametrize(
    ("cgroup", "wakes"),
    [
        (
            f"0::/system.slice/docker-{CONTAINER}.scope\n",
            "its container is paused): it goes on after docker unpause",
        ),
        (
            f"0::/machine.slice/libpod-{CONTAINER}.scope\n",
            "its container is paused): it goes on after podman unpause",
        ),
        ("0::/user.slice/claw.service\n", "cgroup /user.slice/claw.service is frozen): it goes on when that"),
    ],
)
def test_a_frozen_cgroup_is_told_with_what_thaws_it(monkeypatch, cgroup, wakes):
    proc(monkeypatch, "S", cgroup, "frozen 1\n")
    assert wakes in (suspension_of(9) or "")
    proc(monkeypatch, "S", cgroup, "frozen 0\n")
    assert suspension_of(9) is None


@pytest.mark.parametrize("cgroup", ["", "1:name=systemd:/x\n", "0::/../../etc\n"])
def test_what_is_no_cgroup_of_ours_counts_as_not_stopped(monkeypatch, cgroup):
    proc(monkeypatch, "S", cgroup, "frozen 1\n")
    assert suspension_of(9) is None


def test_a_process_that_the_freezer_of_the_older_cgroups_holds_is_stopped():
    freezer = Path("/sys/fs/cgroup/freezer")
    if os.geteuid() != 0 or not (freezer / "tasks").exists():
        pytest.skip("needs root and a freezer of cgroup v1")
    group = freezer / f"lockdeck-test-{os.getpid()}"
    group.mkdir()
    try:
        with actor() as child:
            (group / "tasks").write_text(str(child.pid))
            assert suspension_of(child.pid) is None
            (group / "freezer.state").write_text("FROZEN")
            told = suspension_of(child.pid)
            (group / "freezer.state").write_text("THAWED")
            assert told is not None
            assert f"cgroup /{group.name} is frozen" in told
            assert suspension_of(child.pid) is None
    finally:
        (group / "freezer.state").write_text("THAWED")
        group.rmdir()
