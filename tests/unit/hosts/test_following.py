"""A deck follows a host: real processes and pipes, honest hosts and others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from lockdeck.backend.hosts import link as links
from lockdeck.backend.hosts.frames import Bye, HostBeat, HostHello, Rows, encoded
from lockdeck.backend.model.fleet import SessionView
from lockdeck.backend.model.hosts import Phase
from lockdeck.backend.system.procfs import LINUX
from tests.folders import REPOSITORY
from tests.unit.fleetdir import FleetDir, actor, command, environment, running_below
from tests.unit.hosts.following import following, saying, served

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")

HELLO = HostHello((1, 1), "9.9", "elsewhere", "viewer")
KEY = "agent:main:main"


@pytest.fixture
def fleet(tmp_path):
    return FleetDir(tmp_path)


def test_a_host_tells_its_sessions_and_every_change_of_a_lock(fleet):
    lock = fleet.session(KEY)
    with following(served(fleet)) as follower, actor() as holder:
        state = follower.until(lambda state: state.phase is Phase.LIVE)
        assert (state.snapshot.host, state.hello.role) == ("alpha", "viewer")
        assert [(view.key, view.lock) for view in state.snapshot.sessions] == [(KEY, None)]
        holder.take(lock)
        held = follower.until(lambda state: state.snapshot.locks)
        (view,) = held.snapshot.locks
        assert view.judgement.holder.pid == holder.pid
        assert held.snapshot.sessions[0].lock == view
        holder.release(lock)
        follower.until(lambda state: not state.snapshot.locks)


def test_the_agent_ends_when_the_deck_lets_go(fleet):
    with following(served(fleet)) as follower:
        follower.until(lambda state: state.phase is Phase.LIVE)
        agents = running_below(fleet.home)
        assert agents
    assert not psutil.wait_procs(agents, timeout=60)[1]


def test_the_agent_ends_when_its_deck_is_killed(fleet):
    code = f"""
