"""A root's log command: read like a log, run again when it ends, its failure told; it ends with us, however we end."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.sources import SourceState
from lockdeck.backend.watch.live import command as command_module
from tests.folders import REPOSITORY
from tests.unit.watch.live.moved import moved
from tests.unit.watch.live.test_live_pipes import NOW, ROOT, Watching

DATA = moved(NOW)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("")
    return path


@pytest.fixture
def script(tmp_path):
    """Write a Python program; return the command that runs it."""

    def write(text: str) -> list[str]:
        path = tmp_path / "logs.py"
        path.write_text(f"import os, subprocess, sys, time\n{text}")
        return [sys.executable, "-I", "-S", str(path)]

    return write


def lines(tmp_path: Path, data: bytes = DATA) -> str:
    (tmp_path / "told.log").write_bytes(data)
    return f"data = open({str(tmp_path / 'told.log')!r}, 'rb').read()\n"


def test_stdout_and_stderr_are_the_log(tmp_path, script, config):
    half = DATA.index(b"\n", len(DATA) // 2) + 1
    argv = script(
        lines(tmp_path) + f"os.write(1, data[:{half}]); os.write(2, data[{half}:]); time.sleep(100)\n"
    )
    whole = DATA.count(b"\n")
    with closing(Watching(commands={ROOT: argv}, config=config)) as watching:
        watching.until(lambda: watching.counts.lines == whole)
        assert watching.problems == []
    assert len(fold_all(RunBook(), watching.events).runs) == 4


def test_it_gets_our_environment_and_no_shell(tmp_path, script, config, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "ssh://somewhere")
    argv = script("print(os.environ['DOCKER_HOST'], sys.argv[1:], file=sys.stderr); sys.exit(3)\n")
    with closing(Watching(commands={ROOT: [*argv, "$HOME; *"]}, config=config)) as watching:
        watching.until(lambda: watching.look.why.endswith("until it goes on"))
        assert "ended with 3 (ssh://somewhere ['$HOME; *'])" in watching.problems[0]


def test_what_an_ended_command_tells_again_changes_no_run(tmp_path, script, config, monkeypatch):
    monkeypatch.setattr(command_module, "FIRST_PAUSE_S", 0.01)
    argv = script(lines(tmp_path) + "os.write(1, data)\n")
    whole = DATA.count(b"\n")
    with closing(Watching(commands={ROOT: argv}, config=config)) as watching:
        watching.until(lambda: watching.counts.lines == whole)
        once = fold_all(RunBook(), watching.events)
        watching.until(lambda: watching.counts.lines >= 3 * whole)
        assert "ended with 0: what is logged since" in watching.problems[0]
    again = fold_all(RunBook(), watching.events)
    assert (again.runs, again.notices, again.waiting) == (once.runs, once.notices, once.waiting)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("print('Error: No such container: gw', file=sys.stderr); sys.exit(1)", "ended with 1 (Error: No such container: gw)"),
        ("print('2026-04-09T10:00:00Z [x] y', file=sys.stderr); sys.exit(1)", "ended with 1: what"),
        ("os.kill(os.getpid(), 9)", "was ended by signal 9: what"),
        ("print('\\x1b[2J\\u202e', file=sys.stderr); sys.exit(1)", "ended with 1 (␛[2J�)"),
    ],
)  # fmt: skip
def test_how_it_ended_is_a_problem_of_the_root(script, config, program, words):
    with closing(Watching(commands={ROOT: script(program + "\n")}, config=config)) as watching:
        watching.until(lambda: watching.look.why.endswith("until it goes on"))
        (problem,) = watching.problems
        assert words in problem
        assert problem.endswith("; it is run again until it goes on")
        assert watching.logs.looks("/another", NOW) == ()


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: b"hello, this is no log\n"])
def test_a_command_that_tells_no_log_is_refused_on_either_stream(tmp_path, script, config, pack):
    for stream in (1, 2):
        argv = script(lines(tmp_path, pack(DATA)) + f"os.write({stream}, data); time.sleep(100)\n")
        with closing(Watching(commands={ROOT: argv}, config=config)) as watching:
            watching.until(lambda: watching.look.state is SourceState.REFUSED)
            assert watching.problems[0].split(": ", 1)[1].startswith("no log: ")


def test_words_on_stderr_make_a_log_on_stdout_none_the_less_one(tmp_path, script, config):
    argv = script(
        lines(tmp_path) + "os.write(2, b'hello, these are words\\n'); os.write(1, data); time.sleep(100)\n"
    )
    whole = DATA.count(b"\n") + 1
    with closing(Watching(commands={ROOT: argv}, config=config)) as watching:
        watching.until(lambda: watching.counts.lines == whole)
        assert watching.look.state is SourceState.READ


def test_a_missing_command_is_a_problem(config):
    with closing(Watching(commands={ROOT: ["no-such-docker", "logs"]}, config=config)) as watching:
        watching.until(lambda: watching.look.why.endswith("until it goes on"))
        assert "ended with 127 (no-such-docker: No such file or directory)" in watching.problems[0]


def test_a_command_that_goes_on_again_is_no_problem_any_more(tmp_path, script, config, monkeypatch):
    monkeypatch.setattr(command_module, "SETTLED_S", 0.1)
    argv = script(
        f"p = {str(tmp_path / 'once')!r}\n"
        "if not os.path.exists(p): open(p, 'w').close(); sys.exit('not yet')\ntime.sleep(100)\n"
    )
    with closing(Watching(commands={ROOT: argv}, config=config)) as watching:
        watching.until(lambda: any("(not yet)" in problem for problem in watching.problems))
        watching.until(lambda: not watching.problems)


def test_pauses_grow_and_begin_anew_after_a_healthy_while(script, config, monkeypatch):
    pauses = []
    source = command_module.CommandSource(script("sys.exit(1)\n"), ROOT, lambda: None)
    monkeypatch.setattr(source, "sleep", lambda seconds: pauses.append(seconds) or len(pauses) < 9)
    monkeypatch.setattr(source, "_run_once", lambda: "")
    source.read_on()
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    pauses.clear()
    monkeypatch.setattr(command_module, "HEALTHY_S", 0.0)
    source.read_on()
    assert set(pauses) == {0.5}
    source.stop()


def test_a_configuration_that_others_may_write_runs_nothing(tmp_path, script, config):
    argv = script(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    config.chmod(0o666)
    with closing(Watching(commands={ROOT: argv}, config=config)) as watching:
        (problem,) = watching.problems
        assert problem == f"log_command: it is not run: others may write {config} (mode 0666)"
    assert not (tmp_path / "ran").exists()


STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, '-I', '-S', '-c', 'import time; time.sleep(1000)'])
print(os.getpid(), child.pid, file=open({!r}, 'w'), flush=True)
print('2026-04-09T10:00:00Z [plugins] ready', flush=True)
time.sleep(1000)
"""


