"""What a host writes under its keys is bounded, and whoever begins to read late reads the newest picture."""

from __future__ import annotations

import random

import pytest

from lockdeck.backend.hosts.frames import FrameReader, HostHello, Rows, encoded
from lockdeck.backend.hosts.nats import hostkeys
from lockdeck.backend.hosts.nats.entries import MOST_MESSAGES, TakenError
from lockdeck.backend.hosts.nats.hostkeys import HostKeys
from lockdeck.backend.hosts.nats.packing import StreamUnpacker
from lockdeck.backend.model.fleet import SessionView
from tests.unit.hosts.nats.memory import MemoryBucket, picture


def change(number: int) -> bytes:
    noise = random.Random(number).randbytes(2000).hex()
    return encoded(Rows(1.0, sessions=(SessionView("/r", "main", f"agent:main:{noise}", None),)))


async def test_a_key_begins_with_a_picture_and_never_outgrows_its_places():
    bucket = MemoryBucket()
    keys = HostKeys(bucket, "alpha")
    for turn in range(300):
        if not keys.begun or keys.worn:
            keys.begin()
            await keys.put(picture("agent:main:one"), complete=True)
        await keys.put(change(turn), complete=True)
        assert len(bucket.kept) < MOST_MESSAGES
        unpacker, reader = StreamUnpacker(), FrameReader()
        frames = [
            frame
            for message in bucket.kept
            for part in unpacker.feed(message.data)
            for frame in reader.feed(part)
        ]
        assert [message.first for message in bucket.kept] == [True] + [False] * (len(bucket.kept) - 1)
        assert isinstance(frames[0], HostHello)
        assert frames[-1].sessions[0].key == f"agent:main:{random.Random(turn).randbytes(2000).hex()}"


async def test_changes_that_outweigh_the_picture_make_a_new_one(monkeypatch):
    monkeypatch.setattr(hostkeys, "SMALL", 4000)
    keys = HostKeys(MemoryBucket(), "alpha")
    await keys.put(picture("agent:main:one"), complete=True)
    assert not keys.worn
    for turn in range(3):
        await keys.put(change(turn), complete=True)
    assert keys.worn


async def test_a_picture_that_does_not_fit_is_known_before_it_is_whole():
    keys = HostKeys(MemoryBucket(), "alpha")
    for turn in range(MOST_MESSAGES):
        await keys.put(change(turn), complete=False)
    assert keys.full
    assert not keys.worn


async def test_a_sign_of_life_vouches_for_the_newest_state_and_stands_alone():
    bucket = MemoryBucket()
    keys = HostKeys(bucket, "alpha")
    await keys.put(picture("agent:main:one"), complete=True)
    for now in (1.0, 2.0):
        await keys.beat(now)
    state, beat = bucket.kept
    assert (beat.key, beat.about) == ("beat.alpha", state.number)


@pytest.mark.parametrize("beating", [False, True])
async def test_two_that_write_as_one_host_notice(beating):
    bucket = MemoryBucket()
    first, second = HostKeys(bucket, "alpha"), HostKeys(bucket, "alpha")
    for keys in (first, second):
        await keys.put(picture("agent:main:one"), complete=True)
        await keys.beat(1.0)
    with pytest.raises(TakenError):
        await (first.beat(2.0) if beating else first.put(change(1), complete=True))
    await second.beat(2.0)
