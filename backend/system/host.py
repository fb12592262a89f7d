"""The name of this machine."""

from __future__ import annotations

import os

from lockdeck.backend.system.text import SafeText, safe


def host_name() -> SafeText:
    """Return the name under which this machine knows itself."""
    return safe(os.uname().nodename)
