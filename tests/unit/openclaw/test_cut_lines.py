"""Lines that were cut to a width tell no value that was cut, and none of them is passed over in silence."""

from __future__ import annotations

import json
import re

import pytest

from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts
from tests.unit.openclaw.wrappers import HANG, WRAPS, console, recorded, rendered, undated


def read(raw: bytes) -> tuple[list, LineCounts]:
    stream, counts = EventStream(), LineCounts()
    return [*stream.feed(raw, counts), *stream.finish(counts)], counts


LINES = [line for line in recorded(HANG) if read(rendered([line], console))[0]]
UNCUT = {line.raw: read(rendered([line], console))[0][0] for line in LINES}


def values(event) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__struct_fields__ if name not in ("at", "text")}


@pytest.mark.parametrize("wrap", ["quoted", "journal short-iso", "kubectl --prefix", "docker json-file"])
@pytest.mark.parametrize("mark", ["\u2026", "...", ">"])
def test_a_line_that_was_cut_at_its_end_tells_no_value_that_was_cut(mark: str, wrap: str):
    for line in LINES[:40]:
        text = console(line)
        whole = set(re.split(r"[\s/=]+|session:(?=agent)|(?<=\d)ms\b", text))
        for width in range(30, len(text), 7):
            if text[width - 1] in " =" or (mark != "\u2026" and "=" not in text[:width].rsplit(" ", 1)[-1]):
                continue
            cut = WRAPS[wrap](line, text[:width] + mark)
            for event in read(f"{cut}\n".encode())[0]:
                told = {value for value in values(event).values() if isinstance(value, int) and value > 9}
                ids = {event.run_id, event.session_id, event.session_key} - {None}
                assert {str(number) for number in told} | ids <= whole, cut


def test_a_value_that_was_cut_in_the_middle_of_a_line_is_not_read():
    text = "2026-05-09T10:00:00Z [agent] embedded run timeout: runId=r sessionId=5f0c2b1e-6a1d\u2026c7a10 timeoutMs=60000"
    (event,), counts = read(f"{text}\n".encode())
    assert (event.session_id, event.timeout_ms, counts.cut) == (None, 60000, 1)


def test_a_line_that_was_cut_before_it_told_anything_is_unread():
    text = console(next(line for line in LINES if "embedded run failover decision" in line.words))
    begin = text[: text.index("runId=") + 3]
    told, counts = read(f"{begin}\u2026\n".encode())
    assert told or counts.unread == 1


def test_lines_that_were_cut_are_counted_and_said():
    text = undated(LINES[0])
    counts = read(f"{text[: text.index('=') + 6]}\u2026\n".encode())[1]
    assert counts.cut + counts.unread == 1
    assert counts.cut_sentence() or counts.unread_sentence()
    assert read(rendered(LINES, console))[1].cut == 0


def test_a_record_that_was_cut_is_unread():
    for line in LINES[:10]:
        told, counts = read(f"{line.raw[:300]}\u2026\n".encode())
        assert (told, counts.unread) == ([], 1) or json.loads(line.raw) is None or not told
