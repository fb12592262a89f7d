"""The shape of the last records of a transcript: who, when, which tools, how long; the text only where it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from msgspec import Struct

from lockdeck.backend.openclaw.files import directory_of
from lockdeck.backend.openclaw.gateway.secret import Secret
from lockdeck.backend.openclaw.log.files import open_regular
from lockdeck.backend.openclaw.log.objects import decode_object
from lockdeck.backend.openclaw.log.values import clock, ident, model_name, number
from lockdeck.backend.openclaw.struck import Struck
from lockdeck.backend.system.text import SafeText, safe

END = 1 << 20
"""So many bytes at the end of a transcript are looked through."""
MOST_RECORDS = 200
"""So many of the last records are shown."""
LONGEST_RECORD = 1 << 20
"""So many bytes of one record are read for its text."""
LONGEST_TEXT = 20_000
"""So many characters of it are shown."""
_CALLS = frozenset({"toolCall", "toolUse", "tool_use", "tool_call"})


class Record(Struct, frozen=True):
    """One record: its `offset` and `size` in the file (bytes), when (epoch seconds), and its shape.

    `role` is that of a message, else the kind of the record. `tools` are the names of what it calls, or answers for.
    """

    offset: int
    size: int
    at: float | None = None
    role: str = "not understood"
    tools: tuple[str, ...] = ()
    stop_reason: str | None = None
    model: str | None = None


class TranscriptShape(Struct, frozen=True):
    """The last records of a transcript of `size` bytes, oldest first; `problem` says in words what could not be read.

    `inode` is device and inode of the file that was read.
    """

    records: tuple[Record, ...] = ()
    size: int = 0
    inode: tuple[int, int] = (0, 0)
    problem: SafeText | None = None


def shape_of(path: str, below: str | None = None, end: int = END) -> TranscriptShape:
    """Read the shape of the records in the last `end` bytes. Raises nothing.

    `below` is a directory above the path, from which on no link is followed; else the path itself is none.
    """
    try:
        descriptor = _open(path, below)
    except (OSError, ValueError) as error:
        return TranscriptShape(problem=_sentence(path, error))
    try:
        status = os.fstat(descriptor)
        start = max(0, status.st_size - end)
        raw = os.pread(descriptor, end, start)
    except OSError as error:
        return TranscriptShape(problem=_sentence(path, error))
    finally:
        os.close(descriptor)
    records = tuple(_records(raw, start))
    problem = None
    if not records and status.st_size:
        problem = safe(f"the last record is longer than {end} bytes, or still being written")
    inode = (status.st_dev, status.st_ino)
    return TranscriptShape(records[-MOST_RECORDS:], status.st_size, inode, problem)


def text_of(
    path: str,
    record: Record,
    inode: tuple[int, int],
    below: str | None = None,
    secrets: tuple[Secret, ...] = (),
) -> SafeText:
    """Return what a record says, else why that can't be read. It is kept nowhere."""
    try:
        descriptor = _open(path, below)
    except (OSError, ValueError) as error:
        return _sentence(path, error)
    try:
        status = os.fstat(descriptor)
        raw = os.pread(descriptor, min(record.size, LONGEST_RECORD), record.offset)
    except OSError as error:
        return _sentence(path, error)
    finally:
        os.close(descriptor)
    if (status.st_dev, status.st_ino) != inode:
        return safe("the transcript has been replaced by another file since")
    if record.size > LONGEST_RECORD:
        return safe(f"the record has {record.size} bytes, more than are shown")
    entry = decode_object(raw)
    words = raw.decode("utf-8", "replace") if entry is None else "\n".join(_texts(entry))
    return Struck(secrets).text(words.encode("utf-8", "replace"), LONGEST_TEXT)


def _open(path: str, below: str | None) -> int:
    with directory_of(path, below) as directory:
        return open_regular(path if directory is None else os.path.basename(path), directory=directory)


def _sentence(path: str, error: Exception) -> SafeText:
    return safe(f"{path}: {getattr(error, 'strerror', None) or error}", 4096)


def _records(raw: bytes, start: int) -> Iterator[Record]:
    """Yield the whole records of bytes that begin at `start` of the file; a first or last one that is cut is left out."""
    position = raw.find(b"\n") + 1 if start else 0
    if start and not position:
        return
    while (end := raw.find(b"\n", position)) >= 0:
        line = raw[position:end]
        if line.strip():
            yield _record(line, start + position)
        position = end + 1


def _record(line: bytes, offset: int) -> Record:
    entry = decode_object(line) if line.startswith(b"{") else None
    if entry is None:
        return Record(offset, len(line))
    message = entry.get("message")
    message = message if isinstance(message, dict) else {}
    kind = ident(entry.get("customType")) or ident(entry.get("type")) or "record"
    return Record(
        offset,
        len(line),
        _time_of(entry, message),
        ident(message.get("role")) or kind,
        tuple(_tools(message)),
        ident(message.get("stopReason")),
        model_name(message.get("provider"), message.get("model")),
    )


def _time_of(entry: Mapping[str, object], message: Mapping[str, object]) -> float | None:
    at, millis = clock(entry.get("timestamp")), number(message.get("timestamp"))
    return at if at is not None or millis is None else millis / 1000


def _tools(message: Mapping[str, object]) -> Iterator[str]:
    name = ident(message.get("toolName"))
    if name is not None:
        yield name
    for part in _parts(message):
        called = ident(part.get("name")) if part.get("type") in _CALLS else None
        if called is not None:
            yield called


def _parts(message: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    content = message.get("content")
    yield from (part for part in content if isinstance(part, dict)) if isinstance(content, list) else ()


def _texts(entry: Mapping[str, object]) -> Iterator[str]:
    """Yield what a record says to a reader: its texts, what it calls a tool with, why it broke off."""
    message = entry.get("message")
    message = message if isinstance(message, dict) else {}
    content = message.get("content")
    if isinstance(content, str):
        yield content
    for part in _parts(message):
        words = part.get("text") or part.get("thinking")
        if isinstance(words, str):
            yield words
        elif part.get("type") in _CALLS:
            yield f"{part.get('name')} {part.get('arguments') or part.get('input') or ''}"
    for holder, name in ((message, "errorMessage"), (entry, "summary"), (_data(entry), "error")):
        words = holder.get(name)
        if isinstance(words, str):
            yield words


def _data(entry: Mapping[str, object]) -> Mapping[str, object]:
    value = entry.get("data")
    return value if isinstance(value, dict) else {}
