"""`sessions.json`: which sessions there are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.openclaw.files import TRIES, FileRead, is_possible_path, read_regular
from lockdeck.backend.openclaw.roots.budgets import STORE_BYTES, STORE_ENTRIES, STORE_KEYS
from lockdeck.backend.system.text import SafeText, safe

TEXT_LIMIT = 1024
PATH_LIMIT = 4096
"""Longest key or word, and longest path, in characters, that is taken for real."""

_LAST_MS = 8.64e15
"""No time of JavaScript's is later (milliseconds)."""

Signature = tuple[int, int, int, int]

_LONE_SURROGATE = late_pattern(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


class SessionEntry(Struct, frozen=True):
    """One session as its store tells it. Times are epoch seconds; None is "not there or not usable".

    `status` and `started_at` are of the last attempt, and `running` may stay for ever after a failed run
    (seen on 2026.4.5): neither proves that something runs. `session_file` may be named after an older
    session id (after a reset, seen on 2026.4.5).
    """

    key: str
    session_id: str | None = None
    session_file: str | None = None
    status: str | None = None
    updated_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    aborted_last_run: bool = False
    model: str | None = None
    provider: str | None = None
    queue_mode: str | None = None
    spawned_by: str | None = None


class Store(Struct, frozen=True):
    """The result of one reading. A store that does not exist has no entries and no problem.

    With a `problem` the entries are those that could be understood, or those of the reading before; the
    signature (dev, ino, size, mtime_ns) is None where the file has to be read again next time. `over_budget`: it holds
    more than one root may have, and nothing was taken of it.
    """

    entries: tuple[SessionEntry, ...] = ()
    signature: Signature | None = None
    problem: SafeText | None = None
    over_budget: bool = False


class _Fields(msgspec.Struct, gc=False, rename="camel"):
    """The fields that are needed. Each may have any type: one wrong value must not cost the entry."""

    session_id: Any = None
    session_file: Any = None
    status: Any = None
    updated_at: Any = None
    started_at: Any = None
    ended_at: Any = None
    aborted_last_run: Any = None
    model: Any = None
    model_provider: Any = None
    queue_mode: Any = None
    spawned_by: Any = None


_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_LIMIT)] | None
_Milliseconds = Annotated[float, msgspec.Meta(gt=0, lt=_LAST_MS)] | None


class _SoundFields(msgspec.Struct, gc=False, rename="camel"):
    """The same of an entry in which each is what it should be, as in nearly all: the decoder itself sees to that."""

    session_id: _Word = None
    session_file: str | None = None
    status: _Word = None
    updated_at: _Milliseconds = None
    started_at: _Milliseconds = None
    ended_at: _Milliseconds = None
    aborted_last_run: bool | None = None
    model: _Word = None
    model_provider: _Word = None
    queue_mode: _Word = None
    spawned_by: _Word = None


_DOCUMENT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENTRY = msgspec.json.Decoder(_Fields)
_SOUND_ENTRY = msgspec.json.Decoder(_SoundFields)


def read_store(
    path: str, previous: Store | None = None, *, below: str | None = None, most: int = STORE_ENTRIES
) -> Store:
    """Read the store at `path`; `previous` itself is returned while there is nothing new.

    `below`: no link is followed from this directory on, for a root that is not ours. `most`: with more sessions nothing
    is taken of it.

    OpenClaw replaces the file whole, many times per turn: an absent or incomplete file is read again.
    Raises nothing.
    """
    last = previous or Store()
    if last.signature is not None and last.signature == _signature_at(path):
        return last
    problem: SafeText | None = None
    for _ in range(TRIES):
        content = read_regular(path, STORE_BYTES, follow=True, below=below)
        problem = None if content.presence is Presence.ABSENT else content.problem
        if content.presence in (Presence.IRREGULAR, Presence.UNREADABLE):
            break
        if content.presence is Presence.FILE:
            if _has_too_many_keys(content.raw):
                return _over_budget(content, f"{path} has more than the {STORE_KEYS} keys that are read")
            raws, problem = _raw_entries(path, content.raw)
            if raws is not None and len(raws) > most:
                sentence = f"{path} has {len(raws)} sessions; with its other stores its root has more than {STORE_ENTRIES}"
                return _over_budget(content, sentence)
            if raws is not None:
                return _store(path, raws, content)
    store = Store(last.entries if problem else (), None, problem)
    return last if store == last else store


