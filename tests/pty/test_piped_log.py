"""The dashboard with a log on stdin: `docker logs -f gw | lockdeck ROOT --log -`; its keyboard is the terminal."""

from __future__ import annotations

import json
import os
import time

import pytest

from tests.pty.terminal import Terminal
from tests.unit.fleetdir import FleetDir
from tests.unit.watch.live.moved import moved


@pytest.fixture
def fleet(tmp_path):
    fleet = FleetDir(tmp_path)
    fleet.session("agent:silas:main")
    return fleet


def deck(fleet: FleetDir, stdin: int | None) -> Terminal:
    words = json.dumps([str(fleet.root), "--log", "-"])
    return Terminal("command-line", stdin=stdin, LOCKDECK_TEST_WORDS=words, **fleet.env)


def test_what_the_pipe_tells_is_shown_its_end_is_told_and_keys_work(fleet: FleetDir) -> None:
    reader, writer = os.pipe()
    with deck(fleet, reader) as terminal:
        os.close(reader)
        terminal.read_until(b"1 idle")
        os.write(writer, moved(time.time())[:60_000])
        terminal.read_until(b"failed")
        terminal.type(b"l")
        terminal.read_until(b"RELEASE ID")
        terminal.type(b"\x1b")
        os.close(writer)
        terminal.read_until(b"the pipe ended")
        terminal.type(b"q")
        assert terminal.end() == 0
        assert terminal.is_sane()


def test_the_keyboard_is_no_log(fleet: FleetDir) -> None:
    with deck(fleet, None) as terminal:
        assert terminal.end() == 2
        assert b"--log - needs a pipe: stdin is the keyboard of the dashboard" in terminal.written
