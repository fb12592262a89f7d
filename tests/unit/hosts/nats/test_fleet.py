"""A host of a fleet is live only while something fresh vouches for the whole of what we have of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.hosts.frames import Bye, HostBeat, HostHello, Rows, encoded
from lockdeck.backend.hosts.link import SILENT_S
from lockdeck.backend.hosts.nats import fleet as fleets
from lockdeck.backend.hosts.nats.fleet import FleetRecord
from lockdeck.backend.hosts.nats.packing import StreamPacker
from lockdeck.backend.model.hosts import Phase
from tests.unit.hosts.nats.memory import MemoryBucket, picture

NAME = "nats://here:4222/main"


class Deck:
    """A deck that reads a bucket; its own clock begins at 0 as that of the server does at `bucket.now`."""

    def __init__(self, bucket: MemoryBucket) -> None:
        self.bucket = bucket
        self.record = FleetRecord(NAME)
        self.now = 0.0
        self._read = 0

    def begin(self) -> Deck:
        self.record.begin(self.now)
        self._read = 0
        if not self.bucket.kept:
            self.record.completed()
        return self.read(old=True)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.bucket.now += seconds

    def read(self, *, old: bool = False) -> Deck:
        for entry in list(self.bucket.entries(self._read, old=old)):
            self.record.take(entry, self.now, self.now)
            self._read = entry.number
        return self

    def phases(self) -> dict[str, Phase]:
        return {state.name: state.phase for state in self.record.states(self.now)}

    def state(self, name: str = "alpha"):
        (state,) = (state for state in self.record.states(self.now) if state.name == name)
        return state


class Host:
    """A host as it writes."""

    def __init__(self, bucket: MemoryBucket, name: str = "alpha") -> None:
        self.bucket, self.name = bucket, name
        self.picture("agent:main:one")

    def picture(self, *keys: str) -> None:
        self.packer = StreamPacker()
        self.put(picture(*keys, host=self.name), first=True)

    def put(self, data: bytes, *, first: bool = False) -> None:
        for piece in self.packer.pieces(data):
            self.number = self.bucket.store(f"state.{self.name}", piece, first=first)

    def beat(self, at: float = 0.0, about: int | None = None) -> None:
        data = encoded(HostBeat(at))
        self.bucket.store(f"beat.{self.name}", data, first=True, about=about or self.number)


@pytest.fixture
def bucket():
    return MemoryBucket()


def test_what_was_there_is_not_live_before_something_comes(bucket):
    host = Host(bucket)
    host.beat()
    deck = Deck(bucket).begin()
    assert deck.phases() == {"alpha": Phase.CALLED}
    deck.pass_time(2)
    host.beat()
    assert deck.read().phases() == {"alpha": Phase.LIVE}
    assert [view.key for view in deck.state().snapshot.sessions] == ["agent:main:one"]


def test_the_first_that_comes_tells_how_old_is_what_was_there(bucket):
    dead, quiet, live = Host(bucket, "dead"), Host(bucket, "quiet"), Host(bucket, "live")
    dead.beat()
    bucket.now += SILENT_S - 1
    quiet.beat()
    deck = Deck(bucket).begin()
    assert set(deck.phases().values()) == {Phase.CALLED}
    deck.pass_time(2)
    live.beat()
    assert deck.read().phases() == {"dead": Phase.LOST, "quiet": Phase.LIVE, "live": Phase.LIVE}
    assert deck.state("dead").problem == "no sign of life came of it for 6 s"
    assert deck.state("dead").heard_at == bucket.now - SILENT_S - 1


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["beat", "foreign", "nothing"])), max_size=20))
def test_a_host_is_live_as_long_as_its_last_word_is_fresh(steps):
    bucket = MemoryBucket()
    host, deck, last, anything_came = Host(bucket), Deck(bucket).begin(), 0.0, False
    for seconds, what in steps:
        deck.pass_time(seconds)
        if what == "beat":
            host.beat()
            last = deck.now
        elif what == "foreign":
            host.beat(about=host.number + 7)
        anything_came = anything_came or what != "nothing"
        deck.read()
        live = anything_came and deck.now - last <= SILENT_S
        assert (deck.state().phase is Phase.LIVE) is live


def test_a_change_is_a_sign_of_life_and_is_shown(bucket):
    host, deck = Host(bucket), Deck(bucket).begin()
    host.put(encoded(Rows(1.0, gone_sessions=(("/r", "agent:main:one", ""),))))
    state = deck.read().state()
    assert (state.phase, state.snapshot.sessions) == (Phase.LIVE, ())


def test_a_host_that_ended_said_why_and_keeps_its_rows(bucket):
    host = Host(bucket)
    host.put(encoded(Bye("lockdeck was ended there")))
    host.beat()
    state = Deck(bucket).begin().state()
    assert (state.phase, state.problem) == (Phase.LOST, "lockdeck was ended there")
    assert state.snapshot is not None


def test_a_new_picture_takes_the_place_of_the_old_when_it_is_whole(bucket):
    host, deck = Host(bucket), Deck(bucket).begin()
    host.packer = StreamPacker()
    host.put(encoded(HostHello((1, 1), "9.9", "alpha", "viewer")) + encoded(Rows(2.0, more=True)), first=True)
    assert [view.key for view in deck.read().state().snapshot.sessions] == ["agent:main:one"]
    host.put(encoded(Rows(2.0)))
    assert deck.read().state().snapshot.sessions == ()


def test_what_has_lost_its_beginning_is_never_live(bucket):
    host = Host(bucket)
    bucket.kept.clear()
    host.put(encoded(Rows(2.0)))
    deck = Deck(bucket).begin()
    host.beat()
    state = deck.read().state()
    assert (state.phase, state.snapshot) == (Phase.CALLED, None)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (picture(host="beta"), "it says that it is beta"),
        (encoded(Rows(1.0)), "did not say who it is first"),
        (picture() + encoded(HostBeat(1.0)), "does not belong into a state"),
        (encoded(HostHello((2, 2), "9.9", "alpha", "viewer")), "upgrade lockdeck here"),
        ((2 << 30).to_bytes(4, "big"), "announces a frame"),
    ],
)
def test_what_no_host_may_say_is_refused_until_it_begins_anew(bucket, data, problem):
    host, deck = Host(bucket), Deck(bucket).begin()
    host.packer = StreamPacker()
    host.put(data, first=True)
    host.beat()
    state = deck.read().state()
    assert state.phase is Phase.REFUSED
    assert problem in state.problem
    assert state.snapshot is not None
    host.picture("agent:main:two")
    assert deck.read().phases() == {"alpha": Phase.LIVE}


@pytest.mark.parametrize("data", [b"", b"what?", picture(), encoded(HostBeat(1.0)) * 2])
def test_a_sign_of_life_that_is_none_is_refused_or_none(bucket, data):
    host, deck = Host(bucket), Deck(bucket).begin()
    bucket.store("beat.alpha", data, first=True, about=host.number)
    assert deck.read().state().phase in (Phase.REFUSED, Phase.CALLED)


def test_what_can_not_be_unpacked_is_refused(bucket):
    deck = Deck(bucket).begin()
    bucket.store("state.alpha", b"\x00nothing that was packed", first=True)
    assert deck.read().state().phase is Phase.REFUSED


def test_keys_that_are_of_no_host_are_none_of_ours(bucket):
    deck = Deck(bucket).begin()
    for key in ("state", "state.a b", "notes.alpha", "asks.alpha.1"):
        bucket.store(key, picture(), first=True)
    assert deck.read().phases() == {NAME: Phase.LOST}
    assert deck.state(NAME).problem == "none of its hosts tells anything"


def test_a_host_that_was_removed_is_forgotten_whatever_is_left_of_it(bucket):
    host = Host(bucket)
    host.beat()
    deck = Deck(bucket).begin()
    deck.record.take(fleets.FleetEntry("state", "alpha", 9, 1.0, True, True, None, False, 0, b""), 1.0, 1.0)
    assert deck.phases() == {NAME: Phase.LOST}
    bucket.kept = [message for message in bucket.kept if message.key == "beat.alpha"]
    assert Deck(bucket).begin().phases() == {NAME: Phase.LOST}


def test_one_that_lives_without_a_state_is_unseen(bucket):
    deck = Deck(bucket).begin()
    bucket.store("beat.alpha", encoded(HostBeat(1.0)), first=True, about=7)
    assert deck.read().phases() == {"alpha": Phase.CALLED}


def test_with_the_server_every_host_is_lost_until_each_has_told_all_anew(bucket):
    alpha, beta = Host(bucket), Host(bucket, "beta")
    deck = Deck(bucket).begin()
    for host in (alpha, beta):
        host.beat()
    assert set(deck.read().phases().values()) == {Phase.LIVE}
    deck.record.lose("connection refused")
    assert deck.phases() == {"alpha": Phase.LOST, "beta": Phase.LOST}
    assert deck.state().problem == "connection refused"
    assert deck.state().heard_at == bucket.now
    deck.pass_time(60)
    assert deck.begin().state().problem == "connection refused"
    alpha.beat()
    assert deck.read().phases() == {"alpha": Phase.LIVE, "beta": Phase.LOST}


def test_a_server_that_was_never_reached_stands_as_a_host_that_is_lost(bucket):
    deck = Deck(bucket)
    assert deck.phases() == {NAME: Phase.CALLED}
    deck.record.lose("connection refused")
    assert deck.phases() == {NAME: Phase.LOST}


def test_silence_of_all_is_noticed_where_there_are_hosts(bucket):
    deck = Deck(bucket).begin()
    deck.pass_time(SILENT_S + 1)
    assert not deck.record.silent(deck.now)
    Host(bucket)
    deck.read()
    deck.pass_time(SILENT_S + 1)
    assert deck.record.silent(deck.now)


def test_who_falls_silent_or_comes_back_is_a_change(bucket):
    host, deck = Host(bucket), Deck(bucket).begin()
    host.beat()
    deck.read()
    assert deck.record.changed(deck.now)
    assert not deck.record.changed(deck.now + 1)
    assert deck.record.changed(deck.now + SILENT_S + 1)


def test_clocks_are_compared_with_ours(bucket):
    host, deck = Host(bucket), Deck(bucket).begin()
    bucket.now += 3600.0
    host.beat(at=deck.now + 30.0)
    assert deck.read().state().ahead_s == pytest.approx(30.0)


def test_a_fleet_without_end_is_not_followed(bucket, monkeypatch):
    monkeypatch.setattr(fleets, "MOST_HOSTS", 1)
    deck = Deck(bucket).begin()
    Host(bucket, "alpha")
    Host(bucket, "beta")
    with pytest.raises(ValueError, match="more than 1 hosts"):
        deck.read()