def _over_budget(content: FileRead, sentence: str) -> Store:
    signature = None if content.stat is None else _signature(content.stat)
    return Store((), signature, safe(f"{sentence}: none of them is read"), over_budget=True)


def _has_too_many_keys(raw: bytes) -> bool:
    # A colon follows each key. One character is counted five times as fast as the end of a string before it.
    if raw.count(b":") <= STORE_KEYS:
        return False
    return raw.count(b'":') + raw.count(b'" ') > STORE_KEYS


def _store(path: str, raws: Mapping[str, msgspec.Raw], content: FileRead) -> Store:
    decoded = [_entry(key, raw) for key, raw in raws.items()]
    entries = tuple(entry for entry in decoded if entry is not None)
    lost = len(decoded) - len(entries)
    problem = safe(f"{path}: {lost} of {len(decoded)} entries could not be understood") if lost else None
    return Store(entries, None if content.stat is None else _signature(content.stat), problem)


def _signature(status: os.stat_result) -> Signature:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _signature_at(path: str) -> Signature | None:
    try:
        return _signature(os.stat(path))
    except (OSError, ValueError):
        return None


def _raw_entries(path: str, raw: bytes) -> tuple[dict[str, msgspec.Raw] | None, SafeText | None]:
    """Split the store into its entries without building what is in them."""
    try:
        return _DOCUMENT.decode(raw), None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # JavaScript writes half of a cut emoji as a lone \ud83d, which strict JSON does not know.
        mended = _LONE_SURROGATE.sub(rb"\\ufffd", raw)
    try:
        return _DOCUMENT.decode(mended), None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return None, safe(f"{path} is not a session store: {error}")


def _entry(key: str, raw: msgspec.Raw) -> SessionEntry | None:
    if len(key) > TEXT_LIMIT:
        return None
    try:
        return _sound_entry(key, _SOUND_ENTRY.decode(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass  # something is not what it should be: what is, counts
    try:
        fields = _ENTRY.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return SessionEntry(
        key=key,
        session_id=_text(fields.session_id),
        session_file=_path(fields.session_file),
        status=_text(fields.status),
        updated_at=_seconds(fields.updated_at),
        started_at=_seconds(fields.started_at),
        ended_at=_seconds(fields.ended_at),
        aborted_last_run=fields.aborted_last_run is True,
        model=_text(fields.model),
        provider=_text(fields.model_provider),
        queue_mode=_text(fields.queue_mode),
        spawned_by=_text(fields.spawned_by),
    )


def _sound_entry(key: str, fields: _SoundFields) -> SessionEntry:
    updated_ms, started_ms, ended_ms = fields.updated_at, fields.started_at, fields.ended_at
    return SessionEntry(
        key=key,
        session_id=fields.session_id,
        session_file=_path(fields.session_file),
        status=fields.status,
        updated_at=None if updated_ms is None else updated_ms / 1000,
        started_at=None if started_ms is None else started_ms / 1000,
        ended_at=None if ended_ms is None else ended_ms / 1000,
        aborted_last_run=fields.aborted_last_run is True,
        model=fields.model,
        provider=fields.model_provider,
        queue_mode=fields.queue_mode,
        spawned_by=fields.spawned_by,
    )


def _text(value: object, limit: int = TEXT_LIMIT) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= limit else None


def _path(value: object) -> str | None:
    path = _text(value, PATH_LIMIT)
    return path if path is not None and is_possible_path(path) else None


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value / 1000 if 0 < value < _LAST_MS else None
