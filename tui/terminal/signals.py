"""Signals that end the dashboard: Textual's driver does not handle them and would leave the terminal raw (8.2.8)."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from lockdeck.tui.exits import Exit

if TYPE_CHECKING:
    from lockdeck.tui.app import LockdeckApp


def leave_on_signals(app: LockdeckApp) -> None:
    """Leave as if by `q` on SIGTERM and SIGHUP, with the exit code of an interruption (call in the event loop)."""

    def leave() -> None:
        app.exit(Exit.INTERRUPTED, return_code=Exit.INTERRUPTED)

    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, leave)
