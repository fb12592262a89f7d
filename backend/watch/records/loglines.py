"""The lines of the logs that are about one session, as OpenClaw wrote them, as far back as a bounded look reaches."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.moments import is_dated
from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.gateway.secret import Secret
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapper
from lockdeck.backend.openclaw.log.place import LogPlace, open_log
from lockdeck.backend.openclaw.log.records import LogRecord, read_record, whole_time
from lockdeck.backend.openclaw.log.scan import LineCounts, LineFeed
from lockdeck.backend.openclaw.log.stream import parse_line
from lockdeck.backend.openclaw.struck import Struck
from lockdeck.backend.system.text import SafeText, safe

LOOKBACK = 4 << 20
"""So many bytes before the end of a file are looked through at first."""
MOST_READ = 8 << 20
"""So many bytes of one file are read at once; the rest the next time."""
MOST_LINES = 1000
"""So many of the newest lines are kept."""
LONGEST = 4000
"""So many characters of a line are kept."""


class SessionNames(Struct, frozen=True):
    """The names by which lines tell of one session."""

    key: str
    session_id: str | None = None
    run_ids: frozenset[str] = frozenset()

    def pattern(self) -> re.Pattern[bytes]:
        """Return what finds one of the names as a whole word."""
        words = sorted(filter(None, (self.key, self.session_id, *self.run_ids)))
        names = b"|".join(re.escape(word.encode("utf-8", "replace")) for word in words)
        return re.compile(rb"(?<![\w-])(?:" + names + rb")(?![\w-]|:\w)")


class RawLine(Struct, frozen=True):
    """One line: when it was written (epoch seconds, None where nothing tells), its text, and where it stands.

    `number` is its own among all lines that were read. `message` is what it says without the fields around that, where
    these are told apart. `sentence` is what lockdeck tells of it, None where it tells
    nothing; `bad` marks bad news. `gone`: its file is rotated away.
    """

    number: int
    at: float | None
    text: SafeText
    where: SafeText
    message: SafeText | None = None
    sentence: str | None = None
    bad: bool = False
    gone: bool = False


class LogReading(Struct, frozen=True):
    """The lines about one session, oldest first, and sentences about what could not be read."""

    lines: tuple[RawLine, ...] = ()
    notes: tuple[str, ...] = ()


class KeptStream(Struct, frozen=True):
    """The last bytes of a log that came by itself, and where they end in all that came (bytes)."""

    name: str
    end: int
    content: bytes


class Readable(Struct, frozen=True):
    """All that can be read again: the files that are followed, and what is kept of the logs that came by themselves.

    `secrets` are struck from what is shown.
    """

    places: tuple[LogPlace, ...] = ()
    streams: tuple[KeptStream, ...] = ()
    secrets: tuple[Secret, ...] = ()


class SessionLog:
    """Reads the lines about one session, in the thread of whoever asks. `readable` is called in that thread, too."""

    def __init__(self, readable: Callable[[], Readable]) -> None:
        self._readable = readable
        self._names = SessionNames("")
        self._files: dict[tuple[int, int], _File] = {}
        self._streams: dict[str, _File] = {}
        self._numbers = count(1)

    def read(self, names: SessionNames) -> LogReading:
        """Read what was written since; all anew where the session has got another name. Raises nothing."""
        if names != self._names:
            self._names, self._files, self._streams = names, {}, {}
        readable = self._readable()
        struck, pattern, notes = Struck(readable.secrets), names.pattern(), list[str]()
        standing = {self._read_file(place, pattern, struck, notes) for place in _told_once(readable.places)}
        lines: list[RawLine] = []
        for key, file in self._files.items():
            gone = key not in standing
            lines += (replace(line, gone=True) for line in file.lines) if gone else file.lines
        for stream in readable.streams:
            lines += self._read_stream(stream, pattern, struck)
        lines.sort(key=lambda line: line.at or 0.0)
        if any(line.gone for line in lines):
            notes.append("the oldest lines are of a log that is rotated away: what stood between is not read")
        return LogReading(tuple(lines[-MOST_LINES:]), tuple(notes))

    def _read_stream(
        self, stream: KeptStream, pattern: re.Pattern[bytes], struck: Struck
    ) -> Iterable[RawLine]:
        """Take in what has come since, as far as it is kept, and return the lines there are."""
        begin = stream.end - len(stream.content)
        file = self._streams.get(stream.name)
        if file is None or file.offset < begin:
            kept = () if file is None else file.lines
            file = self._streams[stream.name] = _File(safe(stream.name), begin, kept)
        file.take(stream.content[file.offset - begin :], pattern, struck, self._numbers)
        return file.lines

    def _read_file(
        self, place: LogPlace, pattern: re.Pattern[bytes], struck: Struck, notes: list[str]
    ) -> tuple[int, int] | None:
        """Read what a file has got since; name it by device and inode."""
        try:
            descriptor = open_log(place)
        except (OSError, ValueError) as error:
            notes.append(safe(f"{place.path}: {getattr(error, 'strerror', None) or error}"))
            return None
        try:
            status = os.fstat(descriptor)
            key = (status.st_dev, status.st_ino)
            file = self._files.get(key)
            if file is None or file.offset > status.st_size:
                file = self._files[key] = _File(safe(place.path), max(0, status.st_size - LOOKBACK))
            content = os.pread(descriptor, MOST_READ, file.offset)
            file.take(content, pattern, struck, self._numbers)
            return key
        except OSError as error:
            notes.append(safe(f"{place.path}: {error.strerror or error}"))
            return None
        finally:
            os.close(descriptor)


class _File:
    """How far one file was read, and its lines about the session."""

    def __init__(self, where: SafeText, offset: int = 0, lines: Iterable[RawLine] = ()) -> None:
        self.offset = offset
        self.lines: deque[RawLine] = deque(lines, maxlen=MOST_LINES)
        self._where = where
        self._feed = LineFeed(mid_line=offset > 0)
        self._at: float | None = None
        self._unwrapper = Unwrapper()

    def take(
        self, content: bytes, pattern: re.Pattern[bytes], struck: Struck, numbers: Iterator[int]
    ) -> None:
        """Take in bytes that follow the last ones."""
        self.offset += len(content)
        for line in self._feed.feed(content, LineCounts()):
            if pattern.search(line):
                self.lines.append(self._line(line, next(numbers), struck))

    def _line(self, line: bytes, number: int, struck: Struck) -> RawLine:
        unwrapped = self._unwrapper.unwrap(line)
        told = whole_time(unwrapped)
        self._at = told[0] if told is not None else self._at
        event = parse_line(line, self._at)
        record = read_record(unwrapped, self._at or 0.0)
        words = record.message if isinstance(record, LogRecord) and unwrapped.record is not None else ""
        message = struck.text(words.encode("utf-8", "replace"), LONGEST) if words else None
        text = struck.text(line, LONGEST)
        if not isinstance(event, Event) or not is_dated(event.at):
            return RawLine(number, self._at, text, self._where, message)
        return RawLine(number, event.at, text, self._where, message, event.sentence(), event.handling.bad)


def _told_once(places: Sequence[LogPlace]) -> Iterable[LogPlace]:
    """Return the logs to read: the console repeats what a JSON log tells."""
    own = [place for place in places if not place.console]
    return own or places
