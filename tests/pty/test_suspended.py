"""ctrl+z and fg, on a terminal that remembers nothing: all of the picture comes back, in the size that there is now."""

from __future__ import annotations

import re

import pyte
import pytest

from tests.pty.terminal import Terminal

SIZE = (30, 100)
AT_REST = "never release: a live process holds it"
"""The last words of the selected row's answer, once it has all the room that the rows leave."""
OPENED = {
    "the fleet": (b"", AT_REST, b""),
    "a session": (b"\r", "why       ", b"q"),
    "help": (b"?", "Keys on this screen", b"q"),
    "notes": (b"!", "esc closes", b"q"),
    "columns": (b"v", "Columns of the fleet table", b"q"),
    "a question": (b"R", "Not released", b"\r"),
    "a field": (b"/sil", "/ sil", b"\x15\r"),
}
"""What is typed to open it, words that only it shows, and what leads back."""
_KEYS_OF_KITTY = re.compile(rb"\x1b\[[<>=]\d*u")
"""How a terminal is asked to report keys; pyte takes it for text."""


class Seen:
    """What a terminal shows of what is written from now on, if it was empty before."""

    def __init__(self, terminal: Terminal, size: tuple[int, int] = SIZE) -> None:
        self._terminal = terminal
        self._read = len(terminal.written)
        self._screen = pyte.Screen(size[1], size[0])
        self._stream = pyte.ByteStream(self._screen)

    @property
    def rows(self) -> list[str]:
        """The rows there are now; what is written on leaving the terminal is none of it."""
        news = self._terminal.written[self._read :].partition(b"\x1b[?1049l")[0]
        self._read = len(self._terminal.written)
        self._stream.feed(_KEYS_OF_KITTY.sub(b"", news))
        return [row.rstrip() for row in self._screen.display]

    def wait_for(self, words: str) -> None:
        """Read until the words are there."""
        self._terminal.read_while(lambda: not any(words in row for row in self.rows))

    def wait_until_it_is(self, rows: list[str]) -> None:
        """Read until these and no others are the rows."""
        self._terminal.read_while(lambda: self.rows != rows)

    def wait_until_framed(self, first: str) -> None:
        """Read until the first row begins so, and the last is the key bar of the dialog."""
        self._terminal.read_while(
            lambda: not (self.rows[0].startswith(first) and self.rows[-1].startswith(" esc Close"))
        )


@pytest.mark.parametrize("what", [tuple(OPENED)[:4], tuple(OPENED)[4:]], ids=" ".join)
def test_all_that_was_seen_comes_back_with_fg(what: tuple[str, ...]) -> None:
    with Terminal("calm", size=SIZE) as terminal:
        seen = Seen(terminal)
        for keys, words, back in map(OPENED.__getitem__, what):
            seen.wait_for(AT_REST)
            terminal.type(keys)
            seen.wait_for(words)
            terminal.stop()
            before, seen = seen.rows, Seen(terminal)
            terminal.go_on()
            seen.wait_until_it_is(before)
            terminal.type(back)
        terminal.type(b"\x11")
        assert terminal.end() == 0
        assert terminal.is_sane()


def test_it_comes_back_in_the_size_that_the_terminal_got_meanwhile() -> None:
    with Terminal("calm", size=SIZE) as terminal:
        terminal.read_until(b"heartbeat")
        terminal.type(b"R")
        terminal.read_until(b"Not released")
        # In 20 rows the dialog takes all but the key bar.
        for size, first in (((20, 60), " ┌───"), ((50, 160), " lockdeck  ")):
            terminal.stop()
            terminal.resize(size)
            seen = Seen(terminal, size)
            terminal.go_on()
            seen.wait_for("Not released")
            seen.wait_until_framed(first)
        terminal.type(b"\x11")
        assert terminal.end() == 0
