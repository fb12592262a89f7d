"""The demo's clock in the forms OpenClaw writes."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def epoch_ms() -> int:
    """Milliseconds since the epoch."""
    return int(time.time() * 1000)


def iso_utc() -> str:
    """Return now as `2026-04-06T23:26:00.123Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_local() -> str:
    """Return now with the local offset, as in a log line's `time`."""
    return datetime.now(UTC).astimezone().isoformat(timespec="milliseconds")
