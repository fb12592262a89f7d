"""Where a lock that somebody names belongs."""

from __future__ import annotations

import pytest

from backend.model.locks import LockKind
from backend.openclaw.placing import place_of
from tests.unit.fleetdir import FleetDir


@pytest.fixture
def fleet(tmp_path):
    return FleetDir(tmp_path)


def test_a_lock_in_a_sessions_directory_has_root_agent_and_kind(fleet):
    place = place_of(str(fleet.session("agent:silas:main")), fleet.env)
    assert (place.root, place.agent, place.kind) == (str(fleet.root), "silas", LockKind.SESSION)
    assert (place.era, place.own_namespace) == ("files", None)


def test_a_lock_need_not_exist(fleet):
    path = fleet.sessions() / "nobody.jsonl.lock"
    assert place_of(str(path), fleet.env).path == str(path)


def test_a_relative_path_is_taken_from_here(fleet, monkeypatch):
    lock = fleet.session()
    monkeypatch.chdir(lock.parent)
    assert place_of(lock.name, fleet.env).path == str(lock)


def test_links_to_the_directory_are_resolved_but_never_the_lock_itself(fleet, tmp_path):
    lock = fleet.session()
    (tmp_path / "short").symlink_to(lock.parent)
    lock.symlink_to("/etc/passwd")
    place = place_of(str(tmp_path / "short" / lock.name), fleet.env)
    assert (place.path, place.kind) == (str(lock), LockKind.SESSION)


def test_a_lock_in_no_sessions_directory_is_only_ever_shown(fleet, tmp_path):
    for path in (
        tmp_path / "x.jsonl.lock",
        fleet.root / "x.jsonl.lock",
        fleet.root / "agents" / "x.jsonl.lock",
    ):
        assert place_of(str(path), fleet.env).kind is LockKind.OTHER


def test_a_store_outside_its_root_is_found_through_the_usual_roots(fleet, tmp_path):
    (tmp_path / "elsewhere" / "silas").mkdir(parents=True)
    fleet.config(
        session={"store": str(tmp_path / "elsewhere" / "{agentId}" / "sessions.json")},
        agents={"list": [{"id": "silas"}]},
    )
    place = place_of(str(tmp_path / "elsewhere" / "silas" / "s.jsonl.lock"), fleet.env)
    assert (place.root, place.agent, place.kind) == (str(fleet.root), "silas", LockKind.SESSION)


def test_the_user_vouches_per_root(fleet):
    asked = []

    def vouched(root):
        asked.append(root)
        return True

    assert place_of(str(fleet.session()), fleet.env, vouched).own_namespace is True
    assert asked == [str(fleet.root)]


def test_other_locks_keep_their_kind(fleet):
    assert place_of(str(fleet.sessions() / "sessions.json.lock"), fleet.env).kind is LockKind.STORE
    assert place_of(str(fleet.sessions() / "s.trajectory.jsonl.lock"), fleet.env).kind is LockKind.OTHER
