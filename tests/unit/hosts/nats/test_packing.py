"""What was packed comes out again, piece by piece; what was packed by nobody is refused at little cost."""

from __future__ import annotations

import random
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.hosts.frames import FrameError
from lockdeck.backend.hosts.nats import packing
from lockdeck.backend.hosts.nats.packing import StreamPacker, StreamUnpacker


@given(st.lists(st.binary(max_size=300) | st.integers(1, 5000).map(lambda n: b"x" * n)), st.integers(1, 50))
def test_what_was_given_at_once_comes_out_at_once(batches, piece):
    packer, unpacker = StreamPacker(), StreamUnpacker()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "PIECE", piece)
        patch.setattr(packing, "_STEP", 7)
        for batch in batches:
            pieces = list(packer.pieces(batch))
            assert all(len(each) <= piece for each in pieces)
            assert b"".join(part for each in pieces for part in unpacker.feed(each)) == batch


def test_what_is_alike_costs_little():
    packer = StreamPacker()
    noise = random.Random(1).randbytes(20_000)
    first, second = (sum(map(len, packer.pieces(noise))) for _ in range(2))
    assert second < first / 50


def test_a_message_that_becomes_too_much_is_refused_before_it_is_unpacked():
    bomb = zlib.compress(bytes(packing.MOST_UNPACKED + 2))
    assert len(bomb) < 100_000
    with pytest.raises(FrameError, match="more than"):
        list(StreamUnpacker().feed(bomb))


@given(st.binary(min_size=1, max_size=100))
def test_what_was_packed_by_nobody_is_refused_or_nothing(data):
    with suppress(FrameError):
        assert sum(map(len, StreamUnpacker().feed(data))) <= 1032 * len(data)
