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
    words = text.rstrip().split(" ")
    if _is_cut_at_end(words[-1]):
        del words[-1]
    return " ".join([word for word in words if MARK not in word])


def loses_value(text: str) -> bool:
    """Return whether a value was cut in a text."""
    return may_be_cut(text) and any(
        cut and "=" in word and not word.startswith(_SHORTENED) for word, cut in _words(text)
    )


def _words(text: str) -> list[tuple[str, bool]]:
    words = text.rstrip().split(" ")
    return [
        *((word, MARK in word) for word in words[:-1]),
        (words[-1], MARK in words[-1] or _is_cut_at_end(words[-1])),
    ]


def _is_cut_at_end(word: str) -> bool:
    return "=" in word and word.endswith(_ENDS)
