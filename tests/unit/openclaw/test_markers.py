"""Markers are searched in the shapes of lines: no line that holds one is missed, whatever was read before."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockdeck.backend.openclaw.log import markers
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapper
from lockdeck.backend.openclaw.log.kinds import KINDS
from lockdeck.backend.openclaw.log.markers import MarkerScan
from lockdeck.backend.openclaw.log.objects import decode_object, decode_tslog, time_of
from lockdeck.backend.openclaw.log.records import read_record
from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts, parse_line
from lockdeck.backend.openclaw.log.values import key_values
from tests.unit.openclaw.wrappers import FORMS, WRAPS, recorded, rendered

MARKERS = (b"embedded run ", b": lane=", b"\xe2\x9c\x93 agent ", b"file locked (", b"retry-limit")
OWN = b',"_meta":{"runtime":"node","name":"embedded run x"}}'
words = st.sampled_from(
    [*MARKERS, b"mrun ", b": ln=", b"embedded", b" 12 ", b"fil lok(", b"\xff", b"0a-", OWN, b"word ", b"{\\"]
)
some_lines = st.lists(st.lists(words, max_size=5).map(b"".join), max_size=12)


def one_by_one(lines: list[bytes]) -> list[tuple[int, tuple[int, ...]]]:
    heads = [line.partition(b'"_meta":{"runtime"')[0] for line in lines]
    held = [tuple(index for index, marker in enumerate(MARKERS) if marker in head) for head in heads]
    return [(place, marks) for place, marks in enumerate(held) if marks]


@given(st.lists(some_lines, max_size=4), st.sampled_from([0, 40, 1 << 20]))
def test_exactly_the_lines_that_hold_a_marker_concern_whatever_was_read_before(blocks, kept):
    scan = MarkerScan(MARKERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markers, "KEPT_BYTES", kept)
        for lines in blocks:
            assert scan.concerning(lines) == one_by_one(lines)
            assert [(0, scan.marks_of(line)) for line in lines if scan.marks_of(line)] == [
                (0, marks) for _, marks in one_by_one(lines)
            ]


def test_shapes_are_kept_within_bounds(monkeypatch):
    monkeypatch.setattr(markers, "KEPT_BYTES", 1000)
    scan = MarkerScan(MARKERS)
    for number in range(200):
        scan.concerning([b"xyz " * number, b"z" * number])
    assert sum(map(len, scan._of_lines._likely)) < 3000


def test_a_marker_of_nothing_but_digits_and_hexadecimal_letters_is_refused():
    with pytest.raises(ValueError, match="letter"):
        MarkerScan([b"lock", b"dead-beef: 12"])


LINES = [*recorded(), *recorded("2026.9.6-hang")[:40]]
WHOLE = sorted(set(WRAPS) - {"journal json in numbers"})
"""The wraps whose lines hold their text as it is."""
some_recorded = st.lists(
    st.tuples(st.sampled_from(LINES), st.sampled_from(["tslog", "console"]), st.sampled_from(WHOLE)),
    max_size=8,
)


@settings(deadline=None)
@given(some_recorded, st.lists(st.integers(0, 9000), max_size=6))
def test_a_stream_tells_what_its_lines_tell_one_by_one_however_the_bytes_are_cut(lines, cuts):
    raw = [rendered([line], FORMS[form], WRAPS[wrap]) for line, form, wrap in lines]
    alone = [parse_line(line.rstrip(b"\n"), at=0.0) for line in raw]
    whole, told, begin, stream = b"".join(raw), [], 0, EventStream()
    for end in [*sorted(cuts), len(whole)]:
        told += stream.feed(whole[begin:end], LineCounts())
        begin = max(begin, end)
    told += stream.finish(LineCounts())
    # The clock of a line without a date is read by the lines above it.
    assert [type(event) for event in told] == [type(event) for event in alone if event is not None]
    dated = [event.at for event in alone if event is not None and event.at > 0]
    assert set(dated) <= {event.at for event in told}


@given(st.sampled_from(LINES), st.lists(st.tuples(st.integers(0, 900), st.binary(max_size=5)), max_size=4))
def test_skipping_what_is_not_read_changes_no_event(line, edits):
    raw = bytearray(line.raw.encode())
    for place, junk in edits:
        raw[place : place + 3] = junk
    whole, skipped = decode_object(bytes(raw)), decode_tslog(bytes(raw))
    if whole is not None and skipped is not None:
        unwrapped = Unwrapper().unwrap(bytes(raw))
        records = [
            read_record(
                type(unwrapped)(record=record, written_at=time_of(record)), at=unwrapped.moment or 0.0
            )
            for record in (whole, skipped)
        ]
        assert records[0] == records[1]


_DEFINITION = re.compile(r"(?<![\w.])([A-Za-z]\w{0,40})=(.*?)(?= [A-Za-z]\w{0,40}=|$)", re.DOTALL)


@given(
    st.lists(st.sampled_from([*'ab=1 "\n._é(', "k" * 40, "runId=", "  ", "==", " a="]), max_size=14).map(
        "".join
    )
)
def test_a_value_reaches_to_the_next_key_and_the_first_of_two_equal_keys_wins(text):
    expected: dict[str, str] = {}
    for key, value in _DEFINITION.findall(text):
        expected.setdefault(key, value.strip().strip('"'))
    assert key_values(text) == expected


def test_every_marker_of_the_table_is_searched():
    for kind in KINDS.kinds:
        for marker in kind.markers:
            assert KINDS.scan.concerning([b"idle", b"9f " + marker.encode() + b" 1"])
