"""The report that a person sees when lockdeck itself breaks: the place, never the values of variables.

Textual prints Rich tracebacks with local variables, and those may hold a gateway's token (seen on 8.2.8).
"""

from __future__ import annotations

import traceback

from rich.text import Text

from lockdeck.backend.system.text import safe

_FRAMES = 8


def report(error: BaseException) -> Text:
    """Return the last frames and the message of an error, without locals."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    headline = f"lockdeck stopped because of an error of its own: {type(error).__name__}: {error}"
    lines = [headline, *places, "Nothing in OpenClaw was changed by this."]
    return Text("\n".join(safe(row, 500) for row in lines))
