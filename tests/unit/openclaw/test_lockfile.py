from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.locks import LockKind, LockPayload, LockRecord, PayloadState, Presence
from lockdeck.backend.openclaw.locks.lockfile import CAP_BYTES, parse_payload, read_lock

CREATED = "2026-11-22T10:59:02.190Z"
CREATED_S = 1795345142.19


def pretty(newline: bool, **keys: object) -> bytes:
    return (json.dumps(keys, indent=2) + ("\n" if newline else "")).encode()


VERSIONS = {
    "2026.2.9": (pretty(False, pid=4711, createdAt=CREATED), LockPayload(4711, CREATED_S)),
    "2026.4.5": (
        pretty(False, pid=4711, createdAt=CREATED, starttime=628356),
        LockPayload(4711, CREATED_S, 628356),
    ),
    "2026.5.18": (
        pretty(True, pid=4711, createdAt=CREATED, starttime=628356),
        LockPayload(4711, CREATED_S, 628356),
    ),
    "2026.7.35": (
        pretty(True, pid=4711, createdAt=CREATED, maxHoldMs=300000, starttime=628356),
        LockPayload(4711, CREATED_S, 628356, 300000),
    ),
    "store lock of 2026.2.9": (b'{"pid":4711,"startedAt":1795345142190}', LockPayload(4711, CREATED_S)),
    "gateway": (
        b'{"pid":4711,"createdAt":"%s","configPath":"/a","startTime":99}' % CREATED.encode(),
        LockPayload(4711, CREATED_S, 99),
    ),
    "ownership token in trailing white space": (
        pretty(True, pid=4711, createdAt=CREATED) + b" \t \t\n",
        LockPayload(4711, CREATED_S),
    ),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_payload_of_each_version_is_understood(version: str) -> None:
    raw, expected = VERSIONS[version]
    assert parse_payload(raw) == (expected, PayloadState.VALID, None)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_unfinished_payload_is_half_written_not_invalid(version: str) -> None:
    raw = VERSIONS[version][0].rstrip()
    for end in range(1, len(raw)):
        payload, state, problem = parse_payload(raw[:end])
        assert (payload, state) == (None, PayloadState.HALF_WRITTEN), raw[:end]
        assert problem


@pytest.mark.parametrize("raw", [b"", b" \n\t "])
def test_nothing_or_white_space_is_empty(raw: bytes) -> None:
    assert parse_payload(raw)[:2] == (None, PayloadState.EMPTY)


@pytest.mark.parametrize(
    "raw",
    [
        b"\0\0\0\0",
        b"garbage",
        b"[4711]",
        b"4711",
        b"null",
        b"{4711}",
        b'{"pid": 4711} and more',
        b'\xef\xbb\xbf{"pid": 4711}',
        b'{"pid": "\xff"}',
        b'{"pid": NaN}',
        b'{"a":' * 10_000,
        b"{}",
        b'{"pid": 0}',
        b'{"pid": -1}',
        b'{"pid": true}',
        b'{"pid": "4711"}',
        b'{"pid": 4711.5}',
        b'{"pid": 1e999}',
        b'{"pid": null}',
        b'{"pid": ' + b"9" * 400 + b"}",
        b'{"pid": [4711]}',
    ],
)
def test_what_names_no_pid_is_invalid_and_says_why(raw: bytes) -> None:
    payload, state, problem = parse_payload(raw)
    assert (payload, state) == (None, PayloadState.INVALID)
    assert problem


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"createdAt": "yesterday"}, LockPayload(1, None)),
        ({"createdAt": 1795345142}, LockPayload(1, None)),
        ({"createdAt": "2026-11-22T10:59:02"}, LockPayload(1, None)),
        ({"createdAt": "2026-11-22T12:59:02.190+02:00"}, LockPayload(1, CREATED_S)),
        ({"createdAt": "9" * 5000}, LockPayload(1, None)),
        ({"starttime": -1}, LockPayload(1, None)),
        ({"starttime": "628356"}, LockPayload(1, None)),
        ({"starttime": True}, LockPayload(1, None)),
        ({"starttime": 0}, LockPayload(1, None, 0)),
        ({"starttime": 7.0}, LockPayload(1, None, 7)),
        ({"maxHoldMs": 0}, LockPayload(1, None)),
        ({"maxHoldMs": 300000.5}, LockPayload(1, None)),
        ({"startedAt": -5}, LockPayload(1, None)),
        ({"runId": "x", "pids": [1]}, LockPayload(1, None)),
    ],
)
def test_a_wrong_key_costs_only_itself(extra: dict[str, object], expected: LockPayload) -> None:
    raw = json.dumps({"pid": 1, **extra}).encode()
    assert parse_payload(raw) == (expected, PayloadState.VALID, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["pid", "createdAt", "starttime", "maxHoldMs", "startedAt", "startTime"])


