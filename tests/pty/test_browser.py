"""Served to a browser: the packets of Textual's server, and nothing that a stranger could do harm with."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest

PATIENCE_S = 60.0


class Page:
    """A dashboard as Textual's server starts it: packets in, packets out, a screen made of them."""

    def __init__(self, root: Path) -> None:
        self.screen = pyte.Screen(120, 30)
        self._stream = pyte.ByteStream(self.screen)
        self._read, self._began = b"", False
        env = dict(os.environ) | {
            "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
            "COLUMNS": "120",
            "ROWS": "30",
            "LANG": "C.UTF-8",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lockdeck", str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )

    def type(self, keys: str) -> None:
        """Send what is typed into the page."""
        assert self.process.stdin is not None
        raw = keys.encode()
        self.process.stdin.write(b"D" + len(raw).to_bytes(4, "big") + raw)
        self.process.stdin.flush()

    def wait_for(self, words: str) -> str:
        """Read packets until the screen shows the words; return what it shows."""
        deadline = time.monotonic() + PATIENCE_S
        while words not in (shown := "\n".join(self.screen.display)):
            assert time.monotonic() < deadline, f"{words} never came:\n{shown}"
            self._take()
        return shown

    def end(self) -> int:
        """Read on until the process has ended; return its exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            self._take()
        return self.process.returncode

    def _take(self) -> None:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        if select.select([descriptor], [], [], 0.2)[0]:
            self._read += os.read(descriptor, 65536)
        if not self._began:
            before, found, self._read = self._read.rpartition(b"__GANGLION__\n")
            assert not before, "nothing but packets may be written to stdout"
            self._began = bool(found)
        while self._began and len(self._read) >= 5 + (size := int.from_bytes(self._read[1:5], "big")):
            kind, packet, self._read = self._read[:1], self._read[5 : 5 + size], self._read[5 + size :]
            if kind == b"D":
                self._stream.feed(packet)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    sessions = tmp_path / "root" / "agents" / "main" / "sessions"
    sessions.mkdir(parents=True)
    (sessions / "sessions.json").write_text(json.dumps({"agent:main:one": {"sessionId": "one"}}))
    (sessions / "one.jsonl").write_text('{"type":"session"}\n')
    (sessions / "one.jsonl.lock").write_text(
        json.dumps({"pid": 4194305, "createdAt": "2026-04-05T03:00:00Z"})
    )
    page = Page(tmp_path / "root")
    yield page
    page.process.kill()
    page.process.wait()
    for pipe in (page.process.stdin, page.process.stdout, page.process.stderr):
        assert pipe is not None
        pipe.close()


def test_a_page_shows_the_fleet_and_changes_nothing(page: Page, tmp_path: Path) -> None:
    page.wait_for("dead lock")
    page.wait_for("READ-ONLY, IN A BROWSER")
    page.type("R")
    page.wait_for("read-only: Release lock is not possible here")
    page.type("v")
    page.wait_for("Columns of the fleet table")
    page.type("s")
    page.wait_for("not saved")
    page.type("/dead\r")
    page.wait_for("/ dead")
    page.type("q")
    assert page.end() == 0
    assert (tmp_path / "root/agents/main/sessions/one.jsonl.lock").exists()
    written = [
        path for name in ("CONFIG", "STATE") for path in Path(os.environ[f"LOCKDECK_{name}_DIR"]).rglob("*")
    ]
    assert [path for path in written if path.is_file()] == []


def test_it_ends_when_the_server_is_gone(page: Page) -> None:
    page.wait_for("dead lock")
    assert page.process.stdin is not None
    assert page.process.stdout is not None
    page.process.stdout.close()
    page.process.stdin.close()
    assert page.process.wait(PATIENCE_S) == 130
    assert page.process.stderr is not None
    assert b"Traceback" not in page.process.stderr.read()


def test_a_page_can_not_be_fed_a_log_by_its_keyboard(page: Page, tmp_path: Path) -> None:
    env = dict(os.environ) | {"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver"}
    command = [sys.executable, "-m", "lockdeck", "--log", "-", str(tmp_path / "root")]
    done = subprocess.run(command, env=env, input=b"", capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2
    assert b"can't be served to a browser" in done.stderr