import sys
from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.followed import FollowedHosts
print(FollowedHosts([HostAddress("alpha", {served(fleet).command!r})]).look(60)[0].phase, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as deck:
        assert deck.stdout.readline() == b"live\n"
        agents = [process for process in running_below(fleet.home) if process.pid != deck.pid]
        assert agents
        deck.kill()
    assert not psutil.wait_procs(agents, timeout=60)[1]


def test_a_host_that_ends_is_lost_keeps_its_rows_and_is_called_again(fleet):
    fleet.session(KEY)
    with following(served(fleet)) as follower:
        follower.until(lambda state: state.phase is Phase.LIVE)
        for process in running_below(fleet.home):
            process.send_signal(signal.SIGKILL)
        lost = follower.until(lambda state: state.phase is Phase.LOST)
        assert [view.key for view in lost.snapshot.sessions] == [KEY]
        assert lost.problem
        follower.until(lambda state: state.phase is Phase.LIVE)


def test_a_host_that_stands_still_is_lost(fleet, monkeypatch):
    monkeypatch.setattr(links, "SILENT_S", 0.2)
    with following(saying(encoded(HELLO), encoded(Rows(1.0)))) as follower:
        lost = follower.until(lambda state: state.phase is Phase.LOST)
    assert lost.problem == "nothing was heard of it for 0.2 s"
    assert lost.snapshot is not None


@pytest.mark.parametrize(
    ("pieces", "problem"),
    [
        ((b"Last login: Monday\n",), "announces a frame"),
        ((encoded(HELLO), (2 << 30).to_bytes(4, "big")), "announces a frame of 2147483648 bytes"),
        ((encoded(HELLO), b"\x00\x00\x00\x03abc"), "no frame of protocol 1"),
        ((encoded(Rows(1.0)),), "did not say who it is first"),
        (
            (encoded(HostHello((2, 3), "9.9", "x", "viewer")),),
            "speaks protocol 2 to 3, we speak 1: upgrade lockdeck here",
        ),
        ((encoded(HostHello((0, 0), "0.1", "x", "viewer")),), "upgrade lockdeck there"),
    ],
)
def test_a_host_that_says_what_no_host_may_is_refused_with_the_reason(pieces, problem):
    with following(saying(*pieces), once=True) as follower:
        state = follower.until(lambda state: state.phase is Phase.REFUSED)
    assert problem in state.problem


@pytest.mark.parametrize(
    ("then", "problem"),
    [
        ("print('no route to host', file=sys.stderr); sys.exit(255)", "no route to host"),
        ("sys.exit(0)", "its command ended without a word"),
        ("sys.exit(4)", "nothing to watch was found there"),
    ],
)
def test_a_command_that_ends_says_why(then, problem):
    with following(saying(then=then), once=True) as follower:
        assert follower.until(lambda state: state.phase is Phase.LOST).problem == problem


def test_a_host_that_takes_its_leave_says_why():
    with following(saying(encoded(HELLO), encoded(Bye("going down"))), once=True) as follower:
        assert follower.until(lambda state: state.phase is Phase.LOST).problem == "going down"


def test_clocks_that_differ_are_measured():
    ahead = 3600.0
    then = (
        "import time, struct\n"
        f"body = b'\\x82\\xa4type\\xa4beat\\xa2at\\xcb' + struct.pack('>d', time.time() + {ahead})\n"
        "sys.stdout.buffer.write(struct.pack('>I', len(body)) + body)\n"
        f"sys.stdout.buffer.write({encoded(Rows(1.0))!r})\n"
        "sys.stdout.flush()\nsys.stdin.read()"
    )
    with following(saying(encoded(HELLO), then=then)) as follower:
        state = follower.until(lambda state: state.snapshot is not None)
    assert ahead - 60 < state.ahead_s < ahead + 60


def test_rows_show_only_when_all_have_come():
    parts = [
        Rows(1.0, sessions=(SessionView("/r", "main", f"agent:main:{n}", None),), more=n < 2)
        for n in range(3)
    ]
    with following(saying(encoded(HELLO), *map(encoded, parts), encoded(HostBeat(1.0)))) as follower:
        state = follower.until(lambda state: state.phase is Phase.LIVE)
    assert len(state.snapshot.sessions) == 3


def test_a_socket_is_for_our_account_only_and_serves_many(fleet):
    path = str(fleet.home / "serve.sock")
    words = ("serve", "--socket", path, "--config", fleet.settings_file(), "--log", fleet.log)
    with subprocess.Popen(command(*words), env=environment(fleet.env), stdout=subprocess.PIPE) as agent:
        try:
            with (
                following(saying(then=JOIN.format(path=path))) as one,
                following(saying(then=JOIN.format(path=path))) as two,
            ):
                for follower in (one, two):
                    follower.until(lambda state: state.phase is Phase.LIVE)
                assert os.stat(path).st_mode & 0o777 == 0o600
                second = subprocess.run(
                    command(*words), env=environment(fleet.env), capture_output=True, timeout=60, check=False
                )
                assert second.returncode == 2
                assert b"another lockdeck serves here" in second.stderr
        finally:
            agent.send_signal(signal.SIGTERM)
    assert not os.path.exists(path)


JOIN = """
import socket, time
peer = socket.socket(socket.AF_UNIX)
while peer.connect_ex({path!r}):
    time.sleep(0.05)
while data := peer.recv(65536):
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
"""


def test_what_is_no_socket_is_left_alone(fleet):
    path = fleet.home / "notes.txt"
    path.write_text("mine")
    words = ("serve", "--socket", path, "--config", fleet.settings_file())
    done = subprocess.run(
        command(*words), env=environment(fleet.env), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert b"this is no socket" in done.stderr
    assert path.read_text() == "mine"


def test_what_a_dead_agent_left_is_replaced(fleet):
    import socket

    path = str(fleet.home / "serve.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    words = ("serve", "--socket", path, "--config", fleet.settings_file(), "--log", fleet.log)
    with subprocess.Popen(command(*words), env=environment(fleet.env), stdout=subprocess.PIPE) as agent:
        with following(saying(then=JOIN.format(path=path))) as follower:
            follower.until(lambda state: state.phase is Phase.LIVE)
        agent.send_signal(signal.SIGTERM)
