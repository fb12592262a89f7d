"""Short cuts of reading lines tell what the plain way tells, whatever the lines are."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts, parse_line
from lockdeck.backend.openclaw.log.values import key_values, value_of
from tests.unit.openclaw.wrappers import (
    FORMS,
    WRAPS,
    Line,
    clocked,
    console,
    recorded,
    rendered,
    terminal,
    undated,
)


def zoneless(line: Line) -> str:
    return f"{line.strf('%Y-%m-%d %H:%M:%S')} {undated(line)}"


def elsewhere(line: Line) -> str:
    return f"{line.strf('%Y-%m-%dT%H:%M:%S')}+05:30 {undated(line)}"


RECORDED = [line for name in ("2026.4.5-incident-hang", "2026.9.6-hang") for line in recorded(name)]
ANSWERED = [line for line in RECORDED if "res \u2713 agent" in line.message]
TELLING = [line for line in RECORDED if parse_line(console(line).encode()) is not None]
RENDERINGS = {
    **FORMS,
    "terminal": terminal,
    "clocked": clocked,
    "undated": undated,
    "zoneless": zoneless,
    "elsewhere": elsewhere,
}
SHOWN = ("console", "clocked", "undated", "zoneless", "elsewhere", "terminal")
JUNK = [
    b"",
    b"\n",
    b"\0",
    b"{",
    b'{"0":',
    b"\xe2\x80\xa6",
    b"[x] ",
    b"99",
    b"T25",
    b"+02:00",
    b"traceId",
    b" ...",
    b"\xff",
]
PLAIN = ("docker logs -t", "docker json-file", "compose")
some_wraps = st.sampled_from([(), *((name,) for name in PLAIN)]) | st.lists(
    st.sampled_from(sorted(WRAPS)), max_size=2
)


@st.composite
def some_logs(draw: st.DrawFn) -> bytes:
    """Return a log in one wrap and few forms, as logs are: heads come again."""
    wraps = draw(some_wraps)
    forms = draw(
        st.lists(st.sampled_from(SHOWN) | st.sampled_from(sorted(RENDERINGS)), min_size=1, max_size=3)
    )
    lines = st.tuples(st.sampled_from(ANSWERED) | st.sampled_from(TELLING), st.sampled_from(forms))
    return b"".join(
        rendered([line], RENDERINGS[form], *(WRAPS[wrap] for wrap in wraps))
        for line, form in draw(st.lists(lines, min_size=1, max_size=10))
    )


edits = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 8), st.sampled_from(JUNK)), max_size=4)


def garbled(log: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    raw = bytearray(log)
    for place, length, junk in changes:
        raw[place : place + length] = junk
    return bytes(raw)


def read(raw: bytes) -> list[object]:
    stream, counts = EventStream(count()), LineCounts()
    told: list[object] = []
    # The second time over, heads of lines are remembered.
    for piece in (raw, raw):
        told += [(event, stream.dated, stream.origins) for event in stream.feed(piece, counts)]
    told += [(event, stream.dated, stream.origins) for event in stream.finish(counts)]
    return [*told, counts, stream.ends()]


def test_recordings_hold_lines_that_tell_nothing_on_a_console():
    raw = rendered(ANSWERED, console)
    stream = EventStream()
    list(stream.feed(raw, LineCounts()))
    marks = stream._kinds.scan.marks_of(raw.splitlines()[0])
    assert stream._passes_by(raw.splitlines()[0], marks)


@settings(deadline=None, max_examples=300)
@given(some_logs(), edits)
def test_passing_a_line_by_that_tells_nothing_changes_no_event_no_count_and_no_time(log, changes):
    raw = garbled(log, changes)
    quick = read(raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventStream, "_passes_by", lambda *_: False)
        assert read(raw) == quick


@given(
    st.lists(
        st.sampled_from([*'ab=1 "\n._(', "k" * 40, "runId=", " runId=", "  ", "==", " a="]), max_size=14
    ).map("".join)
)
def test_one_value_is_read_like_all_of_them(text):
    assert value_of(text, "runId") == key_values(text).get("runId")
