"""Young processes of OpenClaw: which of them matter to a release, and how it waits for them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest
from msgspec.structs import replace

from lockdeck.backend.actions.release.newcomers import (
    NEWCOMER_S,
    Newcomer,
    Patience,
    await_quiet,
    newcomers_among,
    outlive,
)
from lockdeck.backend.actions.release.records import Status
from lockdeck.backend.system import clocks, processes, procfs
from lockdeck.backend.system.clocks import uptime
from lockdeck.backend.system.endings import await_an_end
from lockdeck.backend.system.processes import ProcessIdentity
from lockdeck.backend.system.text import safe
from tests.secondowner import UID, needs_root
from tests.unit.fleetdir import command, environment, lockdeck
from tests.unit.releasing import Root

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")

TITLE = ("openclaw-gateway",)
WAIT = "print('ready', flush=True); input()"


@pytest.fixture
def root(tmp_path):
    return Root(tmp_path)


@pytest.fixture
def other(tmp_path):
    """Another root, with an open file in it."""
    path = tmp_path / ".openclaw-work"
    path.mkdir()
    (path / "state.sqlite").touch()
    return path


def process(pid, age_s, argv=TITLE):
    ticks = None if age_s is None else round((uptime() - age_s) * os.sysconf("SC_CLK_TCK"))
    return ProcessIdentity(pid, None, ticks, 0, safe("node"), tuple(safe(word) for word in argv))


@contextlib.contextmanager
def child(code=WAIT, *, env=None, **more):
    command = [sys.executable, "-I", "-S", "-c", code]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=env if env is not None else os.environ,
        **more,
    ) as running:
        assert running.stdout.readline() == b"ready\n"
        try:
            yield running.pid
        finally:
            with contextlib.suppress(BrokenPipeError):
                running.communicate(b"\n")


def counts(place, pid, age_s=1, argv=TITLE):
    return bool(newcomers_among([process(pid, age_s, argv)], place))


# -- which matter -------------------------------------------------------------------------------------------


def test_a_process_younger_than_thirty_seconds_counts_and_says_when_it_started(root):
    (one,) = newcomers_among([process(os.getpid(), 20)], root.place)
    assert "20 s ago" in one.sentence
    assert one.remaining_s == pytest.approx(10, abs=1)


def test_an_older_one_does_not_and_one_of_unknown_age_does(root):
    assert not counts(root.place, os.getpid(), 40)
    assert counts(root.place, os.getpid(), None)


def test_a_machine_that_has_slept_makes_no_process_old(root, monkeypatch):
    """Started five seconds before an hour of sleep, it has run for five seconds: nothing tells when the sleep was."""
    monkeypatch.setattr(clocks, "steady_time", lambda: uptime() - 3600)
    (one,) = newcomers_among([process(os.getpid(), 3605)], root.place)
    assert one.remaining_s == pytest.approx(25, abs=1)
    assert "not counting the 1h 00m that this machine has slept" in one.sentence
    assert not counts(root.place, os.getpid(), 3640)


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_wall_clock_that_was_set_makes_no_process_old(root, monkeypatch, seconds):
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + seconds)
    with child() as pid:
        assert newcomers_among([processes.look(pid).identity], root.place)


def test_the_environment_tells_the_root(root):
    with child(env={**os.environ, "OPENCLAW_STATE_DIR": "/somewhere/else"}) as pid:
        assert not counts(root.place, pid)
        assert counts(replace(root.place, root="/somewhere/else"), pid)


@pytest.mark.parametrize("named", ["", "~/elsewhere", "elsewhere", " "])
def test_a_process_whose_root_can_not_be_told_from_here_counts(root, named):
    with child(env={**os.environ, "OPENCLAW_STATE_DIR": named}) as pid:
        assert counts(root.place, pid)


SCRIPT = ("node", "/usr/lib/node_modules/openclaw/openclaw.mjs", "agent")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--profile", "work"), False),
        (("--profile=work",), False),
        (("--dev",), False),
        (("--profile", "mine"), True),
        ((), False),
        (("--profile", "../x"), True),
    ],
)
def test_the_arguments_tell_the_root_where_the_environment_names_none(root, tmp_path, words, expected):
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    mine = replace(root.place, root=str(tmp_path / ".openclaw-mine"))
    with child(env=env, cwd=tmp_path) as pid:
        assert counts(mine, pid, argv=(*SCRIPT, *words)) is expected
        assert counts(mine, pid, argv=TITLE), "its arguments were overwritten"


def test_the_default_root_is_that_of_a_command_line_without_a_profile(root, tmp_path):
    with child(env={"HOME": str(tmp_path)}, cwd=tmp_path) as pid:
        assert counts(replace(root.place, root=str(tmp_path / ".openclaw")), pid, argv=SCRIPT)


HOLDING = "import os, sys; os.open({path!r}, os.O_RDONLY); print('ready', flush=True); input()"


def test_where_the_environment_tells_nothing_open_files_do(root, other):
    with child(HOLDING.format(path=str(other / "state.sqlite")), env={}) as pid:
        assert not counts(root.place, pid)
        assert counts(replace(root.place, root=str(other)), pid)


def test_an_open_file_of_ours_counts_whatever_else_is_open(root, other):
    code = f"import os; os.open({str(other / 'state.sqlite')!r}, os.O_RDONLY); " + HOLDING.format(
        path=str(root.transcript)
    )
    with child(code, env={}) as pid:
        assert counts(root.place, pid)


def test_an_environment_that_was_overwritten_tells_nothing(root, other):
    """A title that is longer than the arguments goes over the environment that follows them."""
    with child(env={"gateway": "", "OPENCLAW_STATE_DIR": str(other)}, cwd="/") as pid:
        assert not counts(root.place, pid)
    with child(env={"way of openclaw": "", "OPENCLAW_STATE_DIR": str(other)}, cwd="/") as pid:
        assert counts(root.place, pid)


LISTENING = (
    "import socket; s = socket.socket(socket.AF_UNIX); s.bind({path!r}); s.listen(); "
    "print('ready', flush=True); input()"
)


def test_a_named_socket_tells_it_too(root):
    with tempfile.TemporaryDirectory(dir="/tmp") as short:  # such a path has 108 bytes at most
        home = os.path.join(short, ".openclaw-work")
        os.mkdir(home)
        with child(LISTENING.format(path=os.path.join(home, "s")), env={}, cwd="/") as pid:
            assert not counts(root.place, pid)
            assert counts(replace(root.place, root=home), pid)


def test_where_nothing_else_tells_the_working_directory_does(root, other, tmp_path):
    with child(env={}, cwd=other) as pid:
        assert not counts(root.place, pid)
    (tmp_path / "agents").mkdir()
    with child(env={}, cwd=tmp_path) as pid:
        assert counts(root.place, pid), "a folder with agents in it is no root"
    with child(HOLDING.format(path=str(root.transcript)), env={}, cwd=other) as pid:
        assert counts(root.place, pid)


@needs_root
def test_another_user_who_may_not_change_our_directory_does_not_count(root):
    command = ["/bin/sh", "-c", "echo ready; read x"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, user=UID, group=UID, env={}, cwd="/") as running:
        assert running.stdout.readline() == b"ready\n"
        assert not counts(root.place, running.pid)
        os.chown(root.sessions, UID, -1)
        assert counts(root.place, running.pid)
        running.communicate(b"\n")


def test_a_process_that_has_just_ended_does_not_count_and_one_with_an_empty_environment_does(root):
    with subprocess.Popen(["/bin/sleep", "60"], env={}) as running:
        while procfs.read_file(f"/proc/{running.pid}/cmdline", 100) != b"/bin/sleep\x0060\0":
            pass
        assert counts(root.place, running.pid)
        running.kill()
        os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)
        assert not counts(root.place, running.pid)
    assert not counts(root.place, running.pid)


# -- the wait -----------------------------------------------------------------------------------------------


class Stream:
    """Processes that come and go on a clock of their own: each a pid with its birth and its end, seconds."""

    def __init__(self, *lives):
        self.lives = lives
        self.now = 0.0
        self.told = []

    def patience(self):
        return Patience(
            self.look, lambda: self.now, self.pause, lambda seconds, young: self.told.append(seconds)
        )

    def look(self, _place):
        young = [
            (pid, self.now - born)
            for pid, born, end in self.lives
            if born <= self.now < end and self.now - born < NEWCOMER_S
        ]
        return tuple(Newcomer(pid, safe("openclaw"), age) for pid, age in young)

    def pause(self, pids, seconds):
        assert pids
        assert 0 < seconds <= 1
        ends = [end for pid, _, end in self.lives if pid in pids and end > self.now]
        self.now = min([self.now + seconds, *ends])


def test_a_release_waits_until_the_young_process_is_old_and_counts_down(root):
    stream = Stream((1, -7.0, 1e9))
    await_quiet(root.place, stream.patience())
    assert stream.now == pytest.approx(23)
    assert stream.told[:3] == [23, 22, 21]


def test_it_goes_on_at_once_when_the_young_process_ends(root):
    stream = Stream((1, -7.0, 4.5))
    await_quiet(root.place, stream.patience())
    assert stream.now == 4.5


def test_ever_new_processes_do_not_hold_it_up_for_longer_than_one_takes_to_grow_old(root):
    stream = Stream(*((pid, 0.5 * pid - 10, 0.5 * pid + 20) for pid in range(1000)))
    await_quiet(root.place, stream.patience())
    assert stream.now == NEWCOMER_S
    young = stream.look(root.place)
    assert young
    outlive(young, root.place, stream.patience())
    assert NEWCOMER_S < stream.now <= 2 * NEWCOMER_S
    assert not {one.pid for one in young} & {one.pid for one in stream.look(root.place)}


def test_the_stand_in_outlives_those_who_were_young_when_it_took_the_name_and_nobody_else(root):
    root.write()
    stream = Stream((1, 29.0, 35.0), (2, 36.0, 1e9))
    looked = []

    def look(place):
        looked.append(root.lock.exists() and b"lockdeck" in root.lock.read_bytes())
        return stream.look(place)

    stream.now = 30.0
    patience = replace(stream.patience(), look=look)
    plan = root.plan()
    # It starts right after the wait, while the lock that is to be released still stands.
    stream.lives = ((1, 31.0, 35.0), (2, 36.0, 1e9))

    def step(name):
        if name == "folder made":
            stream.now = 31.0

    assert root.release(plan, patience=patience, on_step=step).status is Status.RELEASED
    assert stream.now == 35.0
    assert looked[0] is False
    assert all(looked[1:])


def test_one_that_is_not_to_wait_is_refused_at_once(root):
    root.write()
    stream = Stream((1, -7.0, 1e9))
    plan = root.plan(young=stream.look, patient=False)
    assert "7 s ago" in plan.refusal.reasons[0]
    outcome = root.release(replace(plan, refusal=None), patience=stream.patience())
    assert (outcome.status, stream.now) == (Status.REFUSED, 0)
    assert root.lock.exists()


def test_a_plan_says_how_long_it_would_wait(root):
    root.write()
    plan = root.plan(young=Stream((1, -7.0, 1e9)).look)
    assert plan.refusal is None
    assert plan.effects[0].startswith("wait up to 23 s: pid 1 (openclaw)")
    told = plan.to_json()
    assert (told["waitMs"], told["waitFor"]) == (23_000, [{"pid": 1, "name": "openclaw", "ageMs": 7000}])


def test_several_newcomers_are_told_in_one_sentence_with_their_pids(root):
    root.write()
    plan = root.plan(young=Stream((1, -7.0, 1e9), (2, -3.0, 1e9)).look)
    assert plan.effects[0].startswith(
        "wait up to 27 s: pid 1 (openclaw), pid 2 (openclaw) of OpenClaw have just"
    )
    assert plan.effects[0].count("reclaiming") == 1


@contextlib.contextmanager
def openclaw(root, seconds):
    """A command line of OpenClaw that runs for so many seconds."""
    env = {"OPENCLAW_STATE_DIR": root.place.root, "PATH": os.environ["PATH"]}
    with subprocess.Popen(["openclaw", str(seconds)], executable="/bin/sleep", env=env) as young:
        try:
            yield young
        finally:
            young.kill()


def test_the_command_line_waits_for_a_real_process_and_releases_as_soon_as_it_ends(root, tmp_path):
    root.write()
    env = {"HOME": str(tmp_path), "LOCKDECK_STATE_DIR": root.journal.folder}
    words = (str(root.lock), "--release-id", root.plan().release_id)
    with openclaw(root, 1000) as young:
        refused = lockdeck("release", *words, "--no-wait", env=env)
        dry = lockdeck("release", *words, "--dry-run", "--json", env=env)
        waiting = subprocess.Popen(
            command("release", *words, "--watch", "0"),
            env=environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        said = waiting.stderr.readline().decode()
        young.kill()
        young.wait()
        released, _ = waiting.communicate(timeout=60)
    assert refused.returncode == 3
    assert f"pid {young.pid}" in text(refused.stdout)
    assert 0 < json.loads(text(dry.stdout))["waitMs"] <= 30_000
    assert f"pid {young.pid}" in said
    assert "wait up to" in said
    assert waiting.returncode == 0
    assert b"released" in released


def text(output):
    return output if isinstance(output, str) else output.decode()


def test_the_end_of_a_process_ends_a_wait_for_it_and_a_stopped_one_does_not():
    with subprocess.Popen(["/bin/sleep", "60"]) as running:
        running.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        await_an_end([running.pid], 0.05)
        assert time.monotonic() - begun >= 0.05
        running.kill()
        await_an_end([running.pid], 60)
    await_an_end([running.pid], 60)
    assert time.monotonic() - begun < 50
