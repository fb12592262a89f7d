"""`--log -`, named pipes and `log_command` in status, watch and cancel: told as files are; what ends is never green."""

from __future__ import annotations

import gzip
import json
import os
import select
import signal
import subprocess
import sys
import time

import pytest

from tests.unit.fleetdir import FleetDir, actor, command, environment, interrupt, lockdeck
from tests.unit.watch.live.moved import moved


@pytest.fixture
def fleet(tmp_path):
    fleet = FleetDir(tmp_path)
    for agent in ("main", "silas", "ezra", "juno"):
        fleet.session(f"agent:{agent}:main")
    fleet.log.write_bytes(moved(time.time() - 1))
    return fleet


def status(fleet, *words, **options):
    return subprocess.run(
        command("status", fleet.root, "--json", *words),
        env=environment(fleet.env),
        capture_output=True,
        timeout=60,
        **options,
    )


def sessions(done):
    told = json.loads(done.stdout)
    return {
        session["key"]: (session["state"], len((session["rotation"] or {"attempts": ()})["attempts"]))
        for session in told["sessions"]
    }


def problems(done):
    return [problem for root in json.loads(done.stdout)["roots"] for problem in root["problems"]]


@pytest.fixture
def by_file(fleet):
    done = status(fleet, "--log", fleet.log)
    assert any(attempts for _, attempts in sessions(done).values())
    return done


def test_status_reads_a_pipe_to_its_end_and_tells_what_the_file_tells(fleet, by_file):
    done = status(fleet, "--log", "-", input=fleet.log.read_bytes())
    assert (sessions(done), problems(done), done.returncode) == (sessions(by_file), [], by_file.returncode)


def test_status_does_not_wait_for_the_end_of_a_pipe_that_goes_on(fleet, by_file):
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb", buffering=0) as file:
        file.write(fleet.log.read_bytes()[:60_000])
        done = status(fleet, "--log", "-", stdin=reader)
    os.close(reader)
    assert problems(done) == []
    assert "log: stdin goes on: what it tells later isn't in this picture" in json.loads(done.stdout)["notes"]
    assert any(attempts for _, attempts in sessions(done).values())


def test_a_pipe_that_tells_nothing_is_not_green_while_something_runs(fleet):
    reader, writer = os.pipe()
    with actor() as holder:
        holder.take(fleet.session())
        done = status(fleet, "--log", "-", stdin=reader)
    os.close(reader)
    os.close(writer)
    assert any("stdin: it has told nothing yet" in problem for problem in problems(done))
    assert done.returncode == 1


NO_LOG = "no log: no line has a time or a tag in front, or is a record"
PACKED = "no log: it is packed with gzip: unpack it first (zcat)"


@pytest.mark.parametrize(("pack", "why"), [(lambda _: b"hello\n", NO_LOG), (gzip.compress, PACKED)])
def test_what_is_no_log_is_refused_from_a_file_a_pipe_and_a_command_alike(fleet, pack, why):
    data = pack(fleet.log.read_bytes())
    file = fleet.home / "told"
    file.write_bytes(data)
    config = configured(fleet, ["bash", "-c", f"cat {file}"])
    for words, options, where in (
        (["--log", file], {}, str(file)),
        (["--log", "-"], {"input": data}, "stdin"),
        (["--config", config], {}, f"`bash -c 'cat {file}'`"),
    ):
        with actor() as holder:
            lock = holder.take(fleet.session())
            done = status(fleet, *words, **options)
            holder.release(lock)
        (root,) = json.loads(done.stdout)["roots"]
        (log,) = [source for source in root["sources"] if source["kind"] == "log"]
        assert (log["state"], done.returncode, root["unseen"]) == ("refused", 1, True)
        assert f"{where}: {why}"[:80] in root["problems"][0]
        assert why in root["problems"][0]
        assert sessions(done)["agent:main:main"][0] == "unknown"


