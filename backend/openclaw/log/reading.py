"""One line without its wrappers into an event, or the reason why it tells none; and what such a line leaves unread."""

from __future__ import annotations

from itertools import islice

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.log.cuts import may_be_cut
from lockdeck.backend.openclaw.log.framing.prefixes import CLOCK
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapped, Unwrapper
from lockdeck.backend.openclaw.log.kinds.table import KindTable
from lockdeck.backend.openclaw.log.markers import Marks
from lockdeck.backend.openclaw.log.records import LogRecord, Malformed, read_record
from lockdeck.backend.openclaw.log.values import ISO, SCAN_LIMIT

_TAGS = late_pattern(r"(?:\[[^\]\n]{1,60}\] ?){0,12}")
_FORM = late_pattern(
    rf'(?=[\d\[{{])(?:(?<!\d){ISO}|(?<![\d:]){CLOCK} |\[[A-Za-z][^\]\[\n"{{]{{0,59}}\] ?|\{{")'
)
"""How one of OpenClaw's lines may begin inside another text: a time, a tag or a record."""
_CLOCK_TIME = late_pattern(r"\d:\d\d:\d")
_RECORD = late_pattern(r'\{"(?:0|_meta|time|level|subsystem|type": ?"log)"')
_ESCAPED = late_pattern(r'\\{0,64}(?:"|&(?:quot|#34|#x22);)')
MOST_FORMS = 16
"""No more places of a line than so many are read as the begin of a line."""


def read_event(line: Unwrapped, marks: Marks, at: float | None, kinds: KindTable) -> Event | Malformed | None:
    """Return the event that a line tells, None for one that does not concern us, or why it could not be read.

    `at` (epoch seconds) stands in for a missing time. Auth probes (run or session id starting with `probe-`) are not ours.
    """
    record = read_record(line, at)
    if not isinstance(record, LogRecord):
        return record
    event = kinds.read(record, marks)
    if event is None or _is_probe(event):
        return None
    return event if record.trace_id is None else event.of_trace(record.trace_id)


def leaves_unread(
    line: bytes, unwrapped: Unwrapped, marks: Marks, kinds: KindTable, event: Event | None
) -> bool:
    """Return whether a line holds an event beside the one that was read, if any, in whatever form.

    In a line that is OpenClaw's own, words quoted in its message are no event: there one must begin like a line.
    """
    if event is not None:
        # A second one needs a second marker.
        if (unwrapped.record is not None and not unwrapped.text) or kinds.scan.count(line, marks) < 2:
            return False
        text = unwrapped.text[:SCAN_LIMIT]
        return _holds_line(text[_skip_tags(text) :], marks, kinds)
    if unwrapped.own:
        text = unwrapped.text[:SCAN_LIMIT]
        return unwrapped.record is None and (
            _is_cut_off(text, marks, kinds) or _holds_line(text[1:], marks, kinds)
        )
    begin = 0 if len(line) <= SCAN_LIMIT else max(0, kinds.scan.first(line, marks) - SCAN_LIMIT // 2)
    text = line[begin : begin + SCAN_LIMIT].decode("utf-8", "replace")
    return _quotes(text, marks, kinds) or _holds_line(text, marks, kinds)


def _is_cut_off(text: str, marks: Marks, kinds: KindTable) -> bool:
    """Return whether a line of ours was cut before it told anything."""
    if not may_be_cut(text):
        return False
    return kinds.scan.first(b" " + text[_skip_tags(text) :].encode("utf-8", "replace"), marks) == 1


def _skip_tags(text: str) -> int:
    match = _TAGS.match(text)
    return 0 if match is None else max(1, match.end())


def _holds_line(text: str, marks: Marks, kinds: KindTable) -> bool:
    """Return whether an event would be read if one of OpenClaw's lines began inside the text."""
    if "[" not in text and "{" not in text and _CLOCK_TIME.search(text) is None:
        return False  # nothing in it is a form
    plain = _without_escapes(text)
    places = list(islice(_FORM.finditer(plain), MOST_FORMS + 1))
    if len(places) > MOST_FORMS and _quotes(text, marks, kinds):
        return True
    return any(_tells(plain[place.start() :], marks, kinds) for place in places[:MOST_FORMS])


def _without_escapes(text: str) -> str:
    """Return a text whose quotes are as OpenClaw writes them: out of strings of JSON, cells of CSV and HTML."""
    plain = _ESCAPED.sub('"', text) if "{\\" in text or "{&" in text else text
    return plain.replace('""', '"') if '{""' in plain else plain


def _tells(text: str, marks: Marks, kinds: KindTable) -> bool:
    event = read_event(Unwrapper().unwrap(text.encode("utf-8", "replace")), marks, 0.0, kinds)
    if isinstance(event, Malformed):
        return _RECORD.match(text) is not None
    return event is not None


def _quotes(text: str, marks: Marks, kinds: KindTable) -> bool:
    event = kinds.quoted(text, marks)
    return event is not None and not _is_probe(event)


def _is_probe(event: Event) -> bool:
    run_id, session_id = event.run_id, event.session_id
    return (run_id is not None and run_id.startswith("probe-")) or (
        session_id is not None and session_id.startswith("probe-")
    )
