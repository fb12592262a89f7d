"""Textual's driver for Linux, with an input thread of our own.

Textual's (seen on 8.2.8) takes 0.1 to 0.2 s to end, which is half of what quitting took; it ends the dashboard
with a traceback on a byte that is not UTF-8, and reads on without rest once the terminal is gone.
"""

from __future__ import annotations

import errno
import os
import selectors
from codecs import getincrementaldecoder
from collections.abc import Collection, Mapping
from typing import TextIO

from textual.drivers.linux_driver import LinuxDriver

from lockdeck.tui.exits import Exit
from lockdeck.tui.terminal.keyparser import KeyParser

_TICK_S = 0.1
"""So often the parser is asked whether a lone escape was the key, and not the beginning of a sequence, while it awaits that."""
_READ_BYTES = 4096
_LOST_ERRNOS = frozenset({errno.EIO, errno.EPIPE, errno.ENXIO})


class LostFile:
    """The terminal's file; what is written to a terminal that is gone is dropped.

    Textual's output thread (seen on 8.2.8) dies of it, and when its queue is full the dashboard waits for ever.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write, as far as anybody can read it."""
        try:
            self._file.write(text)
        except OSError as error:
            self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Send what was written."""
        try:
            self._file.flush()
        except OSError as error:
            self._lose(error)

    def fileno(self) -> int:
        """Return the descriptor of the terminal."""
        return self._file.fileno()

    def _lose(self, error: OSError) -> None:
        """Let what is buffered, and all that follows, go nowhere."""
        if error.errno not in _LOST_ERRNOS:
            raise error
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, self._file.fileno(), inheritable=True)
        os.close(nowhere)


class QuickDriver(LinuxDriver):
    """Its input thread is woken when it is to end, and its output thread outlives the terminal."""

    _end = -1
    _file: LostFile | TextIO  # type: ignore[assignment]

    def start_application_mode(self) -> None:
        """Take the terminal, at the start and after ctrl+z."""
        if self._end >= 0:
            os.close(self._end)
        self._end = os.eventfd(0, os.EFD_CLOEXEC)
        if not isinstance(self._file, LostFile):
            self._file = LostFile(self._file)
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def _sigcont_application(self, *_signal: object) -> None:
        """Take the terminal again, also where something else stopped us and the shell had it meanwhile."""
        if not self._must_signal_resume and self._auto_restart:
            self.suspend_application_mode()
            self._must_signal_resume = True
        super()._sigcont_application()

    def disable_input(self) -> None:
        """Wake the input thread, and wait for its end as the parent does."""
        if self._end >= 0:
            os.eventfd_write(self._end, 1)
        super().disable_input()

    def run_input_thread(self) -> None:
        """Pass on what is typed."""
        parser = KeyParser(self._debug, self._alt_keys)
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.DefaultSelector() as selector:
            selector.register(self._end, selectors.EVENT_READ)
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                awaits = parser._timeout_time is not None  # noqa: SLF001 - nothing public tells it
                ready = {key.fd for key, _events in selector.select(_TICK_S if awaits else None)}
                if self.fileno in ready:
                    typed = _read(self.fileno)
                    if not typed:
                        self._app.call_later(self._app.exit, return_code=Exit.INTERRUPTED)
                        return
                    if text := decode(typed):  # the parser takes no text for the end of all
                        for message in parser.feed(text):
                            self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)

    def _alt_keys(self) -> Collection[str]:
        """Return the keys with alt+ that a person has given to commands."""
        keys: Mapping[str, str] = self._app._keymap  # noqa: SLF001 - nothing public tells it
        return {
            key for of_command in keys.values() for key in of_command.split(",") if key.startswith("alt+")
        }


def _read(descriptor: int) -> bytes:
    """Read what is there; nothing once the terminal is gone."""
    try:
        return os.read(descriptor, _READ_BYTES)
    except OSError:
        return b""
