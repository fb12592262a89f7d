"""`lockdeck replay` takes logs from wherever they come: pipes, folders, patterns, packed; and says what it left out."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import re
import subprocess
import threading

import pytest

from lockdeck.backend.openclaw.log.inputs import opening
from lockdeck.tui.cli.replay import replay_logs
from tests.folders import RECORDINGS
from tests.unit.fleetdir import command, environment, lockdeck

HANG = RECORDINGS / "2026.4.5-incident-hang" / "gateway.log"
DATA = HANG.read_bytes()


@pytest.fixture
def env(tmp_path):
    return {"HOME": str(tmp_path)}


@pytest.fixture
def usual(env):
    """What the recording tells as a plain file."""
    return history(lockdeck("replay", HANG, "--json", env=env))


def history(done):
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return {key: told[key] for key in ("lines", "counts", "runs", "occupations", "unread")}


def piped(env, data, *words):
    return subprocess.run(
        command("replay", *words, "--json"), env=environment(env), input=data, capture_output=True, timeout=60
    )


@pytest.mark.parametrize("word", ["-", "/dev/stdin", "/dev/fd/0"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, bz2.compress])
def test_stdin_is_a_log_packed_or_not(env, usual, word, pack):
    assert history(piped(env, pack(DATA), word)) == usual


def test_utf_16_comes_through_a_pipe(env, usual):
    assert history(piped(env, b"\xff\xfe" + DATA.decode().encode("utf-16-le"), "-")) == usual


def test_a_process_substitution_is_a_log(env, usual):
    reader, writer = os.pipe()
    threading.Thread(target=_write, args=(writer,), daemon=True).start()
    done = subprocess.run(
        command("replay", f"/dev/fd/{reader}", "--json"),
        env=environment(env),
        capture_output=True,
        timeout=60,
        pass_fds=[reader],
    )
    os.close(reader)
    assert history(done) == usual


def _write(descriptor):
    with open(descriptor, "wb") as file:
        file.write(DATA)


def test_a_pipe_with_a_name_is_read_to_its_end(env, usual, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(DATA,), daemon=True).start()
    assert history(lockdeck("replay", tmp_path / "pipe", "--json", env=env)) == usual


def test_a_rotated_log_in_a_folder_tells_what_the_whole_told(env, usual, tmp_path):
    folder, lines = tmp_path / "logs", DATA.splitlines(keepends=True)
    folder.mkdir()
    (folder / "gateway.log.2.gz").write_bytes(gzip.compress(b"".join(lines[:40])))
    (folder / "gateway.log.1").write_bytes(b"".join(lines[40:70]))
    (folder / "gateway.log").write_bytes(b"".join(lines[70:]))
    (folder / "notes.md").write_text("nothing")
    done = lockdeck("replay", folder, "--json", env=env)
    assert history(done) == usual
    assert b"1 file in these folders is no log: left out" in done.stderr
    assert history(lockdeck("replay", f"{folder}/*.log*", "--json", env=env)) == usual


def test_a_packed_log_that_is_cut_off_is_told_and_what_was_there_counts(env, tmp_path):
    log = tmp_path / "gateway.log.gz"
    packed = gzip.compress(DATA)
    log.write_bytes(packed[: len(packed) * 3 // 4])
    done = lockdeck("replay", log, "--json", env=env)
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["runs"]) > 0
    assert f"{log} is cut off".encode() in done.stderr


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
@pytest.mark.parametrize("length", [10, 16])
@pytest.mark.parametrize("beside", [False, True])
def test_a_packed_log_cut_off_before_its_first_byte_is_not_read(env, usual, tmp_path, pack, length, beside):
    log = tmp_path / "gateway.log.packed"
    log.write_bytes(pack(DATA)[:length])
    done = lockdeck("replay", log, *([HANG] if beside else []), "--json", env=env)
    assert f"{log} is cut off".encode() in done.stderr
    if beside:
        assert json.loads(done.stdout)["logs"] == [str(HANG)]
        assert history(done) == usual
    else:
        assert (done.returncode, done.stdout) == (2, b"")


def test_logs_are_named_as_arguments_with_the_option_or_both(env, usual, tmp_path):
    other = RECORDINGS / "2026.4.5-run-ok" / "gateway.log"
    assert history(lockdeck("replay", "--log", HANG, "--json", env=env)) == usual
    assert history(piped(env, DATA, "--log", "-")) == usual
    done = lockdeck("replay", other, "--log", HANG, "--json", env=env)
    assert json.loads(done.stdout)["logs"] == [str(other), str(HANG)]
    done = lockdeck("replay", env=env, text=True)
    assert (done.returncode, "Missing argument 'LOG...': name a log" in done.stderr) == (2, True)


def test_the_same_session_key_of_two_hosts_stays_two_sessions(env, tmp_path, usual):
    for host in ("a", "b"):
        text = re.sub(r"([0-9a-f]{8})-([0-9a-f]{4}-)", rf"\1-{host * 4}-", HANG.read_text())
        (tmp_path / host).mkdir()
        (tmp_path / host / "gateway.log").write_text(text)
    done = lockdeck("replay", tmp_path / "a", tmp_path / "b", "--json", env=env)
    found = json.loads(done.stdout)
    names = [str(tmp_path / host / "gateway.log") for host in ("a", "b")]
    assert [source["name"] for source in found["sources"]] == names
    assert b"2 sources that share no run and no session are kept apart" in done.stderr
    for name in names:
        runs = [run for run in found["runs"] if run["source"] == name]
        assert [len(run["attempts"]) for run in runs] == [len(run["attempts"]) for run in usual["runs"]]
    text = lockdeck("replay", tmp_path / "a", tmp_path / "b", env=env, text=True).stdout
    assert f"  in {names[0]}\n" in text


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("/dev/zero", "/dev/zero can't be read: it is a character device, not a file or a pipe"),
        ("none.log", "none.log can't be read: No such file or directory"),
        ("none*.log", "none*.log: no file has such a name"),
        ("empty", "empty holds no log, looked at 0 files"),
        ("x.zip", "x.zip can't be read: it is a zip archive: unpack it first"),
    ],
)
def test_what_can_not_be_read_is_one_sentence_and_ends_with_2(env, tmp_path, word, sentence):
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04" + bytes(50))
    done = lockdeck("replay", word, env=env, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{sentence}\n")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (OSError(5, "Input/output error"), "{} can't be read: Input/output error"),
        (KeyboardInterrupt(), "interrupted in {}: what was read before is told"),
    ],
)
def test_what_was_read_before_a_fault_or_ctrl_c_counts(env, tmp_path, monkeypatch, capsys, fault, sentence):
    real, reads = os.read, []

    def failing(descriptor, size):
        reads.append(size)
        if len(reads) > 1:
            raise fault
        return real(descriptor, size)

    log = tmp_path / "gateway.log"
    log.write_bytes(DATA)
    monkeypatch.setattr(opening.os, "read", failing)
    code = replay_logs([str(log), str(HANG)], as_json=True)
    out, err = capsys.readouterr()
    assert len(json.loads(out)["runs"]) == 4
    assert f"{sentence.format(log)}\n" in err
    assert code == (130 if isinstance(fault, KeyboardInterrupt) else 0)


def test_a_log_that_a_terminal_has_broken_into_lines_is_said_to_be_one(env):
    broken = re.sub(rb"([^\n]{160})", rb"\1\n", DATA)
    done = piped(env, broken, "-")
    assert done.returncode == 1
    assert "is broken into lines of 160 characters, as a terminal does" in done.stderr.decode()
