"""Textual's parser of what a terminal sends, for which escape is a key also where another key comes in the same read.

Textual (seen on 8.2.8) takes escape and q in one read for alt+q, and of escape and enter, or escape and a slash, for the second
alone: over a slow line an escape that was to say no is lost, and the enter behind it is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from textual._xterm_parser import XTermParser
from textual.message import Message

_ESCAPE = "\x1b"
_GOES_ON = f"{_ESCAPE}[O\x7f"
"""What may go on a sequence of the terminal's own after an escape: arrows and the like, and alt+backspace, which all shells know."""
_AFTER_ESCAPE = re.compile(rf"(?<={_ESCAPE})(?=[^{re.escape(_GOES_ON)}])", re.DOTALL)
_PASTE = re.compile(rf"{_ESCAPE}\[20([01])~")
"""Where a terminal says that what is pasted begins, or has ended."""
_MARK = 6
"""Characters of that."""


class KeyParser(XTermParser):
    """Gives escape, then the key after it; `alt_keys` names the keys with alt+ that are somebody's, and those stay whole.

    What is pasted is one text without its escapes, and never a key: Textual makes keys of what follows an escape in it, enter too.
    """

    def __init__(self, debug: bool = False, alt_keys: Callable[[], Collection[str]] = frozenset) -> None:
        super().__init__(debug)
        self._alt_keys = alt_keys
        self._after_escape = False
        self._paste: str | None = None
        self._tail = ""

    def feed(self, data: str) -> Iterable[Message]:
        """Yield what text is read as; an escape at its end is one, or begins a sequence, by what comes within the delay."""
        for text in self._parts(data):
            for piece in _AFTER_ESCAPE.split(text):
                waits = self._after_escape and self._timeout_time is not None
                if waits and piece and self._is_key(piece[0]):
                    self._timeout_time = 0.0
                    yield from self.tick()
                yield from super().feed(piece)
                self._after_escape = piece.endswith(_ESCAPE)

    def _parts(self, data: str) -> Iterator[str]:
        """Yield what is typed as it comes, up to the mark of a paste, and what is pasted once its end is there."""
        begin, text = len(self._tail), self._tail + data
        self._tail = text[1 - _MARK :]
        for mark in _PASTE.finditer(text):
            part, begin = text[begin : mark.end()], mark.end()
            if self._paste is None:
                yield part
                self._paste = "" if mark[1] == "0" else None
            elif mark[1] == "0":
                self._paste += part
            else:
                whole, self._paste = self._paste + part, None
                yield whole[:-_MARK].replace(_ESCAPE, "") + whole[-_MARK:]
        if self._paste is not None:
            self._paste += text[begin:]
        elif begin < len(text) or not data:  # nothing at all tells Textual's parser that it is over
            yield text[begin:]

    def _is_key(self, character: str) -> bool:
        return character not in _GOES_ON and f"alt+{character}" not in self._alt_keys()
