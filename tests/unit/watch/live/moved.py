"""A recorded log, moved to another time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from tests.folders import RECORDINGS

HANG = RECORDINGS / "2026.4.5-incident-hang" / "gateway.log"
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:\d\d)")


def moved(until: float) -> bytes:
    """Return the incident as if its last line were written at `until` (epoch seconds)."""
    text = HANG.read_text()
    last = max(datetime.fromisoformat(stamp) for stamp in _STAMP.findall(text))
    by = datetime.fromtimestamp(until, UTC) - last

    def shift(match: re.Match[str]) -> str:
        return _iso(datetime.fromisoformat(match[0]) + by)

    return _STAMP.sub(shift, text).encode()


def _iso(moment: datetime) -> str:
    at = moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)
    return (at + timedelta(0)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
