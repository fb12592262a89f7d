"""Signals that end the dashboard: Textual's driver does not handle them and would leave the terminal raw (8.2.8)."""

from __future__ import annotations

import asyncio
import signal

from textual.app import App

from lockdeck.tui.exits import Exit


def leave_on_signals(app: App[int]) -> None:
    """Leave as if by `q` on SIGTERM and SIGHUP, with the exit code of an interruption (call in the event loop)."""

    def leave() -> None:
        app.exit(Exit.INTERRUPTED, return_code=Exit.INTERRUPTED)

    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, leave)