@given(st.binary(max_size=200) | st.dictionaries(KEYS, JSON).map(lambda keys: json.dumps(keys).encode()))
def test_no_bytes_make_the_parser_raise_and_every_payload_is_sound(raw: bytes) -> None:
    payload, state, problem = parse_payload(raw)
    assert (payload is None) == (state is not PayloadState.VALID) == (problem is not None)
    if payload is not None:
        assert payload.pid >= 1
        assert payload.starttime is None or payload.starttime >= 0
        assert payload.max_hold_ms is None or payload.max_hold_ms >= 1


def look(path: Path) -> LockRecord:
    return read_lock(str(path), "/root", "main", LockKind.SESSION)


def test_a_lock_is_read_with_its_identity(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl.lock"
    raw = VERSIONS["2026.7.35"][0]
    path.write_bytes(raw)
    os.utime(path, ns=(5_500_000_000, 5_500_000_000))
    record, status = look(path), path.stat()
    assert record.identity is not None
    assert (record.identity.dev, record.identity.ino) == (status.st_dev, status.st_ino)
    assert record.identity.ctime_ns == status.st_ctime_ns
    assert record.identity.has_bytes(raw)
    assert (record.mtime, record.uid, record.nlink) == (5.5, os.getuid(), 1)
    assert (record.presence, record.payload_state, record.problem) == (
        Presence.FILE,
        PayloadState.VALID,
        None,
    )
    assert (record.path, record.root, record.agent, record.kind) == (
        str(path),
        "/root",
        "main",
        LockKind.SESSION,
    )
    assert record.payload == VERSIONS["2026.7.35"][1]


def test_a_lock_written_again_has_another_release_id(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl.lock"
    path.write_bytes(VERSIONS["2026.4.5"][0])
    first = look(path).identity
    path.unlink()
    path.write_bytes(VERSIONS["2026.4.5"][0].replace(b"190Z", b"191Z"))
    second = look(path).identity
    assert first is not None
    assert second is not None
    assert first.release_id != second.release_id


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        (b"", PayloadState.EMPTY),
        (b'{"pid": 47', PayloadState.HALF_WRITTEN),
        (os.urandom(300), PayloadState.INVALID),
    ],
)
def test_a_lock_without_payload_keeps_its_identity(tmp_path: Path, raw: bytes, state: PayloadState) -> None:
    path = tmp_path / "s.jsonl.lock"
    path.write_bytes(raw)
    record = look(path)
    assert (record.presence, record.payload, record.payload_state) == (Presence.FILE, None, state)
    assert record.identity is not None
    assert record.problem


def test_a_missing_lock_is_absent(tmp_path: Path) -> None:
    record = look(tmp_path / "s.jsonl.lock")
    assert (record.presence, record.identity, record.mtime) == (Presence.ABSENT, None, None)


def test_a_huge_lock_is_unreadable_says_its_size_and_can_still_be_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl.lock"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    record = look(path)
    assert (record.presence, record.payload) == (Presence.UNREADABLE, None)
    assert str(1 << 30) in str(record.problem)
    assert record.identity is not None
    assert record.identity.ino == path.stat().st_ino
    assert record.identity.size == CAP_BYTES


def test_planted_things_in_place_of_a_lock_are_irregular(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").write_bytes(VERSIONS["2026.4.5"][0])
    (tmp_path / "link.lock").symlink_to(tmp_path / "real")
    (tmp_path / "loop.lock").symlink_to(tmp_path / "loop.lock")
    (tmp_path / "directory.lock").mkdir()
    os.mkfifo(tmp_path / "pipe.lock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.lock")
        for path in sorted(tmp_path.glob("*.lock")):
            record = look(path)
            assert (record.presence, record.payload, record.identity) == (Presence.IRREGULAR, None, None), (
                path
            )
            assert record.problem


def test_hard_links_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl.lock"
    path.write_bytes(VERSIONS["2026.4.5"][0])
    (tmp_path / "other").hardlink_to(path)
    assert look(path).nlink == 2


def test_a_hostile_name_stays_exact_in_the_path_and_harmless_in_the_problem(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\x1b[31m\xff.jsonl.lock")
    os.mkdir(path)
    record = read_lock(path, str(tmp_path), None, LockKind.SESSION)
    assert record.path == path
    assert "\x1b" not in str(record.problem)
    str(record.problem).encode()
