"""Whether the dashboard is served to a browser (`textual serve`): then whoever can open the page presses its keys."""

from __future__ import annotations

import os

_WEB_DRIVERS = ":WebDriver"


def in_browser() -> bool:
    """Return whether a server of Textual's has started us, with pipes for a browser instead of a terminal."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith(_WEB_DRIVERS)
