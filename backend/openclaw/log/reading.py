"""One line without its wrappers into an event, or the reason why it tells none; and what such a line leaves unread."""

from __future__ import annotations

import re
from itertools import islice

from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.log.framing.prefixes import CLOCK
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapped, Unwrapper
from lockdeck.backend.openclaw.log.kinds.table import KindTable
from lockdeck.backend.openclaw.log.markers import Marks
from lockdeck.backend.openclaw.log.records import Malformed, read_record
from lockdeck.backend.openclaw.log.values import ISO, SCAN_LIMIT

_TAGS = re.compile(r"(?:\[[^\]\n]{1,60}\] ?){0,12}")
_FORM = re.compile(rf'(?<!\d){ISO}|(?<![\d:]){CLOCK} |\[[A-Za-z][^\]\[\n"{{]{{0,59}}\] ?|\{{"')
"""How one of OpenClaw's lines may begin inside another text: a time, a tag or a record."""
_RECORD = re.compile(r'\{"(?:0|_meta|time|level|subsystem)"')
MOST_FORMS = 16
"""No more places of a line than so many are read as the begin of a line."""


def read_event(line: Unwrapped, marks: Marks, at: float | None, kinds: KindTable) -> Event | Malformed | None:
    """Return the event that a line tells, None for one that does not concern us, or why it could not be read.

    `at` (epoch seconds) stands in for a missing time. Auth probes (run or session id starting with `probe-`) are not ours.
    """
    record = read_record(line, at)
    if isinstance(record, Malformed):
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
        return unwrapped.record is None and _holds_line(unwrapped.text[1:SCAN_LIMIT], marks, kinds)
    begin = 0 if len(line) <= SCAN_LIMIT else max(0, kinds.scan.first(line, marks) - SCAN_LIMIT // 2)
    text = line[begin : begin + SCAN_LIMIT].decode("utf-8", "replace")
    return _quotes(text, marks, kinds) or _holds_line(text, marks, kinds)


def _skip_tags(text: str) -> int:
    match = _TAGS.match(text)
    return 0 if match is None else max(1, match.end())


def _holds_line(text: str, marks: Marks, kinds: KindTable) -> bool:
    """Return whether an event would be read if one of OpenClaw's lines began inside the text."""
    plain = text.replace('\\"', '"') if '{\\"' in text else text
    places = list(islice(_FORM.finditer(plain), MOST_FORMS + 1))
    if len(places) > MOST_FORMS and _quotes(text, marks, kinds):
        return True
    return any(_tells(plain[place.start() :], marks, kinds) for place in places[:MOST_FORMS])


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
