"""Copying to the clipboard of the person's own terminal, by OSC 52: it works over ssh and in tmux."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockdeck.backend.system.text import safe
from lockdeck.tui.bindings import key_of

if TYPE_CHECKING:
    from lockdeck.tui.shell import Shell

CLIPBOARD_BYTES = 74_994
"""Terminals drop OSC 52 beyond this many bytes (100,000 characters of base64)."""


def copy_text(app: Shell, text: str) -> None:
    """Copy a name, made harmless for pasting. Whether the terminal took it, nobody tells."""
    harmless = safe(text, len(text) + 1)
    if len(harmless.encode()) > CLIPBOARD_BYTES:
        app.tell("too long for the clipboard", severity="error")
        return
    app.copy_to_clipboard(harmless)
    exact = "" if harmless == text else " (control characters were replaced, so it is not exact)"
    key = key_of(app.screen, "show_text")
    hint = f"{key} shows" if key else "the palette has a command that shows"
    app.tell(
        f"copied {safe(harmless, 60)}{exact}\nwhere the terminal refuses that, {hint} the text to select"
    )
