"""Frames: whatever a fleet looks like goes over the wire and comes back; whatever comes is a frame or is refused."""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.hosts import frames
from lockdeck.backend.hosts.frames import Bye, FrameError, FrameReader, HostBeat, HostHello, Rows, encoded
from lockdeck.backend.model.fleet import LockView, RootView, SessionView
from lockdeck.backend.model.locks import (
    Evidence,
    Judgement,
    LockIdentity,
    LockKind,
    LockRecord,
    Presence,
    Verdict,
)

HELLO = HostHello((1, 1), "0.2.0", "claw", "viewer")
FRAMES = (
    HELLO,
    Rows(1.0, sessions=(SessionView("/r", "main", "agent:main:main", None),)),
    HostBeat(2.0),
    Bye("done"),
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@given(st.lists(st.sampled_from(FRAMES)), st.lists(st.integers(0, 10**6), max_size=30))
def test_frames_are_the_same_wherever_the_stream_is_cut(sent, places):
    reader = FrameReader()
    stream = b"".join(map(encoded, sent))
    assert [frame for piece in cut(stream, places) for frame in reader.feed(piece)] == sent


@given(st.binary(max_size=200), st.lists(st.integers(0, 10**6), max_size=5))
def test_any_bytes_are_frames_or_refused(data, places):
    reader = FrameReader()
    with suppress(FrameError):
        for piece in cut(data, places):
            list(reader.feed(piece))


@given(st.binary(max_size=200))
def test_any_body_is_a_frame_or_refused(body):
    with suppress(FrameError):
        list(FrameReader().feed(len(body).to_bytes(4, "big") + body))


def test_a_length_beyond_the_limit_is_refused_before_anything_is_kept():
    with pytest.raises(FrameError, match="2147483648 bytes"):
        list(FrameReader().feed((2 << 30).to_bytes(4, "big")))


def test_a_frame_too_long_is_not_sent():
    with pytest.raises(FrameError, match="longer than"):
        encoded(Bye("x" * frames.MOST_BYTES))


def test_a_deeply_nested_body_is_refused():
    body = b"\x81\xa4type" + b"\x91" * 100_000 + b"\xc0"
    with pytest.raises(FrameError):
        list(FrameReader().feed(len(body).to_bytes(4, "big") + body))


def test_fields_of_a_newer_side_are_ignored():
    body = frames._ENCODER.encode({"type": "beat", "at": 3.0, "mood": "calm"})
    assert list(FrameReader().feed(len(body).to_bytes(4, "big") + body)) == [HostBeat(3.0)]


def test_a_path_that_is_not_utf8_is_spelled_out():
    (rows,) = FrameReader().feed(encoded(Rows(1.0, roots=(RootView("/r/\udcff", "files"),))))
    assert rows.roots[0].path == "/r/\\udcff"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_time_that_is_no_number_is_refused(number):
    with pytest.raises(FrameError, match="number"):
        list(FrameReader().feed(encoded(HostBeat(number))))


def test_bytes_that_only_look_like_an_odd_number_are_taken():
    lookalike = LockIdentity(1, 2, 0xCB7FF0000000, 4, bytes.fromhex("cb7ff0"), "abc")
    record = LockRecord("/r/x.lock", "/r", None, LockKind.SESSION, Presence.FILE, lookalike)
    lock = LockView(record, Evidence(record, 1.0), Judgement(Verdict.DEAD, (), True))
    sent = Rows(1.0, locks=(lock,))
    assert list(FrameReader().feed(encoded(sent))) == [sent]
