"""The only place that turns text into Textual's Content, for toasts, dialogs and the palette."""

from __future__ import annotations

from textual.content import Content

from backend.system.text import safe


def content(text: object, limit: int = 400) -> Content:
    """Return text from anywhere as data: no markup is read, no control character passes."""
    return Content(safe(text, limit))
