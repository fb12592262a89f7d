"""Where a lock that somebody names belongs."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.model.trust import Vouch
from lockdeck.backend.openclaw.roots.discovery import place_of as place_in
from tests.unit.fleetdir import FleetDir, nobody_vouches


def place_of(path, env, vouches=nobody_vouches):
    return place_in(path, env, vouches)


@pytest.fixture
def fleet(tmp_path):
    return FleetDir(tmp_path)


def test_a_lock_in_a_sessions_directory_has_root_agent_and_kind(fleet):
    place = place_of(str(fleet.session("agent:silas:main")), fleet.env)
    assert (place.root, place.agent, place.kind) == (str(fleet.root), "silas", LockKind.SESSION)
    assert (place.era, place.own_namespace) == ("files", False)


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
    for root, vouched in ((str(fleet.root), True), ("/another", False)):
        place = place_of(
            str(fleet.session()),
            fleet.env,
            lambda path, root=root: Vouch(path == root, frozenset({7} if path == root else ())),
        )
        assert (place.own_namespace, place.owners) == (vouched, {7} if vouched else set())


def test_other_locks_keep_their_kind(fleet):
    assert place_of(str(fleet.sessions() / "sessions.json.lock"), fleet.env).kind is LockKind.STORE
    assert place_of(str(fleet.sessions() / "s.trajectory.jsonl.lock"), fleet.env).kind is LockKind.OTHER


def gateway_lock(base, config, name=None, **told):
    """A gateway lock below a directory for temporary files."""
    folder = base / f"openclaw-{os.getuid()}"
    folder.mkdir(parents=True)
    digest = hashlib.sha256(str(config).encode()).hexdigest()[:8]
    path = folder / (name or f"gateway.{digest}.lock")
    path.write_text(json.dumps({"pid": 7, "configPath": str(config), **told}))
    return path


def test_a_gateway_lock_belongs_to_the_root_whose_config_it_names(fleet, tmp_path):
    fleet.config()
    lock = gateway_lock(tmp_path / "anywhere", fleet.root / "openclaw.json")
    place = place_of(str(lock), {})
    assert (place.path, place.root, place.agent, place.kind) == (
        str(lock),
        str(fleet.root),
        None,
        LockKind.GATEWAY,
    )


def test_a_gateway_lock_belongs_to_the_root_whose_state_it_names_wherever_the_config_is(fleet, tmp_path):
    lock = gateway_lock(
        fleet.root / "tmp", tmp_path / "c.json", "gateway.state.lock", stateDir=str(fleet.root)
    )
    assert place_of(str(lock), {}).root == str(fleet.root)


def test_a_gateway_lock_that_says_nothing_belongs_to_the_root_around_it_or_of_its_name(fleet, tmp_path):
    fleet.config()
    for base in (fleet.root / "tmp", tmp_path / "anywhere"):
        lock = gateway_lock(base, fleet.root / "openclaw.json")
        lock.write_text("junk")
        place = place_of(str(lock), fleet.env)
        assert (place.root, place.kind) == (str(fleet.root), LockKind.GATEWAY)
        lock.unlink()
        assert place_of(str(lock), fleet.env).root == str(fleet.root)


@pytest.mark.parametrize(
    "told", [{"stateDir": "\0"}, {"stateDir": "."}, {"stateDir": "/" * 9000}, {"configPath": "\0/x"}]
)
def test_a_gateway_lock_that_names_nonsense_has_no_root(tmp_path, told):
    lock = gateway_lock(tmp_path / "anywhere", "/nowhere/openclaw.json", **told)
    place = place_of(str(lock), {"HOME": str(tmp_path)})
    assert (place.root, place.kind) == (str(lock.parent), LockKind.GATEWAY)
