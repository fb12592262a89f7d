from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockdeck.backend.openclaw.locks.gatewaylock import (
    GatewayLock,
    expected_lock_paths,
    gateway_lock_at,
    gateway_lock_paths,
    is_lock_of_root,
    lock_directories,
    serving_gateway_lock,
    stale_guards,
)
from lockdeck.backend.openclaw.locks.lockfile import parse_payload

UID = os.getuid()
PAYLOAD = {"pid": 26646, "createdAt": "2026-11-22T10:59:02.190Z", "startTime": 628356}


def plant(base: Path, config: str, name: str | None = None, **more: object) -> Path:
    directory = base / f"openclaw-{UID}"
    directory.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(config.encode()).hexdigest()[:8]
    path = directory / (name or f"gateway.{digest}.lock")
    path.write_text(json.dumps(PAYLOAD | {"configPath": config} | more))
    return path


def look(tmp_path: Path, config: str | None = None) -> GatewayLock | None:
    env = {"TMPDIR": str(tmp_path / "tmp") + "/"}
    return serving_gateway_lock(
        str(tmp_path / "root"), config or str(tmp_path / "root/openclaw.json"), env, UID
    )


def test_the_lock_of_a_file_era_gateway_is_found_in_its_tmp_directory(tmp_path: Path) -> None:
    config = str(tmp_path / "root/openclaw.json")
    path = plant(tmp_path / "tmp", config)
    assert look(tmp_path) == GatewayLock(str(path), 26646, 628356, 1795345142.19, config, None)


def test_the_port_is_told_where_it_is_written(tmp_path: Path) -> None:
    plant(tmp_path / "tmp", str(tmp_path / "root/openclaw.json"), port=18789)
    found = look(tmp_path)
    assert found is not None
    assert found.port == 18789


@pytest.mark.parametrize("port", [0, 65536, "18789", True])
def test_an_impossible_port_is_no_port(tmp_path: Path, port: object) -> None:
    plant(tmp_path / "tmp", str(tmp_path / "root/openclaw.json"), port=port)
    found = look(tmp_path)
    assert found is not None
    assert found.port is None


def test_the_lock_of_an_sqlite_era_gateway_is_found_in_the_root(tmp_path: Path) -> None:
    config = str(tmp_path / "root/openclaw.json")
    path = plant(tmp_path / "root/tmp", config, role="gateway", port=18789)
    found = look(tmp_path)
    assert found is not None
    assert found.path == str(path)


def test_a_lock_with_another_role_is_no_gateway(tmp_path: Path) -> None:
    plant(tmp_path / "root/tmp", str(tmp_path / "root/openclaw.json"), role="sqlite-maintenance")
    assert look(tmp_path) is None


def test_the_gateway_of_another_config_is_not_ours(tmp_path: Path) -> None:
    plant(tmp_path / "tmp", "/elsewhere/openclaw.json")
    assert look(tmp_path) is None


def test_a_config_spelled_through_a_link_is_the_same_config(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "real")
    plant(tmp_path / "tmp", str(tmp_path / "real/openclaw.json"))
    assert look(tmp_path) is not None


def test_of_two_locks_the_newer_counts(tmp_path: Path) -> None:
    config = str(tmp_path / "root/openclaw.json")
    plant(tmp_path / "root/tmp", config, pid=1, createdAt="2026-11-21T00:00:00Z")
    plant(tmp_path / "tmp", config, pid=2)
    found = look(tmp_path)
    assert found is not None
    assert found.pid == 2


def test_a_directory_of_another_user_is_not_believed(tmp_path: Path) -> None:
    config = str(tmp_path / "root/openclaw.json")
    path = plant(tmp_path / "tmp", config)
    other = tmp_path / "tmp" / f"openclaw-{UID + 1}"
    path.parent.rename(other)
    assert (
        serving_gateway_lock(str(tmp_path / "root"), config, {"TMPDIR": str(tmp_path / "tmp")}, UID + 1)
        is None
    )


def test_a_linked_directory_is_not_believed(tmp_path: Path) -> None:
    config = str(tmp_path / "root/openclaw.json")
    plant(tmp_path / "planted", config)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / f"openclaw-{UID}").symlink_to(tmp_path / "planted" / f"openclaw-{UID}")
    assert look(tmp_path) is None


@pytest.mark.parametrize(
    "raw", ["", "{", "[]", '{"pid": 1}', '{"pid": 0, "configPath": "x"}', '{"a":' * 5000, "\0"]
)
def test_garbage_is_no_lock(tmp_path: Path, raw: str) -> None:
    plant(tmp_path / "tmp", str(tmp_path / "root/openclaw.json")).write_text(raw)
    assert look(tmp_path) is None


def test_planted_things_neither_block_nor_hide_the_real_lock(tmp_path: Path) -> None:
    config = str(tmp_path / "root/openclaw.json")
    path = plant(tmp_path / "tmp", config)
    os.mkfifo(path.parent / "gateway.00000000.lock")
    (path.parent / "gateway.00000001.lock").mkdir()
    (path.parent / "gateway.00000002.lock").symlink_to("gateway.00000002.lock")
    plant(tmp_path / "tmp", "a\0b", name="gateway.00000003.lock")
    found = look(tmp_path)
    assert found is not None
    assert found.path == str(path)