def test_watch_follows_a_pipe_and_tells_its_end(fleet):
    reader, writer = os.pipe()
    words = command("watch", fleet.root, "--json", "--for", "60", "--log", "-")
    process = subprocess.Popen(words, env=environment(fleet.env), stdin=reader, stdout=subprocess.PIPE)
    os.close(reader)
    os.write(writer, fleet.log.read_bytes()[:60_000])
    lines = (json.loads(line) for line in process.stdout)
    next(line for line in lines if line["subject"] == "session" and line["session"]["rotation"])
    os.close(writer)
    root = next(line["root"] for line in lines if line["subject"] == "root" and line["root"]["problems"])
    assert root["problems"][0].startswith("stdin: the pipe ended at ")
    assert root["unseen"] is True
    interrupt(process)
    process.communicate()
    assert process.returncode == 130


def configured(fleet, argv):
    path = fleet.home / "with-command.toml"
    path.write_text(f"[[roots]]\npath = {json.dumps(str(fleet.root))}\nlog_command = {json.dumps(argv)}\n")
    return path


def test_status_runs_the_log_command_of_a_root(fleet, by_file):
    config = configured(fleet, ["cat", str(fleet.log)])
    done = status(fleet, "--config", config)
    assert (sessions(done), problems(done)) == (sessions(by_file), [])
    follow = configured(fleet, ["tail", "-n", "+1", "-f", str(fleet.log)])
    done = status(fleet, "--config", follow)
    assert (sessions(done), problems(done)) == (sessions(by_file), [])


def test_a_log_command_that_fails_makes_its_root_unseen(fleet):
    done = status(fleet, "--config", configured(fleet, ["no-such-docker", "logs", "-f", "gw"]))
    (problem,) = problems(done)
    assert problem.startswith(
        "`no-such-docker logs -f gw`: ended with 127 (no-such-docker: No such file or directory)"
    )
    assert "run again" not in problem
    assert done.returncode == 1


def test_read_only_still_looks(fleet, by_file):
    config = configured(fleet, ["cat", str(fleet.log)])
    assert sessions(status(fleet, "--read-only", "--config", config)) == sessions(by_file)


def test_watch_ends_its_log_command_when_it_is_killed(fleet):
    program = (
        f"import os,time; open({str(fleet.home / 'pid')!r},'w').write(f'{{os.getpid()}} '); time.sleep(1000)"
    )
    config = configured(fleet, [sys.executable, "-I", "-S", "-c", program])
    words = command("watch", fleet.root, "--for", "60", "--config", config)
    process = subprocess.Popen(words, env=environment(fleet.env), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (fleet.home / "pid").exists() or not (fleet.home / "pid").read_text().endswith(" "):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    pid = int((fleet.home / "pid").read_text())
    handle = os.pidfd_open(pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert select.select([handle], [], [], 60)[0]
    os.close(handle)


def test_config_show_shows_the_command(fleet):
    config = configured(fleet, ["docker", "logs", "-f", "gw"])
    text = lockdeck("config", "show", "--config", config, env=fleet.env, text=True).stdout
    assert '["docker", "logs", "-f", "gw"]' in text


@pytest.mark.parametrize("value", ['"docker logs"', '["", "x"]', "[1]"])
def test_a_command_is_a_list_of_words(fleet, value):
    path = fleet.home / "bad.toml"
    path.write_text(f"[[roots]]\npath = '/x'\nlog_command = {value}\n")
    done = lockdeck("status", "--config", path, env=fleet.env, text=True)
    assert (done.returncode, "roots[0].log_command" in done.stderr) == (2, True)
    assert f"{path}:3" in done.stderr


def test_a_cancel_takes_no_pipe_for_a_file(fleet):
    done = subprocess.run(
        command("cancel", "agent:main:main", "--root", fleet.root, "--dry-run", "--log", "-"),
        env=environment(fleet.env),
        input=fleet.log.read_bytes(),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode in (0, 1, 3), done.stderr
    assert b"Traceback" not in done.stderr


def test_stdin_has_no_place_in_a_configuration(fleet):
    path = fleet.home / "stdin.toml"
    path.write_text('logs = ["-"]\n')
    done = lockdeck("status", "--config", path, env=fleet.env, text=True)
    assert (done.returncode, f"{path}:1: logs holds stdin" in done.stderr) == (2, True)
