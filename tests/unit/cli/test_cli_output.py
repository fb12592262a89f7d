"""The command line on streams that are closed, full, gone, or can't show every character."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from types import SimpleNamespace

import pytest

from lockdeck.backend.system.procfs import LINUX
from lockdeck.tui.cli import output
from tests.unit.fleetdir import PAST, FleetDir, command, dead_pid, environment, lockdeck, payload

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")


@pytest.fixture
def fleet(tmp_path):
    """A fleet that needs a person; the name of one of its locks holds a control character."""
    found = FleetDir(tmp_path)
    lock = found.session()
    found.dead = lock.with_name("a\x1bb.jsonl.lock")
    for path in (lock, found.dead):
        path.write_text(payload(dead_pid(), PAST))
    return found


def words_of(fleet, *words):
    places = {"ROOT": fleet.root, "LOCK": fleet.dead}
    return (*(places.get(word, word) for word in words), "--config", fleet.settings_file())


def redirected(fleet, redirection, *words):
    """Run with a redirection of the shell."""
    line = ["sh", "-c", f'exec "$@" {redirection}', "sh", *command(*words_of(fleet, *words))]
    return subprocess.run(line, env=environment(fleet.env), capture_output=True, timeout=60)


@pytest.mark.parametrize(
    ("words", "code"), [(("status",), 1), (("ROOT",), 1), (("release", "LOCK"), 2), (("journal",), 0)]
)
def test_a_closed_stdin_is_an_empty_one(fleet, words, code):
    done = redirected(fleet, "0<&-", *words)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert bool(done.stdout) == (words != ("journal",))


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "0<&- >&- 2>&-"])
@pytest.mark.parametrize("words", [("status",), ("ROOT",), ("watch", "--for", "0")])
def test_closed_streams_change_no_exit_code(fleet, redirection, words):
    done = redirected(fleet, redirection, *words)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("status", "--json"),
        ("watch",),
        ("explain", "LOCK"),
        ("locate",),
        ("--help",),
        ("demo", "-h"),
    ],
)
def test_a_full_disk_under_stdout_is_told_in_one_sentence_and_ends_with_1(fleet, words):
    done = redirected(fleet, ">/dev/full", *words)
    told = "stdout can't be written: No space left on device; what is missing there is lost\n"
    assert (done.returncode, done.stderr.decode()) == (1, told)


def test_a_full_disk_under_stderr_changes_nothing(fleet):
    done = redirected(fleet, "2>/dev/full", "status", "--log", str(fleet.home / "none.log"))
    assert (done.returncode, b"2 dead" in done.stdout) == (1, True)


@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("explain", "LOCK"), ("watch",)])
def test_a_reader_that_is_gone_leaves_the_exit_code_as_it_is(fleet, words):
    reader, writer = os.pipe()
    os.close(reader)
    line = command(*words_of(fleet, *words))
    with os.fdopen(writer, "wb") as gone:
        done = subprocess.run(
            line, env=environment(fleet.env), stdout=gone, stderr=subprocess.PIPE, timeout=60
        )
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
@pytest.mark.parametrize("words", [("status",), ("explain", "LOCK"), ("watch", "--for", "0")])
def test_what_an_encoding_does_not_have_is_written_as_its_escape(fleet, encoding, words):
    done = lockdeck(*words_of(fleet, *words), env={**fleet.env, "PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (1, b"")
    assert rb"a\u241bb" in done.stdout


def test_a_stream_that_others_made_non_blocking_loses_nothing(fleet):
    for number in range(300):
        (fleet.sessions() / f"{number}.jsonl.lock").write_text("")
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with subprocess.Popen(
        command(*words_of(fleet, "status", "--json")), env=environment(fleet.env), stdout=writer
    ) as process:
        os.close(writer)
        with os.fdopen(reader, "rb") as stdout:
            text = stdout.read()
        assert process.wait(60) == 1
    assert len(text) > 1 << 16
    assert len(json.loads(text)["locks"]) == 302


@pytest.mark.parametrize("missing", ["stdin", "stdout", "stderr"])
def test_the_dashboard_needs_a_terminal_on_every_stream_else_it_is_the_status(fleet, missing):
    ours, theirs = pty.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), theirs) | {missing: subprocess.PIPE}
    env = environment({**fleet.env, "TERM": "xterm-256color"})
    line = ["timeout", "--foreground", "60", *command(*words_of(fleet, "ROOT"))]
    with subprocess.Popen(line, env=env, **streams) as process:
        os.close(theirs)
        shown = process.stdout.read() if missing == "stdout" else _all(ours)
        assert process.wait(60) == 1
    os.close(ours)
    assert b"2 dead" in shown
    assert b"\x1b" not in shown


def _all(terminal):
    """Read a terminal until nobody has it open any more."""
    shown = b""
    try:
        while chunk := os.read(terminal, 1 << 16):
            shown += chunk
    except OSError:
        return shown
    return shown


def test_lines_that_belong_together_are_one_write_and_very_many_are_not_held_at_once(monkeypatch):
    writes = []
    monkeypatch.setattr(output.sys, "stdout", SimpleNamespace(write=writes.append))
    output.emit_all(str(number) for number in range(450))
    assert [text.count("\n") for text in writes] == [200, 200, 50]
    assert "".join(writes).split() == [str(number) for number in range(450)]
    output.emit_all(())
    assert len(writes) == 3
