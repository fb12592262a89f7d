"""A keyboard whose bytes reach the dashboard in reads of the test's choice."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable

from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.terminal.keyparser import KeyParser

BYTES = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "backspace": "\x7f",
    "space": " ",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "end": "\x1b[F",
    "home": "\x1b[H",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "shift+tab": "\x1b[Z",
    "ctrl+a": "\x01",
    "ctrl+d": "\x04",
    "ctrl+p": "\x10",
    "ctrl+u": "\x15",
    "ctrl+z": "\x1a",
}
"""What a terminal sends for keys that are more than a character."""


def bytes_of(keys: Iterable[str]) -> bytes:
    """Return what a terminal sends for keys."""
    return "".join(BYTES.get(key, key) for key in keys).encode()


class Keyboard:
    """Hands on bytes as the input thread of the driver does."""

    def __init__(self, app: LockdeckApp) -> None:
        self._app = app
        self._parser = KeyParser()
        self._decode = getincrementaldecoder("utf-8")("replace").decode

    def send(self, raw: bytes) -> None:
        """Have bytes arrive in one read."""
        text = self._decode(raw)
        for message in self._parser.feed(text) if text else ():
            self._app._driver.process_message(message)  # type: ignore[union-attr]

    def rest(self) -> None:
        """Let so much time pass that a lone escape is the key and not the beginning of a sequence."""
        if self._parser._timeout_time is not None:
            self._parser._timeout_time = 0.0
        for message in self._parser.tick():
            self._app._driver.process_message(message)  # type: ignore[union-attr]
