"""The one door for text from outside.

Lock payloads, session keys, log lines, argv and file names are written by others.  Terminals obey
control bytes, and Textual passes ESC and the C1 range straight through, so nothing from outside is
shown before it went through `safe`.
"""

from __future__ import annotations

LIMIT = 400
"""Default cap in characters; longer text ends in an ellipsis."""


class SafeText(str):
    """Text that holds no control, bidi, zero-width or surrogate character."""

    __slots__ = ()


def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = {code: chr(0x2400 + code) for code in range(0x20)}
    table[0x7F] = "\u2421"
    table.update(dict.fromkeys(_invisible()))
    replaced = [*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000)]
    replaced += [0x061C, 0x200E, 0x200F, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)]
    # Blank letters: they would pass for spaces.
    replaced += [0x115F, 0x1160, 0x3164, 0xFFA0]
    # Noncharacters.
    replaced += range(0xFDD0, 0xFDF0)
    replaced += [plane + last for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)]
    table.update(dict.fromkeys(replaced, "\ufffd"))
    table.update({0x2028: "\u2424", 0x2029: "\u2424"})
    return table


def _invisible() -> list[int]:
    """Return Unicode's zero-width format characters, variation selectors and reserved ignorables."""
    marks = [0xAD, 0x034F, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0x200B, 0x200E), 0xFEFF]
    marks += [*range(0x2060, 0x2066), *range(0x206A, 0x2070), *range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9)]
    marks += [*range(0x13430, 0x13440), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B)]
    return [*marks, *range(0xE0080, 0xE1000)]


_TABLE = _table()


def safe(value: object, limit: int = LIMIT) -> SafeText:
    """Make any value fit to be shown: controls become pictures, direction marks U+FFFD, zero-width goes.

    `limit` is the greatest length of the result in characters, 1 or more.
    """
    raw = _as_text(value)
    text = raw[: limit + 1]
    if not (text.isascii() and text.isprintable()):  # nearly all text is: nothing of it is in the table
        text = text.translate(_TABLE)
    if len(raw) > limit:
        text = text[: max(limit - 1, 0)] + "\u2026"
    return SafeText(text)


def _as_text(value: object) -> str:
    try:
        return str(value)
    except (ValueError, RecursionError):
        # Python refuses to print integers of more than 4,300 digits and endlessly nested containers.
        return f"<{type(value).__name__} too large to show>"
