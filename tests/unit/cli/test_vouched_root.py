"""An account that is only vouched for leads us to nothing but its own: what is ours never reaches its gateway."""

from __future__ import annotations

import json
import os

import pytest

from lockdeck.backend.openclaw.gateway.credentials import find_access
from lockdeck.backend.openclaw.gateway.device import cli_device
from lockdeck.backend.openclaw.gateway.secret import Secret
from lockdeck.backend.openclaw.roots.config import load_config
from tests.secondowner import UID, give_away, needs_root
from tests.unit.cli.test_foreign_root import (
    KEY,
    SECRET,
    claw,
    gateway,
    home,
    included_config,
    linked_config,
    linked_identity,
    listener,
    to_sqlite,
)
from tests.unit.cli.waysin import EVERY_WAY, dashboard, walk
from tests.unit.fleetdir import lockdeck
from tests.unit.openclaw.test_device import identity

__all__ = ["claw", "home", "listener"]
pytestmark = needs_root
OWNERS = frozenset({UID})


def linked_dotenv(claw, home, port):
    (home.root / ".env").write_text(f"TOKEN={SECRET}\n")
    (claw.root / ".env").symlink_to(home.root / ".env")
    claw.config(gateway=gateway(port, token="${TOKEN}"))


def second_name_of_ours(claw, home, port):
    home.config(gateway=gateway(port, token=SECRET))
    os.link(home.root / "openclaw.json", claw.root / "openclaw.json")


def config_of_theirs_in_a_directory_of_ours(claw, home, port):
    claw.config(gateway=gateway(port, token="${AWS_SECRET_ACCESS_KEY}"))


def port_of_theirs_in_a_config_of_ours(claw, home, port):
    (claw.root / "port.json").write_text(json.dumps({"gateway": {"port": port}}))
    claw.config(**{"$include": "port.json"}, gateway={"auth": {"mode": "token", "token": SECRET}})


def variables_of_ours_in_a_config_of_theirs(claw, home, port):
    (claw.root / ".env").write_text(f"TOKEN={SECRET}\n")
    claw.config(gateway=gateway(port, token="${TOKEN}"))


THEIR_ROOT = (linked_config, included_config, linked_identity, linked_dotenv, second_name_of_ours)
OUR_ROOT = {
    config_of_theirs_in_a_directory_of_ours: "openclaw.json",
    port_of_theirs_in_a_config_of_ours: "port.json",
    variables_of_ours_in_a_config_of_theirs: "openclaw.json",
}


NAMES = {
    "OPENCLAW_STATE_DIR": lambda claw: {"OPENCLAW_STATE_DIR": str(claw.root)},
    "a kept HOME": lambda claw: {"HOME": str(claw.home), "OPENCLAW_STATE_DIR": ""},
    "OPENCLAW_HOME": lambda claw: {"OPENCLAW_HOME": str(claw.home), "OPENCLAW_STATE_DIR": ""},
}
"""The ways in which our environment can name a root as its own."""


def look(claw, home, listener):
    to_sqlite(claw)
    done = lockdeck("status", "--trust-owner", UID, claw.root, env=home.env)
    assert SECRET.encode() not in b"".join(map(bytes, [done.stdout, done.stderr]))
    assert listener.visits == []
    assert not (home.home / "ran").exists()


@pytest.mark.parametrize("variant", THEIR_ROOT, ids=lambda variant: variant.__name__)
def test_nothing_of_ours_is_reached_through_what_an_account_that_is_vouched_for_links(
    claw, home, listener, variant
):
    for path in (home.root / "identity").iterdir():
        path.unlink()
    (home.root / "identity").rmdir()
    identity(home.root, token=SECRET)
    variant(claw, home, listener.port)
    ours = claw.root / "openclaw.json"
    give_away(claw.home)
    if variant is second_name_of_ours:
        os.chown(ours, 0, 0)
    look(claw, home, listener)


@pytest.mark.parametrize("variant", OUR_ROOT, ids=lambda variant: variant.__name__)
def test_a_file_of_who_is_vouched_for_makes_a_root_of_ours_only_vouched_for(claw, home, listener, variant):
    variant(claw, home, listener.port)
    give_away(claw.root / OUR_ROOT[variant])
    config = load_config(str(claw.root), home.env, OWNERS)
    assert config.ownership.vouched or not config.ownership.ours
    assert not config.ownership.ours or not isinstance(config.token, Secret)
    look(claw, home, listener)