def gone(pids: list[int]) -> None:
    """Wait until none of the processes is there."""
    deadline = time.monotonic() + 60
    while any(map(_lives, pids)):
        assert time.monotonic() < deadline, pids
        time.sleep(0.01)


def test_it_ends_with_all_its_processes_when_we_stop(tmp_path, script, config):
    argv = script(STUBBORN.format(str(tmp_path / "pids")))
    with closing(Watching(commands={ROOT: argv}, config=config)) as watching:
        watching.until(lambda: watching.counts.lines == 1)
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    gone(pids)


OWNER = """
import sys, threading, json
from lockdeck.backend.watch.live.logs import LiveLogs
from lockdeck.backend.openclaw.log.stream import LineCounts
rung, counts = threading.Event(), LineCounts()
logs = LiveLogs([], sys.argv[1], rung.set)
logs.keep({"/root": json.loads(sys.argv[2])})
while not counts.lines:
    rung.wait(); rung.clear(); logs.read(0.0, counts)
print("up", flush=True)
threading.Event().wait()
"""


def test_it_ends_with_all_its_processes_when_we_are_killed(tmp_path, script, config):
    argv = script(STUBBORN.format(str(tmp_path / "pids")))
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(config), json.dumps(argv)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
    )
    assert owner.stdout.readline() == b"up\n"
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert all(map(psutil.pid_exists, pids))
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    gone(pids)


def _lives(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
