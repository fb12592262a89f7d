"""Line ends and encodings may change inside a log: every line is read, however its bytes arrive."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts
from tests.unit.openclaw.wrappers import ENCODINGS, HANG, Line, console, recorded, rendered, tslog

LINES = [*recorded(HANG)[:60]]
CODINGS = {
    "UTF-8": lambda raw: raw,
    "CRLF": lambda raw: raw.replace(b"\n", b"\r\n"),
    "CR": lambda raw: raw.replace(b"\n", b"\r"),
    **{name: code for name, code in ENCODINGS.items() if name != "CRLF"},
}


def events(raw: bytes, size: int = 1 << 20) -> list[object]:
    stream, counts = EventStream(), LineCounts()
    pieces = [raw[place : place + size] for place in range(0, len(raw), size)]
    return [event for piece in pieces for event in stream.feed(piece, counts)] + [*stream.finish(counts)]


def parts(form: object = console) -> list[bytes]:
    return [rendered(LINES[place : place + 20], form) for place in (0, 20, 40)]


@pytest.mark.parametrize("form", [console, tslog])
@pytest.mark.parametrize("names", list(itertools.permutations(CODINGS, 2)), ids="-".join)
def test_line_ends_and_encodings_may_change_inside_a_log(names: tuple[str, str], form: object):
    raw = b"".join(CODINGS[name](part) for name, part in zip((*names, names[0]), parts(form), strict=True))
    expected = events(b"".join(parts(form)))
    for size in (1 << 20, 7):
        assert events(raw, size) == expected


def test_progress_output_hides_no_line():
    raw = b"".join(b" 10 %\r 50 %\rdone\r" + line + b"\n" for line in parts()[0].splitlines())
    assert events(raw) == events(parts()[0])


def test_letters_with_the_byte_of_a_newline_end_no_line_of_utf_16():
    words = [
        Line(x.at, x.raw, x.level, x.subsystem, f"{x.message} \u4e0a\u0a05\u010a", x.meta) for x in LINES
    ]
    raw = rendered(words, console)
    for name in ("UTF-16 LE with BOM", "UTF-16 BE with BOM", "UTF-16 LE"):
        assert events(ENCODINGS[name](raw)) == events(raw)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(CODINGS)), st.integers(0, 59)), max_size=8), st.integers(1, 400)
)
def test_every_line_is_read_in_whatever_encoding(lines: list[tuple[str, int]], size: int):
    texts = [rendered([LINES[place]], console) for _, place in lines]
    raw = b"".join(CODINGS[name](text) for (name, _), text in zip(lines, texts, strict=True))
    assert events(raw, size) == events(b"".join(texts))
