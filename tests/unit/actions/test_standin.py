"""The stand-in: alive while needed, gone afterwards, and the watchman when lockdeck dies."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.actions.release.standin import StandIn, is_lock_of, lock_payload, run_stand_in
from lockdeck.backend.openclaw.locks.lockfile import parse_payload
from lockdeck.backend.system import processes


def test_it_lives_for_the_length_of_the_block(tmp_path):
    with run_stand_in(str(tmp_path / "journal.jsonl")) as stand_in:
        look = processes.look(stand_in.pid)
        assert look.liveness == "alive"
        assert look.identity.start_ticks == stand_in.start_ticks
        assert "openclaw" in look.identity.argv
    assert processes.look(stand_in.pid).liveness == "gone"


def test_one_that_does_not_start_is_an_error_and_leaves_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.executable", "/bin/false")
    with (
        pytest.raises(OSError, match="did not start"),
        run_stand_in(str(tmp_path / "journal.jsonl")),
    ):
        pytest.fail("the block was entered")


def test_it_does_not_pass_for_an_openclaw_gateway_in_our_own_eyes(tmp_path):
    with run_stand_in(str(tmp_path / "journal.jsonl")) as stand_in:
        assert stand_in.pid not in [process.pid for process in processes.openclaw_processes()]


def test_its_lock_is_read_like_any_other():
    raw = lock_payload(StandIn(4711, 99), "abc123", 1_760_000_000.0)
    payload, _, problem = parse_payload(raw)
    assert problem is None
    assert (payload.pid, payload.starttime, payload.created_at) == (4711, 99, 1_760_000_000.0)


def test_a_lock_is_told_from_that_of_another_action():
    raw = lock_payload(StandIn(4711, None), "abc123", 1_760_000_000.0)
    assert is_lock_of(raw, "abc123")
    assert not is_lock_of(raw, "abc124")
    assert "starttime" not in json.loads(raw)


@given(st.binary(max_size=200))
def test_no_bytes_are_taken_for_a_stand_in(raw):
    assert not is_lock_of(raw, "abc123")


def test_it_keeps_no_descriptor_of_ours(tmp_path):
    with open(tmp_path / "file", "w") as file, run_stand_in(str(tmp_path / "journal.jsonl")) as stand_in:
        links = [
            os.readlink(f"/proc/{stand_in.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{stand_in.pid}/fd")
        ]
        assert file.name not in links
