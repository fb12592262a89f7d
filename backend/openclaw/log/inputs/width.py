"""Logs that went through a screen: each line is broken at the width of a terminal, and the rest of it begins like no line."""

from __future__ import annotations

from itertools import pairwise

from lockdeck.backend.openclaw.log.framing.encodings import Decoding
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapper
from lockdeck.backend.openclaw.log.markers import VARYING

HEAD = 64 * 1024
"""So many bytes of a log are looked at."""
_WIDTHS = range(40, 1001)
"""Widths of terminals (characters)."""
_FEW = 3
"""So many broken lines may be chance."""


def broken_at(head: bytes) -> int | None:
    """Return the width (characters) at which the first lines of a log are broken; None where they are whole.

    No line is longer, and what follows one of that width never has the shape of a line. One message told again and again
    is as wide each time: it counts once.
    """
    decoding = Decoding()
    lines = (decoding.feed(head) + decoding.finish()).rpartition(b"\n")[0].split(b"\n")
    widths = [len(line.rstrip(b"\r").decode("utf-8", "replace")) for line in lines]
    width = max(widths)
    broken = [pair for pair, size in zip(pairwise(lines), widths, strict=False) if size == width]
    words = {line.translate(None, VARYING) for line, _ in broken}
    if width not in _WIDTHS or len(words) < _FEW:
        return None
    unwrapper = Unwrapper()
    return None if any(unwrapper.unwrap(rest).shaped for _, rest in broken) else width


def broken_sentence(width: int) -> str:
    """Say what a log of broken lines is worth."""
    return (
        f"is broken into lines of {width} characters, as a terminal does: "
        "a run may be told in pieces and without its end; give the log itself"
    )
