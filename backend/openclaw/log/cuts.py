"""Lines that somebody cut to the width of a terminal: what stands there is read, a value that was cut is not."""

from __future__ import annotations

MARK = "\u2026"
"""journald, terminals and tables put it where they leave something out, at the end or in the middle."""
_ENDS = ("...", ">")
"""What others put at the end of a cut line (`less -S`, the pager of journalctl)."""

_SHORTENED = ("conn=", "error=", "rawError=")
"""What OpenClaw itself shortens, and free text, which may end so."""


def may_be_cut(text: str) -> bool:
    """Return whether something may be left out of a text."""
    return MARK in text or text.endswith(_ENDS)


def without_cuts(text: str) -> str:
    """Return the text without the words and values that were cut: half an id is another id, half a number another number."""
    text = text.rstrip()
    before, blank, last = text.rpartition(" ")
    if _is_cut_at_end(last):
        text = before if blank else ""
    if MARK not in text:
        return text
    return " ".join([word for word in text.split(" ") if MARK not in word])


def loses_value(text: str) -> bool:
    """Return whether a value was cut in a text."""
    if not may_be_cut(text):
        return False
    text = text.rstrip()
    last = text.rpartition(" ")[2]
    return (_is_cut_at_end(last) and _is_value(last)) or (
        MARK in text and any(map(_is_value, [word for word in text.split(" ") if MARK in word]))
    )


def _is_value(word: str) -> bool:
    return "=" in word and not word.startswith(_SHORTENED)


def _is_cut_at_end(word: str) -> bool:
    return "=" in word and word.endswith(_ENDS)
