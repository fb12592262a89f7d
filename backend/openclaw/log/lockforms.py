"""The one table of forms in which OpenClaw tells that a caller could not have a session, and their reader."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.runs.events import LockTimeout
from lockdeck.backend.openclaw.log.values import SCAN_LIMIT, flag, ident, number, shown

_OWNER = r"(?:pid=(?P<pid>\d{1,10})|owner=unknown|unknown)(?: alive=(?P<alive>true|false))?(?: ageMs=(?P<age>\d{1,15}))?"
_PATH_ENDS = r"(?=$|[\s\"'|),;\\]|\.(?:$|[\s\\]))"
_TRANSCRIPT = rf"(?P<transcript>[^\n]{{1,4096}}?\.jsonl){_PATH_ENDS}"


class LockForm(Struct, frozen=True):
    """One form in which it is told that a caller could not have a session: its marker, its pattern, how it failed.

    Without `how` the caller waited and gave up. A pattern may name the `path` of the lock, the `transcript` or the `store`
    that it guards, the session `key`, and the `words` of the line for what the table has none for.
    """

    marker: str
    pattern: re.Pattern[str]
    how: str = ""


LOCK_TIMEOUT_FORMS = (
    LockForm(
        "file locked (",  # not just "timeout": every [model-fetch] line from 2026.5 on has a timeoutMs
        late_pattern(
            r"session file locked \(timeout (?P<timeout>\d{1,15}|Infinity)ms\): "
            rf"{_OWNER} (?P<path>[^\n]{{1,4096}}?\.lock){_PATH_ENDS}"
        ),
    ),
    # 2026.6.11 to 2026.7.35: the lock was found stale and could not be had all the same.
    LockForm(
        "file lock stale (",
        late_pattern(
            rf"session file lock stale \([^)\n]{{0,400}}\): {_OWNER} "
            rf"(?P<path>[^\n]{{1,4096}}?\.lock){_PATH_ENDS}"
        ),
    ),
    # 2026.5.12 to 2026.5.28 (openclaw#87537, #91492), from the library below; other files have such locks too.
    LockForm(
        "file lock ",
        late_pattern(rf"file lock stale for {_TRANSCRIPT}"),
        "the lock was found stale and could not be had",
    ),
    LockForm("file lock ", late_pattern(rf"file lock timeout for {_TRANSCRIPT}")),
    LockForm(
        "file lock ",
        late_pattern(
            rf"(?P<words>(?:session )?file lock (?!stale for|timeout for|stale \()[a-z][\w ,-]{{1,80}}?) for {_TRANSCRIPT}"
        ),
    ),
    # 2026.5.28 to 2026.7.35: the caller queued inside the process that has the lock.
    LockForm(
        "session file owner after",
        late_pattern(
            r"timed out waiting for embedded session file owner after (?P<timeout>\d{1,15})ms: " + _TRANSCRIPT
        ),
    ),
    # 2026.5.17 to 2026.7.35: another writer was at the session while the model answered (openclaw#84059, #83510).
    LockForm(
        "session file changed",
        late_pattern(rf"session file changed while embedded prompt lock was released: {_TRANSCRIPT}"),
        "another writer took the session while its lock was released",
    ),
    LockForm(
        "session file changed",
        late_pattern(
            rf"(?P<words>session file changed (?!while embedded prompt lock was released)[a-z][\w ,-]{{1,120}}?): "
            rf"{_TRANSCRIPT}"
        ),
    ),
    # 2026.6.35 and later: another message set the session up at the same moment (openclaw#104020, #102020).
    LockForm(
        "initialization conflicted",
        late_pattern(r"reply session initialization conflicted for (?P<key>agent:[^\s\"'|),;\\]{1,190})"),
        "another caller set the session up at the same moment",
    ),
    # The lock of a whole store: by the store's path (2026.3.13 to 2026.4.29), by the lock's (2026.2.9).
    LockForm(
        "session store lock",
        late_pattern(
            r"timeout (?:waiting for|acquiring) session store lock: "
            rf"(?P<store>[^\n]{{1,4096}}?sessions\.json)(?:\.lock)?{_PATH_ENDS}"
        ),
        "the lock of the session store could not be had",
    ),
)
"""Forms in which it is told that a session is taken (2026.2.9 to 2026.9.6), each with its marker."""
WORDS = ("lock", "session")
"""One of these stands in every form."""


def lock_timeouts(text: str) -> Iterator[LockTimeout]:
    """Yield every failure on a session's lock in a text."""
    if WORDS[0] not in text and WORDS[1] not in text:
        return
    for form in LOCK_TIMEOUT_FORMS:
        if form.marker not in text:
            continue
        for match in form.pattern.finditer(text[:SCAN_LIMIT]):
            parts = match.groupdict()
            guarded = parts.get("transcript") or parts.get("store")
            yield LockTimeout(
                path=parts.get("path") or (f"{guarded}.lock" if guarded else None),
                timeout_ms=number(parts.get("timeout")),
                pid=number(parts.get("pid")),
                alive=flag(parts.get("alive")),
                age_ms=number(parts.get("age")),
                session_key=ident(parts.get("key")),
                how=shown(parts.get("words") or form.how),
            )


def lock_timeout(text: object) -> LockTimeout | None:
    """Return the first lock timeout in a text, if any."""
    if not isinstance(text, str) or (WORDS[0] not in text and WORDS[1] not in text):
        return None
    return next(lock_timeouts(text), None)