def test_all_places_are_looked_at_once(tmp_path: Path) -> None:
    env = {"TMPDIR": "/tmp/", "TMP": "relative", "TEMP": "/t"}
    found = lock_directories("/r", env, 7)
    assert found[:3] == ("/r/tmp/openclaw-7", "/tmp/openclaw-7", "/t/openclaw-7")
    assert len(found) == len(set(found))


def paths(tmp_path: Path) -> list[str]:
    env = {"TMPDIR": str(tmp_path / "tmp") + "/"}
    found = gateway_lock_paths(str(tmp_path / "root"), str(tmp_path / "root/openclaw.json"), env, UID)
    return [os.path.relpath(path, tmp_path) for path in found]


def test_every_lock_of_a_root_is_shown_whoever_took_it_and_what_stands_beside_is_none(tmp_path: Path) -> None:
    config = str(tmp_path / "root/openclaw.json")
    plant(
        tmp_path / "root/tmp",
        config,
        name="gateway.state.lock",
        role="sqlite-maintenance",
        stateDir=str(tmp_path / "root"),
    )
    mine = plant(tmp_path / "root/tmp", config, stateDir=str(tmp_path / "root"))
    (mine.parent / f"{mine.name}.sqlite").write_bytes(b"SQLite format 3\0")
    (mine.parent / "gateway.state.lock.reclaim").mkdir()
    plant(tmp_path / "tmp", "/elsewhere/openclaw.json")
    older = plant(tmp_path / "tmp", config)
    folder = f"openclaw-{UID}"
    assert paths(tmp_path) == [
        f"root/tmp/{folder}/{mine.name}",
        f"root/tmp/{folder}/gateway.state.lock",
        f"tmp/{folder}/{older.name}",
    ]


def test_only_a_takeover_that_has_not_ended_for_long_was_cut_off(tmp_path: Path) -> None:
    mine = plant(tmp_path / "root/tmp", str(tmp_path / "root/openclaw.json"))
    guard = mine.with_name("gateway.state.lock.reclaim")
    guard.mkdir()
    since = guard.stat().st_mtime
    assert stale_guards(str(tmp_path / "root"), since + 29) == ()
    assert stale_guards(str(tmp_path / "root"), since + 31) == (str(guard),)
    assert stale_guards(str(tmp_path / "none"), since) == ()


def test_the_state_directory_that_a_lock_names_decides(tmp_path: Path) -> None:
    config = str(tmp_path / "root/openclaw.json")
    plant(tmp_path / "tmp", config, stateDir="/another/root")
    assert paths(tmp_path) == []
    plant(tmp_path / "tmp", "/elsewhere/openclaw.json", stateDir=str(tmp_path / "root"))
    assert len(paths(tmp_path)) == 1


@pytest.mark.parametrize("raw", ["", "{", "junk", "[]", '{"pid": 1}', '{"pid": 0, "configPath": "x"}'])
def test_what_says_nothing_belongs_to_the_root_by_place_or_name(tmp_path: Path, raw: str) -> None:
    config = str(tmp_path / "root/openclaw.json")
    for base, name in (
        ("root/tmp", "gateway.00000000.lock"),
        ("tmp", None),
        ("tmp", "gateway.00000000.lock"),
    ):
        plant(tmp_path / base, config, name=name).write_text(raw)
    digest = hashlib.sha256(config.encode()).hexdigest()[:8]
    folder = f"openclaw-{UID}"
    assert paths(tmp_path) == [
        f"root/tmp/{folder}/gateway.00000000.lock",
        f"tmp/{folder}/gateway.{digest}.lock",
    ]


def test_where_locks_are_expected_does_not_depend_on_what_stands_there(tmp_path: Path) -> None:
    config = str(tmp_path / "root/openclaw.json")
    env = {"TMPDIR": str(tmp_path / "tmp")}
    before = expected_lock_paths(str(tmp_path / "root"), config, env, UID)
    assert str(plant(tmp_path / "root/tmp", config)) in before
    assert str(plant(tmp_path / "tmp", config)) in before
    assert expected_lock_paths(str(tmp_path / "root"), config, env, UID) == before


def test_a_role_that_looks_like_none_is_not_repeated(tmp_path: Path) -> None:
    plant(tmp_path / "tmp", str(tmp_path / "root/openclaw.json"), role="\x1b[2J evil")
    payload, _, _ = parse_payload(json.dumps(PAYLOAD | {"role": "\x1b[2J evil"}).encode())
    assert payload is not None
    assert payload.role == "something unknown"
    assert look(tmp_path) is None


keys = st.sampled_from(["pid", "createdAt", "startTime", "configPath", "stateDir", "port", "role", "ownerId"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(keys, values, max_size=8) | values, st.binary(max_size=6))
def test_whatever_stands_in_a_lock_never_makes_the_reader_fail(
    tmp_path: Path, value: object, tail: bytes
) -> None:
    path = plant(tmp_path / "tmp", str(tmp_path / "root/openclaw.json"))
    path.write_bytes(json.dumps(value).encode() + tail)
    claim = gateway_lock_at(str(path), UID)
    assert claim is None or (claim.pid > 0 and (claim.port is None or 0 < claim.port < 65536))
    assert is_lock_of_root(str(path), str(tmp_path / "root"), str(tmp_path / "root/openclaw.json")) in (
        True,
        False,
    )
    payload, _, problem = parse_payload(path.read_bytes())
    assert (payload is None) == (problem is not None)
    if payload is not None and claim is not None:
        assert (payload.pid, payload.starttime, payload.port) == (
            claim.pid,
            claim.start_ticks,
            claim.port,
        ) or ("starttime" in str(value))
