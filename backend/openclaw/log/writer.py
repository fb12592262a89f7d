"""The version of the OpenClaw that writes a log, when its configuration does not tell.

2026.4.5 and 2026.7.35 put the path of their own code into every log line, 2026.9.6 into some (seen); the
version stands in the `package.json` above it.  A log may be shared by several installations: then nothing is
said.
"""

from __future__ import annotations

import json
import os

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.openclaw.files import read_regular
from lockdeck.backend.openclaw.log.files import read_end

TAIL = 256 * 1024
"""Bytes of a log's end that are looked at."""
_CODE = late_pattern(rb'"filePath"\s*:\s*"(/[^"\\]{1,1000}/openclaw)/dist/')
_PACKAGE_BYTES = 1 << 20


def version_in_log(descriptor: int) -> Version | None:
    """Return the version of the one installation that wrote the end of an open log; None for none or several."""
    try:
        raw, _ = read_end(descriptor, TAIL)
    except OSError:
        return None
    installations = {os.fsdecode(folder) for folder in _CODE.findall(raw)}
    return _version_of(installations.pop()) if len(installations) == 1 else None


def _version_of(installation: str) -> Version | None:
    file = read_regular(os.path.join(installation, "package.json"), _PACKAGE_BYTES, follow=True)
    if file.presence is not Presence.FILE:
        return None
    try:
        package = json.loads(file.raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(package, dict) or package.get("name") != "openclaw":
        return None
    return Version.parse(package.get("version"))
