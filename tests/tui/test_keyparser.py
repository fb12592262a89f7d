"""Escape is a key whatever comes behind it in one read, or in the next; a sequence of the terminal's own stays one."""

from __future__ import annotations

import pytest
from textual.events import Key

from lockdeck.tui.terminal.keyparser import KeyParser

READ_AS = {
    "\x1bq": ["escape", "q"],
    "\x1bQ": ["escape", "Q"],
    "\x1b\r": ["escape", "enter"],
    "\x1b/é": ["escape", "slash", "é"],
    "\x1bj\x1bk": ["escape", "j", "escape", "k"],
    "\x1b\x1bq": ["escape", "escape", "q"],
    "q\x1b": ["q", "escape"],
    "\x1b[A\x1b[Bq": ["up", "down", "q"],
    "\x1bOP\x1bl": ["f1", "escape", "l"],
    "\x1b\x1b[A": ["escape", "up"],
    "\x1b\x7f": ["ctrl+w"],
    "\x1bx": ["alt+x"],
}


def read(*reads: str) -> list[str]:
    parser = KeyParser(alt_keys=lambda: {"alt+x"})
    events = [event for text in reads for event in parser.feed(text)]
    if parser._timeout_time is not None:
        parser._timeout_time = 0.0
        events += parser.tick()
    return [event.key for event in events if isinstance(event, Key)]


@pytest.mark.parametrize("typed", READ_AS)
def test_keys_are_read_as_they_were_typed_wherever_the_reads_are_cut(typed: str, monkeypatch) -> None:
    monkeypatch.setattr("textual.constants.ESCAPE_DELAY", 60.0)
    for cut in range(1, len(typed) + 1):
        assert read(*filter(None, (typed[:cut], typed[cut:]))) == READ_AS[typed]


PASTED = {
    "ab": "ab",
    "a\x1bq\x1b]52;c;x\x07": "aq]52;c;x\x07",
    "\x1b\r": "\r",
    "\x1b[200~\x1bj": "[200~j",
    "\x1b[20": "[20",
    "\x1b": "",
}


@pytest.mark.parametrize("pasted", PASTED)
def test_what_is_pasted_is_one_text_and_never_a_key_wherever_the_reads_are_cut(
    pasted: str, monkeypatch
) -> None:
    monkeypatch.setattr("textual.constants.ESCAPE_DELAY", 60.0)
    typed = f"q\x1b[200~{pasted}\x1b[201~\x1bz"
    for cut in range(1, len(typed) + 1):
        found = told(*filter(None, (typed[:cut], typed[cut:])))
        assert found == ["q", f"pasted {PASTED[pasted]}", "escape", "z"], repr(typed[:cut])


def told(*reads: str) -> list[str]:
    """Return keys by their names, and what was pasted, in their order."""
    parser = KeyParser()
    events = [event for text in reads for event in parser.feed(text)]
    return [event.key if isinstance(event, Key) else f"pasted {event.text}" for event in events]
