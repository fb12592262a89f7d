"""Occupations: chains of holds seen on one lock path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.locks import (
    LockIdentity,
    LockKind,
    LockPayload,
    LockRecord,
    PayloadState,
    Presence,
)
from lockdeck.backend.model.occupation import RECENT_HOLDS, Sighting, observe, occupied_ms, sighting_of
from lockdeck.backend.model.runs.records import Occupation
from tests.folders import RECORDINGS

PATH = "/r/agents/silas/sessions/s.jsonl.lock"


def sight(
    name: str, created: float | None, *, ino: int = 7, pid: int | None = 42, written: bool = True
) -> Sighting:
    return Sighting(name, 1, ino, pid, created, written)


def walk(*looks: tuple[float, Sighting | None], grace: float = 3.0) -> Occupation | None:
    occupation: Occupation | None = None
    for now, seen in looks:
        occupation = observe(occupation, PATH, seen, now, grace)
    return occupation


def test_five_young_holds_in_a_row_are_one_long_occupation():
    looks: list[tuple[float, Sighting | None]] = []
    for n in range(5):
        start = 1000.0 + n * 21
        looks += [(start + 0.1, sight(f"h{n}", start)), (start + 20.0, None)]
    occupation = walk(*looks)
    assert occupation is not None
    assert occupation.holds == 5
    assert occupation.since == 1000.0
    assert occupied_ms(occupation, 5000.0) == 104_000
    assert max(h.ended_at - h.started_at for h in occupation.recent if h.ended_at) == 20.0


def test_a_gap_longer_than_the_grace_starts_a_new_occupation():
    first = (1000.0, sight("a", 1000.0))
    assert walk(first, (1010.0, None), (1013.5, None)) is None
    again = walk(first, (1010.0, None), (1014.0, sight("b", 1014.0)))
    assert again is not None
    assert (again.since, again.holds) == (1014.0, 1)


def test_a_gap_within_the_grace_stays_occupied_without_a_current_hold():
    gap = walk((1000.0, sight("a", 1000.0)), (1010.0, None), (1012.0, None))
    assert gap is not None
    assert gap.current is None
    assert gap.last_seen == 1010.0
    assert (
        walk((1000.0, sight("a", 1000.0)), (1010.0, None), (1021.0, sight("b", 1021.0)), grace=15.0).holds
        == 2
    )


def test_a_hold_replaced_between_two_looks_ended_when_the_next_began():
    occupation = walk((1000.0, sight("a", 999.0)), (1030.0, sight("b", 1020.5)))
    assert occupation is not None
    assert [(h.started_at, h.ended_at) for h in occupation.recent] == [(999.0, 1020.5), (1020.5, None)]


@pytest.mark.parametrize(
    ("created", "start"), [(400.0, 400.0), (2000.0, 1000.0), (-5.0, 1000.0), (None, 1000.0)]
)
def test_a_hold_seen_late_began_at_its_own_word_where_that_is_sane(created: float | None, start: float):
    occupation = walk((1000.0, sight("a", created)))
    assert occupation is not None
    assert occupation.since == start


@pytest.mark.parametrize(("mtime", "start"), [(866.0, 866.0), (1000.5, 1000.0), (None, 1000.0)])
def test_a_lock_whose_payload_tells_no_time_began_when_its_file_was_written(mtime, start):
    occupation = walk((1000.0, replace(sight("a", None, pid=None, written=False), mtime=mtime)))
    assert occupation.since == start


def test_a_payloads_own_time_is_better_than_its_files():
    assert walk((1000.0, replace(sight("a", 900.0), mtime=950.0))).since == 900.0


def test_a_file_written_before_the_last_hold_ended_begins_where_that_ended():
    touched = replace(sight("b", None, ino=8, pid=None, written=False), mtime=100.0)
    occupation = walk((500.0, sight("a", 400.0)), (510.0, None), (511.0, touched))
    assert (occupation.holds, occupation.current.started_at) == (2, 510.0)


def test_an_empty_file_that_gets_its_payload_is_one_hold():
    empty = sight("e", None, pid=None, written=False)
    half = sight("half", None, pid=None, written=False)
    full = sight("f", 1000.0)
    occupation = walk((1000.2, empty), (1000.7, half), (1001.0, full), (1002.0, full))
    assert occupation is not None
    assert occupation.holds == 1
    assert occupation.current is not None
    assert (occupation.current.release_id, occupation.current.pid) == ("f", 42)


def test_an_empty_file_on_a_reused_inode_is_the_next_hold():
    occupation = walk((1000.0, sight("a", 1000.0)), (1020.0, sight("e", None, pid=None, written=False)))
    assert occupation is not None
    assert occupation.holds == 2


def test_a_payload_far_younger_than_the_empty_file_is_another_hold_on_the_same_inode():
    empty = sight("e", None, pid=None, written=False)
    occupation = walk((1000.0, empty), (1100.0, sight("b", 1099.0)))
    assert occupation is not None
    assert occupation.holds == 2


def test_a_changed_ctime_alone_makes_no_new_hold():
    occupation = walk((1000.0, sight("a", 999.0)), (1001.0, sight("a-chmod", 999.0)))
    assert occupation is not None
    assert occupation.holds == 1
    assert occupation.current is not None
    assert occupation.current.release_id == "a-chmod"


def test_same_pid_and_bytes_on_another_inode_is_a_new_hold():
    occupation = walk((1000.0, sight("a", 999.0, ino=7)), (1001.0, sight("b", 999.0, ino=8)))
    assert occupation is not None
    assert occupation.holds == 2


def test_all_holds_are_counted_but_only_the_last_are_kept():
    occupation = walk(*[(1000.0 + n, sight(f"h{n}", 1000.0 + n)) for n in range(300)])
    assert occupation is not None
    assert occupation.holds == 300
    assert len(occupation.recent) == RECENT_HOLDS
    assert occupation.since == 1000.0


def test_a_clock_set_back_keeps_durations_and_still_ends_the_occupation():
    held = walk((1000.0, sight("a", 1000.0)), (1060.0, None), (500.0, None))
    assert held is not None
    assert occupied_ms(held, 500.0) == 60_000
    assert observe(held, PATH, None, 504.0) is None


def test_a_record_that_could_be_read_becomes_a_sighting():
    record = LockRecord(
        PATH, "/r", "silas", LockKind.SESSION, Presence.FILE, LockIdentity.of(1, 2, 3, b"{}"),
        LockPayload(42, 10.0), PayloadState.VALID,
    )  # fmt: skip
    assert sighting_of(record) == Sighting(record.identity.release_id, 1, 2, 42, 10.0, True)
    empty = replace(record, payload=None, payload_state=PayloadState.EMPTY)
    assert sighting_of(empty).written is False
    assert sighting_of(replace(record, presence=Presence.ABSENT, identity=None)) is None


LOCK_EVENTS = sorted(RECORDINGS.glob("*/lock-events.jsonl"))


@pytest.mark.parametrize("file", LOCK_EVENTS, ids=lambda p: p.parent.name)
def test_recorded_lock_events_give_the_holds_that_were_counted(file: Path):
    expected = json.loads((file.parent / "expected.json").read_text())["holds_per_lock"]
    found: dict[str, Occupation | None] = {}
    for n, line in enumerate(file.read_text().splitlines()):
        event = json.loads(line)
        name, kind = event["name"], event["event"]
        if name not in expected or kind not in ("CREATE", "DELETE"):
            continue
        seen = sight(f"{name}{n}", event["t"]) if kind == "CREATE" else None
        # An hour's grace: a busy machine was seen to leave gaps of 11 s inside one rotation.
        found[name] = observe(found.get(name), PATH, seen, event["t"], 3600.0)
    assert {name: occupation.holds for name, occupation in found.items() if occupation} == expected


sightings = st.none() | st.builds(
    Sighting,
    release_id=st.sampled_from("abcd"),
    dev=st.just(1),
    ino=st.integers(1, 3),
    pid=st.none() | st.integers(1, 3),
    created_at=st.none() | st.floats(-1e3, 2e3),
    written=st.booleans(),
)


@given(st.lists(st.tuples(st.floats(0, 2e3), sightings), max_size=40))
def test_any_looks_in_any_order_of_time_stay_sane_and_idempotent(looks: list[tuple[float, Sighting | None]]):
    occupation: Occupation | None = None
    for now, seen in looks:
        occupation = observe(occupation, PATH, seen, now)
        assert observe(occupation, PATH, seen, now) == occupation
        if occupation is None:
            continue
        assert occupied_ms(occupation, now) >= 0
        assert occupation.since <= occupation.recent[0].started_at
        assert all(h.ended_at is None or h.ended_at >= h.started_at for h in occupation.recent)
        assert all(
            a.ended_at <= b.started_at for a, b in zip(occupation.recent, occupation.recent[1:], strict=False)
        )
        assert 1 <= len(occupation.recent) <= min(RECENT_HOLDS, occupation.holds)
