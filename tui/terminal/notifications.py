"""Telling a person who may look elsewhere: toast, bell, and desktop notifications through the terminal.

The latter are escape sequences to the terminal, so they also arrive over ssh.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from lockdeck.backend.model.fleet import Severity
from lockdeck.backend.system.text import safe
from lockdeck.tui.alarms import Notice, words

_TITLE = "lockdeck"
LIMIT = 200
"""Greatest length of a notification's text."""


class AnnouncingApp(Protocol):
    """An application that can speak to the person."""

    def tell(self, text: str, *, severity: str = "information") -> None:
        """Show a toast."""

    def bell(self) -> None:
        """Ring the terminal's bell."""

    def send_to_terminal(self, sequence: str) -> None:
        """Write an escape sequence."""


def announce(
    app: AnnouncingApp, notices: Sequence[Notice], channels: Sequence[str], env: Mapping[str, str]
) -> None:
    """Tell the notices on each channel (toast, bell, osc9, osc777)."""
    rows = words(notices)
    if "toast" in channels:
        critical = any(notice.severity is Severity.CRITICAL for notice in notices)
        app.tell("\n".join(safe(row) for row in rows), severity="error" if critical else "information")
    if "bell" in channels:
        app.bell()
    for channel in channels:
        if channel.startswith("osc"):
            app.send_to_terminal(notification(channel, "; ".join(rows), env))


def notification(channel: str, text: str, env: Mapping[str, str]) -> str:
    """Return the escape sequence that shows `text`: `osc9` (iTerm2, kitty, Windows) or `osc777` (urxvt, foot).

    Inside tmux it is wrapped so that tmux passes it on (needs `allow-passthrough on` there).
    """
    message = safe(text, LIMIT)
    sequence = (
        f"\x1b]777;notify;{_TITLE};{message}\x07"
        if channel == "osc777"
        else f"\x1b]9;{_TITLE}: {message}\x07"
    )
    if env.get("TMUX"):
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    return sequence
