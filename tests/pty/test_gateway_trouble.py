"""A dashboard on a root whose gateway misbehaves: keys are answered, one line says what is wrong, it recovers by itself."""

from __future__ import annotations

import json
import socket
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.pty.gateway import HALF_OPEN, TOKEN, GatewayChild
from tests.pty.terminal import Terminal

ENOUGH_S = 2.0
"""Far less than the 10 s that a silent gateway is given: a key that waited for the gateway takes longer."""
PRESSES = 7


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def root(tmp_path: Path, port: int) -> Callable[[str], Path]:
    """A root of 2026.9 whose config leads to `port`, and whose log is read: a run that only a gateway tells of is unknown."""

    def make(token: str = TOKEN) -> Path:
        folder = tmp_path / "root" / "agents" / "silas" / "agent"
        folder.mkdir(parents=True)
        with sqlite3.connect(folder / "openclaw-agent.sqlite") as database:
            database.execute("CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY)")
        log = tmp_path / "openclaw.log"
        log.write_text(f'{{"0":"gateway","1":"listening","time":"{datetime.now(UTC).isoformat()}"}}\n')
        config = {
            "gateway": {"port": port, "auth": {"mode": "token", "token": token}},
            "logging": {"file": str(log)},
        }
        (tmp_path / "root" / "openclaw.json").write_text(json.dumps(config))
        return tmp_path / "root"

    return make


@pytest.fixture
def gateway(port: int) -> Iterator[Callable[[str], GatewayChild]]:
    made: list[GatewayChild] = []

    def start(mood: str) -> GatewayChild:
        made.append(GatewayChild(port, mood))
        return made[-1]

    yield start
    for child in made:
        child.close()


def dashboard(root: Path) -> Terminal:
    folder = str(root.parent / "deck")
    return Terminal(
        "root", LOCKDECK_TEST_ROOT=str(root), HOME=str(root.parent), LOCKDECK_STATE_DIR=folder, TMPDIR=folder
    )


def answered_in(terminal: Terminal) -> float:
    """Go to the locks and back, some times; return the median time in seconds until the key had its effect."""
    took = []
    for _ in range(PRESSES):
        began = time.monotonic()
        terminal.type(b"l")
        terminal.read_until(b"RELEASE ID")
        took.append(time.monotonic() - began)
        terminal.type(b"\x1b")
        terminal.read_until(b"WAITING")
    return statistics.median(took)


def recovers(terminal: Terminal, gateway: Callable[[str], GatewayChild]) -> None:
    gateway("well")
    terminal.read_until(b"1 running")
    terminal.type(b"q")
    assert terminal.end() == 0
    assert terminal.is_sane()
    assert TOKEN.encode() not in terminal.written
    assert b"\x1b[2J this is no frame" not in terminal.written


@pytest.mark.parametrize(
    ("mood", "words"),
    [
        ("mute", b"did not answer"),
        ("deaf", b"did not answer"),
        ("garbled", b"did not answer"),
        ("restarting", b"it is restarting"),
        (HALF_OPEN, b"did not answer"),
    ],
)
def test_a_gateway_that_does_not_answer_keeps_nobody_waiting(root, gateway, mood: str, words: bytes) -> None:
    child = gateway(mood)
    with dashboard(root()) as terminal:
        terminal.read_until(words)
        assert answered_in(terminal) <= ENOUGH_S
        child.close()
        recovers(terminal, gateway)


def test_a_flood_of_events_keeps_nobody_waiting(root, gateway) -> None:
    child = gateway("flooding")
    with dashboard(root()) as terminal:
        terminal.read_until(b"1 running")
        terminal.read_until(b"2 notes")
        terminal.type(b"!")
        terminal.read_until(b"of a flood")
        terminal.type(b"q")
        assert answered_in(terminal) <= ENOUGH_S
        child.close()
        terminal.read_until(b"no word from the gateway")
        recovers(terminal, gateway)


def test_a_gateway_that_is_gone_is_one_line_until_it_is_back(root, gateway) -> None:
    child = gateway("well")
    with dashboard(root()) as terminal:
        terminal.read_until(b"1 running")
        child.close()
        terminal.read_until(b"no word from the gateway")
        assert answered_in(terminal) <= ENOUGH_S
        recovers(terminal, gateway)


def test_a_wrong_token_is_one_line_until_the_config_has_the_right_one(root, gateway) -> None:
    child = gateway("well")
    folder = root("not-the-token")
    with dashboard(folder) as terminal:
        terminal.read_until(b"refuses the token")
        assert answered_in(terminal) <= ENOUGH_S
        config = folder / "openclaw.json"
        config.write_text(config.read_text().replace("not-the-token", TOKEN))
        child.close()
        recovers(terminal, gateway)
        assert b"not-the-token" not in terminal.written