def test_no_device_of_ours_stands_for_a_root_whose_config_is_only_vouched_for(tmp_path):
    identity(tmp_path)
    assert cli_device(str(tmp_path)) is not None
    assert cli_device(str(tmp_path), OWNERS) is not None
    assert cli_device(str(tmp_path), OWNERS, only_vouched=True) is None
    give_away(tmp_path / "identity")
    assert cli_device(str(tmp_path), OWNERS, only_vouched=True) is not None


def test_a_link_of_who_is_vouched_for_to_their_own_config_is_followed(claw, home):
    away = claw.home / "dotfiles"
    away.mkdir()
    (away / "openclaw.json").write_text(json.dumps({"gateway": {"port": 1234}}))
    (claw.root / "openclaw.json").symlink_to(away / "openclaw.json")
    give_away(claw.home)
    config = load_config(str(claw.root), {}, OWNERS)
    assert (config.gateway_port, config.ownership.ours, config.ownership.vouched) == (1234, True, True)


@pytest.mark.parametrize("linked", ["agents", "agents/main", "agents/main/sessions", "store"])
def test_no_session_of_ours_is_told_as_one_of_a_root_that_is_vouched_for(claw, home, linked):
    claw.config()
    home.session("agent:main:private")
    path = claw.root / ("agents/main/sessions/sessions.json" if linked == "store" else linked)
    path.rename(path.with_name("before"))
    path.symlink_to(home.root / "agents" / path.relative_to(claw.root / "agents"))
    give_away(claw.home)
    done = lockdeck("status", "--json", "--trust-owner", UID, claw.root, env=home.env)
    assert b"agent:main:private" not in done.stdout
    assert json.loads(done.stdout)["roots"][0]["unseen"]


@pytest.mark.parametrize("linked", ["agents/main", "store"])
def test_sessions_of_who_is_vouched_for_are_seen_through_their_own_links(claw, home, linked):
    claw.config()
    path = claw.root / ("agents/main/sessions/sessions.json" if linked == "store" else linked)
    path.rename(claw.home / "moved")
    path.symlink_to(claw.home / "moved")
    give_away(claw.home)
    status = json.loads(lockdeck("status", "--json", "--trust-owner", UID, claw.root, env=home.env).stdout)
    assert KEY in {session["key"] for session in status["sessions"]}


@pytest.fixture
def named(claw, home, listener, request):
    """Our environment, with a token and the port of a listener, that names the root of who is vouched for."""
    claw.config()
    to_sqlite(claw)
    give_away(claw.home)
    names = NAMES[request.param](claw)
    ours = {f"LOCKDECK_{kind}_DIR": str(home.home / kind) for kind in ("STATE", "CONFIG")}
    url = {
        "OPENCLAW_GATEWAY_PORT": str(listener.port),
        "OPENCLAW_GATEWAY_URL": f"ws://127.0.0.1:{listener.port}",
    }
    return {**home.env, **ours, **names, **url, "OPENCLAW_GATEWAY_PASSWORD": SECRET}


@pytest.mark.parametrize("named", NAMES, indirect=True)
def test_no_credential_of_our_environment_goes_to_a_root_that_is_vouched_for_by_any_way(
    claw, home, listener, named
):
    for way in EVERY_WAY:
        if way != "cancel --url":
            options = ("--trust-owner", UID)
            answer = walk(way, claw, named, port=listener.port, lock=claw.lock, options=options)
            assert (SECRET in answer.text, listener.visits) == (False, []), way
    dashboard(claw, named, OWNERS)
    assert listener.visits == []


@pytest.mark.parametrize("named", NAMES, indirect=True)
def test_a_credential_of_our_environment_goes_where_we_name_the_url_ourselves(claw, listener, named):
    config = load_config(str(claw.root), named, OWNERS)
    assert config.ownership.vouched
    access = find_access(str(claw.root), config, named)
    assert (access.secrets, access.by_user, str(listener.port) in access.url) == ((), False, False)
    assert "name the --url" in access.why_no_credential()
    by_url = find_access(str(claw.root), config, named, url=f"ws://127.0.0.1:{listener.port}")
    assert by_url.by_user
    assert SECRET in {secret.reveal() for secret in by_url.secrets}


@pytest.mark.parametrize("named", NAMES, indirect=True)
def test_the_same_environment_reaches_the_same_root_where_it_is_ours(claw, listener, named):
    give_away(claw.home, uid=0)
    walk("status", claw, named, port=listener.port, lock=claw.lock)
    assert listener.visits
