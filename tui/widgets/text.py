"""The only place that turns text into Textual's Content, for toasts, dialogs and the palette."""

from __future__ import annotations

from textual.content import Content

from lockdeck.backend.system.text import safe

_UNFIT = (
    r"\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_NO_CHARACTERS = "".join(rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(1, 0x11))
FIT_TO_SHOW = f"[^{_UNFIT}{_NO_CHARACTERS}]*"
"""Matches what `safe` would not change: a field restricted to it sends nothing else to the terminal."""


def content(text: object, limit: int = 400) -> Content:
    """Return text from anywhere as data: no markup is read, no control character passes."""
    return Content(safe(text, limit))
