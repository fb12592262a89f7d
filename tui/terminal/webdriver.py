"""Textual's driver for a browser, which ends with the server that started it.

Textual's (seen on 8.2.8) goes on without input when the server is gone, until a write to nobody ends it with a traceback.
"""

from __future__ import annotations

import os
from typing import Any

from textual.drivers.web_driver import WebDriver

from lockdeck.tui.exits import Exit


class BrowserDriver(WebDriver):
    """Leaves the dashboard when its input ends; what is written to nobody is dropped."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._write = self._write_if_read  # type: ignore[assignment]

    def run_input_thread(self) -> None:
        """Pass on what is typed, and leave when nobody can type any more."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.call_later(self._app.exit, return_code=Exit.INTERRUPTED)

    def _write_if_read(self, packet: bytes) -> int:
        rest = packet
        try:
            while rest:
                rest = rest[os.write(self.fileno, rest) :]
        except BrokenPipeError:
            return len(packet)
        return len(packet)
