"""What really reaches a terminal, and how the dashboard leaves it."""

from __future__ import annotations

import re
import signal

import pytest

from tests.pty.terminal import Terminal
from tests.tui.samples import PAYLOADS


def harmful(payload: str) -> bool:
    return any(not 32 <= ord(char) < 127 for char in payload)


def spotless(shown: bytes) -> bool:
    """Whether no payload came through as it is."""
    payloads = [payload.encode("utf-8", "surrogatepass") for payload in PAYLOADS if harmful(payload)]
    characters = [character.encode() for character in ("\x9b", "\u202e", "\u200b")]
    return not any(bad in shown for bad in (*payloads, *characters, b"\x1b]52", b"\x1b[31mred"))


@pytest.mark.parametrize(("key", "opened"), [(b":", b"A command"), (b"/", b"words")])
def test_a_payload_pasted_into_a_field_does_not_reach_the_terminal(key: bytes, opened: bytes) -> None:
    with Terminal("calm") as terminal:
        terminal.read_until(b"silas")
        terminal.type(key)
        terminal.read_until(opened)
        for payload in filter(harmful, PAYLOADS):
            terminal.type(b"\x1b[200~" + payload.encode("utf-8", "replace") + b"\x1b[201~")
        terminal.type(b"zqz")
        terminal.read_until(b"zqz")
        terminal.child.send_signal(signal.SIGTERM)
        assert terminal.end() == 130
        assert spotless(terminal.written)


def test_no_byte_of_a_payload_reaches_the_terminal() -> None:
    with Terminal("hostile") as terminal:
        terminal.read_until("␛[2J".encode())
        terminal.type(b"\r")
        terminal.read_until(b"Evidence")
        terminal.type(b"\x1b")
        terminal.read_until(b"OCCUPIED")
        terminal.type(b"l")
        terminal.read_until(b"RELEASE ID")
        terminal.type(b"Y")
        terminal.read_until(b"release id")
        terminal.type(b"\x1b")
        terminal.read_until(b"RELEASE ID")
        terminal.type(b"\x11")
        assert terminal.end() == 0
        assert spotless(terminal.written)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_restores_the_terminal(number: signal.Signals) -> None:
    with Terminal("calm") as terminal:
        terminal.read_until(b"silas")
        assert not terminal.is_sane()
        terminal.child.send_signal(number)
        assert terminal.end() == 130
        assert terminal.is_sane()


def test_q_ends_it_though_the_source_hangs() -> None:
    with Terminal("hanging") as terminal:
        terminal.read_until(b"silas")
        terminal.type(b"q")
        assert terminal.end() == 0
        assert terminal.is_sane()


def test_a_crash_is_told_without_local_variables() -> None:
    with Terminal("broken") as terminal:
        assert terminal.end() == 1
        assert b"clock broke after 12 characters" in terminal.written
        assert b"s3cr3t" not in terminal.written
        assert terminal.is_sane()


def test_no_color_sends_no_colour_code() -> None:
    with Terminal("calm", NO_COLOR="1") as terminal:
        terminal.read_until(b"silas")
        terminal.type(b"q")
        assert terminal.end() == 0
        codes = re.findall(rb"\x1b\[([0-9;]*)m", terminal.written)
    assert codes
    assert not [code for code in codes if re.search(rb"(^|;)(3[0-7]|4[0-7]|38|48|9[0-7]|10[0-7])(;|$)", code)]


def test_an_empty_no_color_counts_as_not_set() -> None:
    with Terminal("calm", NO_COLOR="") as terminal:
        terminal.read_until(b"silas")
        terminal.type(b"q")
        assert terminal.end() == 0
        assert b"38;2;" in terminal.written


def test_it_ends_by_itself_after_the_seconds_it_was_given() -> None:
    with Terminal("brief") as terminal:
        assert terminal.end() == 0
        assert terminal.is_sane()


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() -> None:
    with Terminal("calm") as terminal:
        terminal.read_until(b"silas")
        terminal.stop()
        assert terminal.is_sane()
        terminal.go_on()
        terminal.read_until(b"\x1b[?1049h")
        terminal.read_until(b"silas")
        assert not terminal.is_sane()
        terminal.type(b"q")
        assert terminal.end() == 0
        assert terminal.is_sane()


@pytest.mark.parametrize("by_key", [True, False])
def test_coming_back_paints_what_did_not_change_too(by_key: bool) -> None:
    with Terminal("calm") as terminal:
        terminal.read_until(b"heartbeat")
        if by_key:
            terminal.stop()
        else:
            terminal.stop_from_outside()
        terminal.mark = len(terminal.written)
        terminal.go_on()
        terminal.read_until(b"\x1b[?1049h")
        terminal.read_until(b"heartbeat")
        terminal.type(b"q")
        assert terminal.end() == 0
        assert terminal.is_sane()


def test_a_terminal_that_is_gone_ends_it() -> None:
    with Terminal("calm") as terminal:
        terminal.read_until(b"silas")
        assert terminal.hang_up() == 130


def test_bytes_that_are_no_text_do_no_harm() -> None:
    with Terminal("calm") as terminal:
        terminal.read_until(b"silas")
        terminal.type(b"\xff\xc3l")
        terminal.read_until(b"RELEASE ID")
        terminal.type(b"\x11")
        assert terminal.end() == 0
        assert terminal.is_sane()


def test_without_the_mouse_it_is_never_asked_for() -> None:
    with Terminal("mouseless") as terminal:
        terminal.read_until(b"silas")
        terminal.type(b"q")
        assert terminal.end() == 0
        assert terminal.is_sane()
        assert b"\x1b[?1000h" not in terminal.written
        assert b"\x1b[?1016h" not in terminal.written


def test_text_to_select_gives_the_mouse_to_the_terminal_until_it_is_left() -> None:
    with Terminal("calm", size=(24, 50)) as terminal:
        terminal.read_until(b"silas")
        terminal.type(b"l")
        terminal.read_until(b"VERDICT")
        terminal.type(b"Y")
        terminal.read_until(b"\x1b[?1000l")
        terminal.read_until(b"\x1b[?7h")  # wrapping on: a path longer than a line comes in one piece
        terminal.read_until(b".jsonl.lock")
        terminal.read_until(b"\x1b[?7l")
        assert re.search(rb"\x1b\[\?7h[^/]*/home/ops/[^\x1b]*\.jsonl\.lock", terminal.written)
        terminal.type(b"\x1b")
        terminal.read_until(b"\x1b[?1000h")
        terminal.type(b"qq")
        assert terminal.end() == 0
        assert terminal.is_sane()


def test_a_signal_while_text_is_shown_restores_the_terminal() -> None:
    with Terminal("calm") as terminal:
        terminal.read_until(b"silas")
        terminal.type(b"Y")
        terminal.read_until(b"session key")
        terminal.child.send_signal(signal.SIGTERM)
        assert terminal.end() == 130
        assert terminal.is_sane()
