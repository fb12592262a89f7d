"""Keys that come in one burst, however it is cut, reach what they were typed for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pty.terminal import Terminal
from tests.unit.releasing import Root

BURSTS = {
    "a row that is found and opened": (b"/nightly\r\r", b"agent:juno:cron:nightly-digest", b"q/\x15\r"),
    "a mistake that is mended": (
        b"/silx\x7fas dis\r\r",
        b"agent:silas:discord:channel:119834421",
        b"q/\x15\r",
    ),
    "a command by its name": (b":journal\r", b"journal.jsonl", b"q"),
    "two screens, one of them left": (b"leqle", b"Nothing has changed yet", b"q"),
    "a screen that is left by escape": (b"l\x1be", b"Nothing has changed yet", b"q"),
    "a filter that is given up": (b"/zz\x1be", b"Nothing has changed yet", b"q"),
    "a row by arrows": (b"\x1b[B\x1b[B\r", b"agent:juno:telegram:direct:4402", b"qg"),
    "letters of two bytes": ("/é\r".encode(), "No row matches é".encode(), b"/\x15\r"),
}


@pytest.mark.parametrize("burst", BURSTS)
def test_a_burst_reaches_what_it_was_typed_for_wherever_it_is_cut(burst: str) -> None:
    keys, reached, back = BURSTS[burst]
    with Terminal(
        "calm", ESCDELAY="60000"
    ) as terminal:  # an arrow that is cut is one, however late its end comes
        terminal.read_until(b"silas")
        for cut in range(len(keys)):
            terminal.type(keys[:cut])
            terminal.wait_until_read()
            terminal.type(keys[cut:])
            terminal.read_until(reached)
            terminal.type(back)
            terminal.read_until(b"heartbeat")  # a row that no filter above lets through
        terminal.type(b"q")
        assert terminal.end() == 0


@pytest.mark.parametrize("burst", [b"R\r\r", b"R\t\r", b"R\x1b[C\r"])
def test_a_burst_releases_nothing(burst: bytes, tmp_path: Path) -> None:
    root = Root(tmp_path)
    root.write()
    env = {
        "HOME": str(tmp_path),
        "LOCKDECK_TEST_ROOT": str(tmp_path / "root"),
        "LOCKDECK_STATE_DIR": str(tmp_path / "state"),
        "LOCKDECK_CONFIG_DIR": str(tmp_path / "config"),
    }
    with Terminal("root", **env) as terminal:
        terminal.read_until(b"dead lock")
        terminal.type(burst)
        terminal.read_until(b"Release this lock?")
        terminal.read_until(b"Not now")
        terminal.type(b"\x11")  # ctrl+q is heard after all that was typed before it
        assert terminal.end() == 0
    assert root.lock.exists()
    assert root.kinds() == []
