"""Small readers of values in log lines: ids, numbers, flags, key=value texts.

Nothing here raises: a value of the wrong type or shape is a value that is not there.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from functools import lru_cache

from lockdeck.backend.model.runs.profiles import profile_hash
from lockdeck.backend.system.text import SafeText, safe

ID_LIMIT = 200
"""Ids are kept as written, up to this many characters."""
TEXT_LIMIT = 200
"""Previews of errors are never kept longer than this (characters)."""
PATH_LIMIT = 4096
SCAN_LIMIT = 16_384
"""Characters of one message that are looked at; OpenClaw itself caps messages at 4096."""

_ABSENT = frozenset({"", "-", "none", "unknown", "undefined", "null", "n/a"})
_DIGITS = re.compile(r"-?\d{1,15}(?=$|ms|[^\d.\w])")
_FIRST_KEY = re.compile(r"(?<![\w.])([A-Za-z]\w{0,40})=")
_NEXT_KEY = re.compile(r" ([A-Za-z]\w{0,40})=")
ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC\b|[+-]\d\d:?\d\d\b))?"
"""Pattern of an ISO 8601 time as logs and what wraps them write it."""


def hashed_profile(value: object) -> str | None:
    """Read a `profileId`, which may also be the plain id, as its hash."""
    profile = ident(value)
    if profile is None or profile.startswith("sha256:"):
        return profile
    return profile_hash(profile)


def ident(value: object) -> str | None:
    """Read an id: a non-empty string, capped, None for OpenClaw's words for "not known"."""
    if not isinstance(value, str):
        return None
    return _ident(value) if len(value) <= ID_LIMIT else _ident(value.strip()[:ID_LIMIT])


@lru_cache(4096)  # a long log tells few ids many times over: each is read and kept once
def _ident(text: str) -> str | None:
    stripped = text.strip()
    return None if stripped.lower() in _ABSENT else stripped


def shown(value: object) -> SafeText:
    """Make a text fit to be shown, capped; empty for what is no text."""
    return safe(value.strip(), TEXT_LIMIT) if isinstance(value, str) else SafeText("")


def number(value: object) -> int | None:
    """Read a whole number from an int, a float or digits (with `ms`)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and abs(value) < 1 << 53 else None
    if isinstance(value, str):
        digits = _DIGITS.match(value)
        return int(digits[0]) if digits else None
    return None


def age_ms(value: str | None) -> int | None:
    """Read `148s`, `1500ms` or `12` (seconds) as milliseconds."""
    match = re.match(r"(\d{1,12})(ms|s)?\b", value or "")
    return None if match is None else int(match[1]) * (1 if match[2] == "ms" else 1000)


def flag(value: object) -> bool | None:
    """Read true or false, as JSON or as a word."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def clock(value: object) -> float | None:
    """Read an ISO 8601 time as epoch seconds. One without zone is taken as this host's local time."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return clock(value.replace(" UTC", "Z")) if " UTC" in value else None


def key_values(text: str) -> dict[str, str]:
    """Read `key=value key=value …`; a value reaches to the next key, the first of two equal keys wins."""
    text = text[:SCAN_LIMIT]
    first = _FIRST_KEY.search(text)
    if first is None:
        return {}
    parts = [first[1], *_NEXT_KEY.split(text[first.end() :])]
    values: dict[str, str] = {}
    for key, value in zip(parts[::2], parts[1::2], strict=True):
        values.setdefault(key, value.strip().strip('"'))
    return values


def model_name(provider: object, model: object) -> str | None:
    """Join provider and model as OpenClaw shows them: `provider/model`."""
    provider_id, model_id = ident(provider), ident(model)
    if provider_id is None or model_id is None:
        return provider_id or model_id
    return f"{provider_id}/{model_id}"[:ID_LIMIT]


def session_of_lane(lane: str) -> str | None:
    """Return the session key in `session:<key>`, None for the lanes shared by all sessions."""
    return ident(lane[8:]) if lane.startswith("session:") else None
