"""Small readers of values in log lines: ids, numbers, flags, key=value texts.

Nothing here raises: a value of the wrong type or shape is a value that is not there.
"""

from __future__ import annotations

import math
import re
from datetime import datetime

from lockdeck.backend.model.pattern import late_pattern
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
_MOST_IDS = 4096
_MOST_KEYS = 1024
_MOST_DIGITS = 15
_DIGITS = late_pattern(rf"-?\d{{1,{_MOST_DIGITS}}}(?=$|ms|[^\d.\w])")
_FLAGS = {"true": True, "false": False}
_FIRST_KEY = late_pattern(r"(?<![\w.])([A-Za-z]\w{0,40})=")
_KEY = late_pattern(r"[A-Za-z]\w{0,40}")
_NEXT_KEY = late_pattern(r" [A-Za-z]\w{0,40}=")
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
    return _IDS[value] if isinstance(value, str) else None


class _Ids(dict[str, str | None]):
    """Ids by how they are written: a long log tells few of them many times over, so each is read and kept once."""

    def __missing__(self, text: str) -> str | None:
        stripped = text.strip()[:ID_LIMIT]
        value = None if stripped.lower() in _ABSENT else stripped
        if len(text) <= ID_LIMIT:
            if len(self) >= _MOST_IDS:
                self.clear()
            self[text] = value
        return value


_IDS = _Ids()


def shown(value: object) -> SafeText:
    """Make a text fit to be shown, capped; empty for what is no text."""
    return safe(value.strip(), TEXT_LIMIT) if isinstance(value, str) else SafeText("")


def number(value: object) -> int | None:
    """Read a whole number from an int, a float or digits (with `ms`)."""
    if isinstance(value, str):
        if value.isdecimal() and len(value) <= _MOST_DIGITS:
            return int(value)
        digits = _DIGITS.match(value)
        return int(digits[0]) if digits else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and abs(value) < 1 << 53 else None
    return None


def age_ms(value: str | None) -> int | None:
    """Read `148s`, `1500ms` or `12` (seconds) as milliseconds."""
    match = re.match(r"(\d{1,12})(ms|s)?\b", value or "")
    return None if match is None else int(match[1]) * (1 if match[2] == "ms" else 1000)


def flag(value: object) -> bool | None:
    """Read true or false, as JSON or as a word."""
    if isinstance(value, bool):
        return value
    return _FLAGS.get(value) if isinstance(value, str) else None


def clock(value: object) -> float | None:
    """Read an ISO 8601 time as epoch seconds. One without zone is taken as this host's local time."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return clock(value.replace(" UTC", "Z")) if " UTC" in value else None


def epoch(moment: datetime) -> float | None:
    """Return a moment in epoch seconds, None for what this host's clock can't tell. One without zone is local time."""
    try:
        return moment.timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def key_values(text: str) -> dict[str, str]:
    """Read `key=value key=value …`; a value reaches to the next key, the first of two equal keys wins."""
    text = text[:SCAN_LIMIT]
    before, _, words = text.partition("=")
    key = before.rpartition(" ")[2]
    if not _IS_KEY[key] or len(before) == len(text):
        first = _FIRST_KEY.search(text)
        if first is None:
            return {}
        key, words = first[1], text[first.end() :]
    values: dict[str, str] = {}
    begin = ""
    *parts, last = words.split("=")
    for part in parts:
        value, blank, word = part.rpartition(" ")
        if blank and _IS_KEY[word]:
            if key not in values:
                values[key] = (begin + value).strip().strip('"')
            key, begin = word, ""
        else:
            begin += f"{part}="
    values.setdefault(key, (begin + last).strip().strip('"'))
    return values


def value_of(text: str, key: str) -> str | None:
    """Return the value that `key_values` reads of one key, None where it reads none."""
    text, words = text[:SCAN_LIMIT], f"{key}="
    place = text.find(words)
    if place < 0:
        return None
    if place and text[place - 1] != " ":
        return key_values(text).get(key)
    begin = place + len(words)
    following = _NEXT_KEY.search(text, begin)
    return text[begin : len(text) if following is None else following.start()].strip().strip('"')


class _Keys(dict[str, bool]):
    """Words that were asked whether they are keys: a log has few of them."""

    def __missing__(self, word: str) -> bool:
        is_key = _KEY.fullmatch(word) is not None
        if is_key:
            if len(self) >= _MOST_KEYS:
                self.clear()
            self[word] = True
        return is_key


_IS_KEY = _Keys()


def model_name(provider: object, model: object) -> str | None:
    """Join provider and model as OpenClaw shows them: `provider/model`."""
    provider_id, model_id = ident(provider), ident(model)
    if provider_id is None or model_id is None:
        return provider_id or model_id
    return f"{provider_id}/{model_id}"[:ID_LIMIT]


def session_of_lane(lane: str) -> str | None:
    """Return the session key in `session:<key>`, None for the lanes shared by all sessions."""
    return ident(lane[8:]) if lane.startswith("session:") else None
