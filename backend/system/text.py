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
    replaced = [*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000)]
    replaced += [0x061C, 0x200E, 0x200F, 0xFFFE, 0xFFFF, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)]
    table.update(dict.fromkeys(replaced, "\ufffd"))
    table.update({0x2028: "\u2424", 0x2029: "\u2424"})
    dropped = [0xAD, 0x180E, 0x200B, 0x200C, 0x200D, *range(0x2060, 0x2066), *range(0x206A, 0x2070), 0xFEFF]
    table.update(dict.fromkeys(dropped))
    return table


_TABLE = _table()


def safe(text: object, limit: int = LIMIT) -> SafeText:
    """Make any value fit to be shown: controls become pictures, direction marks U+FFFD, zero-width goes.

    `limit` is the greatest length of the result in characters, 1 or more.
    """
    raw = str(text)
    shown = raw[: limit + 1].translate(_TABLE)
    if len(raw) > limit:
        shown = shown[: max(limit - 1, 0)] + "\u2026"
    return SafeText(shown)
