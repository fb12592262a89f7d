"""What a rule about a session finds."""

from __future__ import annotations

from msgspec import Struct


class Finding(Struct, frozen=True):
    """Since when something is so (epoch seconds, None when not known), and the sentences that show it."""

    since: float | None
    reasons: tuple[str, ...]
