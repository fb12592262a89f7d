"""Files that may be logs by what they hold, where the name does not tell."""

from __future__ import annotations

import os

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.openclaw.log.framing.encodings import Decoding
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapper
from lockdeck.backend.openclaw.log.inputs.opening import head_of

_HEAD = 16 * 1024
_LINES = 50
_DATABASE = late_pattern(r"\.(?:sqlite3?|db)(?:-\w+)?\Z")


def holds_log(path: str) -> bool:
    """Return whether most of a file's first lines have a time or a tag in front, or are records of a log.

    A database is never opened: a mere reader of OpenClaw's made its own clean-up refuse (openclaw#140467).
    """
    if _DATABASE.search(os.path.basename(path)):
        return False
    try:
        head = head_of(path, _HEAD)
    except OSError:
        return False
    decoding = Decoding()
    lines = [line for line in (decoding.feed(head) + decoding.finish()).split(b"\n") if line.strip()][:_LINES]
    if any(b"\0" in line for line in lines):
        return False
    return 2 * sum(map(_is_of_log, lines)) > len(lines)


def _is_of_log(line: bytes) -> bool:
    unwrapped = Unwrapper().unwrap(line)
    return unwrapped.own or unwrapped.at is not None or unwrapped.clock is not None
