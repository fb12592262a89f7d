"""A root of another owner is looked at and judged; nothing of ours is used for it, on no way in."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import threading
import time

import pytest

from lockdeck.backend.openclaw.gateway.device import own_device
from tests.secondowner import UID, give_away, needs_root
from tests.unit.cli.waysin import ACTS, EVERY_WAY, KEY, dashboard, invoke, walk
from tests.unit.fleetdir import FleetDir, dead_pid, iso, lockdeck, payload

pytestmark = needs_root
SECRET = "wJalrXUtnFEMI-our-own-secret"


class Listener:
    """A port that keeps everything it is sent, and how often anybody came."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.visits = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.visits.append(connection)
            with connection:
                connection.settimeout(0.5)
                try:
                    self.visits[-1] = connection.recv(65536)
                except OSError:
                    continue

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def home(tmp_path):
    """Our own home, with a root of ours: a private config with a token, and a paired device."""
    (tmp_path / "ours").mkdir()
    ours = FleetDir(tmp_path / "ours")
    ours.config(gateway={"auth": {"mode": "token", "token": SECRET}})
    (ours.root / "openclaw.json").chmod(0o600)
    (ours.root / "identity").mkdir(mode=0o700)
    (ours.root / "identity" / "device-auth.json").write_text(
        json.dumps({"tokens": {"operator": {"token": SECRET}}})
    )
    programs = ours.home / "bin"
    programs.mkdir()
    (programs / "openclaw").write_text(f"#!/bin/sh\nenv >> {ours.home}/ran\necho '{{}}'\n")
    (programs / "openclaw").chmod(0o755)
    ours.env |= {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "OPENCLAW_GATEWAY_TOKEN": SECRET,
    }
    return ours


@pytest.fixture
def claw(tmp_path):
    """The root of another owner, with a session whose lock is left behind by a process that is gone."""
    (tmp_path / "claw").mkdir()
    root = FleetDir(tmp_path / "claw")
    root.lock = root.session(KEY)
    root.lock.write_text(payload(dead_pid()))
    return root


def gateway(port, **auth):
    return {"port": port, "auth": {"mode": "token", **auth}}


def environment_value(claw, home, port):
    claw.config(gateway=gateway(port, token="${AWS_SECRET_ACCESS_KEY}"))


def openclaws_own_value(claw, home, port):
    claw.config(gateway=gateway(port, token="${OPENCLAW_GATEWAY_TOKEN}"))


def linked_config(claw, home, port):
    (claw.root / "openclaw.json").symlink_to(home.root / "openclaw.json")
    home.config(gateway=gateway(port, token=SECRET))


def included_config(claw, home, port):
    (claw.root / "part.json").symlink_to(home.root / "openclaw.json")
    claw.config(**{"$include": "part.json"}, gateway={"port": port})


def linked_identity(claw, home, port):
    (claw.root / "identity").symlink_to(home.root / "identity")
    claw.config(gateway={"port": port})


def secret_by_command(claw, home, port):
    claw.config(gateway=gateway(port, token={"source": "exec", "provider": "x", "id": "y"}))


def no_credential_needed(claw, home, port):
    claw.config(gateway={"port": port, "auth": {"mode": "none"}})


VARIANTS = (
    environment_value,
    openclaws_own_value,
    linked_config,
    included_config,
    linked_identity,
    secret_by_command,
    no_credential_needed,
)


ASKING = {way for way in EVERY_WAY if way != "explain" and not way.startswith("release")}
"""Ways in by which a gateway is asked."""


def to_sqlite(root):
    folder = root.root / "agents" / "main" / "agent"
    folder.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(folder / "openclaw-agent.sqlite") as database:
        database.execute("CREATE TABLE session_nodes (session_key TEXT)")
    database.close()


@pytest.mark.parametrize("era", ["files", "sqlite"])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.__name__)
def test_nothing_of_ours_reaches_the_gateway_or_a_command_of_another_owners_root(
    claw, home, listener, variant, era
):
    variant(claw, home, listener.port)
    if era == "sqlite":
        to_sqlite(claw)
    give_away(claw.home)
    before = claw.lock.read_bytes()
    for way in EVERY_WAY:
        answer = walk(way, claw, home.env, port=listener.port, lock=claw.lock)
        assert SECRET not in answer.text, way
        assert (listener.visits, claw.lock.read_bytes()) == ([], before), way
        # Of a database nobody but the gateway knows the sessions: there is none to cancel.
        unknown = era == "sqlite" and way.startswith("cancel")
        if way != "explain" and "read-only mode" not in answer.text:
            assert ("no session" if unknown else f"belongs to uid {UID}") in answer.text, way
        if way in ACTS:
            assert answer.code == (2 if unknown else 3), way
    for answer in (dashboard(claw, home.env), invoke("journal", env=home.env)):
        assert SECRET not in answer.text
    assert listener.visits == []
    assert not (home.home / "ran").exists()


@pytest.mark.parametrize("way", sorted(ASKING))
def test_the_same_config_in_a_root_of_ours_does_reach_its_gateway_by_each_way(claw, home, listener, way):
    environment_value(claw, home, listener.port)
    to_sqlite(claw)
    walk(way, claw, home.env, port=listener.port, lock=claw.lock)
    assert listener.visits


def test_what_the_dashboard_looks_with_reaches_the_gateway_of_a_root_of_ours_and_no_other(
    claw, home, listener
):
    environment_value(claw, home, listener.port)
    to_sqlite(claw)
    give_away(claw.home)
    (root,) = json.loads(dashboard(claw, home.env).text)["roots"]
    assert (listener.visits, root["ours"]) == ([], False)
    assert "read" not in [source["state"] for source in root["sources"] if source["kind"] == "gateway"]
    give_away(claw.home, uid=0)
    dashboard(claw, home.env)
    assert listener.visits


@pytest.mark.parametrize("words", [("release",), ("release", "--dry-run"), ("release", "--read-only")])
def test_a_lock_of_another_owners_root_is_judged_and_never_released(claw, home, words):
    claw.config()
    give_away(claw.home)
    status = json.loads(lockdeck("status", "--json", claw.root, env=home.env).stdout)
    (lock,) = status["locks"]
    assert (lock["verdict"], status["roots"][0]["ours"], status["roots"][0]["owner"]) == (
        "dead",
        False,
        {"uid": UID, "name": str(UID)},
    )
    done = lockdeck(*words, claw.lock, "--release-id", lock["releaseId"], "--json", env=home.env)
    assert done.returncode == 3
    assert claw.lock.exists()
    if words != ("release", "--read-only"):
        assert f'trusted_owner = \\"{UID}\\"'.encode() in done.stdout


def test_a_cancel_in_another_owners_root_is_refused_with_the_lines_that_would_vouch(claw, home):
    claw.config()
    give_away(claw.home)
    done = lockdeck("cancel", KEY, "--root", claw.root, "--json", env=home.env)
    assert done.returncode == 3
    sentences = json.dumps(json.loads(done.stdout))
    for line in (f"belongs to uid {UID}", f"--trust-owner {UID}", "[[roots]]", f"sudo -u '#{UID}' lockdeck"):
        assert line in sentences


def test_who_is_vouched_for_is_acted_for_but_gets_no_value_of_our_environment(claw, home, listener):
    environment_value(claw, home, listener.port)
    to_sqlite(claw)
    give_away(claw.home)
    done = lockdeck("status", "--trust-owner", UID, claw.root, env=home.env)
    assert b"belongs to" not in done.stdout
    assert listener.visits == []  # the value is not ours to give, so there is no credential
    claw.config(gateway=gateway(listener.port, token="claws-own"))
    give_away(claw.home)
    settings = home.home / "vouched.toml"
    settings.write_text(f'[[roots]]\npath = "{claw.root}"\ntrusted_owner = {UID}\n')
    lockdeck("status", "--config", settings, env=home.env)
    assert listener.visits


def test_the_log_of_another_owners_gateway_is_read_where_that_owner_has_it(claw, home):
    claw.config()
    folder = home.home / "tmp" / f"openclaw-{UID}"
    folder.mkdir(mode=0o700)
    now = time.time()
    line = f'lane task error: lane=session:{KEY} durationMs=1 error="Error: session file locked (timeout 10000ms): pid=1 {claw.lock}"'
    record = {
        "0": '{"subsystem":"diagnostic"}',
        "1": line,
        "time": iso(now),
        "_meta": {"logLevelName": "ERROR"},
    }
    (folder / f"openclaw-{time.strftime('%Y-%m-%d')}.log").write_text(json.dumps(record) + "\n")
    give_away(claw.home, folder)
    status = json.loads(lockdeck("status", "--json", claw.root, env=home.env).stdout)
    assert status["sessions"][0]["blocked"]["count"] == 1


@pytest.mark.parametrize("uid", [0, UID])
def test_in_a_root_that_is_vouched_for_root_releases_locks_of_its_own_and_of_the_owner(claw, home, uid):
    claw.config()
    give_away(claw.home)
    os.chown(claw.lock, uid, uid)
    settings = home.home / "vouched.toml"
    settings.write_text(f'[[roots]]\npath = "{claw.root}"\ntrusted_owner = {UID}\nown_namespace = true\n')
    status = json.loads(lockdeck("status", "--json", "--config", settings, env=home.env).stdout)
    (lock,) = status["locks"]
    words = ("release", claw.lock, "--release-id", lock["releaseId"], "--watch", "0", "--config", settings)
    done = lockdeck(*words, env=home.env)
    assert done.returncode == 0, done.stdout
    assert not claw.lock.exists()
    journal = (home.home / "lockdeck-state" / "journal.jsonl").read_text()
    assert f'"trustedOwners": [{UID}]' in journal


@pytest.mark.parametrize("how", [".env", "env"])
def test_another_owners_config_gets_its_own_variables_and_none_of_ours(claw, home, how):
    ours, theirs = home.home / "stores", claw.home / "stores"
    for folder, key in ((ours, "agent:main:ours"), (theirs, "agent:main:theirs")):
        (folder / "main").mkdir(parents=True)
        claw.session(key, folder / "main" / "sessions.json")
    store = {"session": {"store": "${OC_DATA}/{agentId}/sessions.json"}}
    claw.config(**store)
    give_away(claw.home)
    env = {**home.env, "OC_DATA": str(ours)}
    status = json.loads(lockdeck("status", "--json", claw.root, env=env).stdout)
    assert "agent:main:ours" not in json.dumps(status)
    assert status["roots"][0]["unseen"]
    if how == ".env":
        (claw.root / ".env").write_text(f"OC_DATA={theirs}\n")
    else:
        claw.config(**store, env={"vars": {"OC_DATA": str(theirs)}})
    give_away(claw.home)
    status = json.loads(lockdeck("status", "--json", claw.root, env=env).stdout)
    assert "agent:main:theirs" in {session["key"] for session in status["sessions"]}
    assert not status["roots"][0]["unseen"]


@pytest.mark.parametrize("linked", ["agents", "agents/main", "agents/main/sessions", "store"])
def test_no_link_of_another_owners_root_is_followed_and_what_is_behind_it_is_unseen(claw, home, linked):
    claw.config()
    home.session("agent:main:private")
    outside = home.root / "agents"
    path = claw.root / ("agents/main/sessions/sessions.json" if linked == "store" else linked)
    target = outside / path.relative_to(claw.root / "agents")
    path.rename(path.with_name("before"))
    path.symlink_to(target)
    give_away(claw.home)
    status = json.loads(lockdeck("status", "--json", claw.root, env=home.env).stdout)
    assert "agent:main:private" not in json.dumps(status)
    assert status["roots"][0]["unseen"]
    assert any("link" in problem for problem in status["roots"][0]["problems"])


def test_a_root_of_ours_whose_config_others_may_write_is_only_looked_at(claw, home, listener):
    environment_value(claw, home, listener.port)
    to_sqlite(claw)
    (claw.root / "openclaw.json").chmod(0o666)
    status = json.loads(lockdeck("status", "--json", claw.root, env=home.env).stdout)
    assert not status["roots"][0]["ours"]
    assert listener.visits == []


@pytest.mark.parametrize("change", [lambda path: path.chmod(0o777), lambda path: os.chown(path, UID, UID)])
def test_a_sessions_directory_that_is_anothers_is_said_and_no_lock_in_it_is_released(claw, home, change):
    claw.config()
    change(claw.sessions())
    status = json.loads(lockdeck("status", "--json", claw.root, env=home.env).stdout)
    assert status["roots"][0]["ours"]
    assert any(str(claw.sessions()) in problem for problem in status["roots"][0]["problems"])
    (lock,) = status["locks"]
    for words in (
        ("release", claw.lock, "--release-id", lock["releaseId"]),
        ("cancel", KEY, "--root", claw.root),
    ):
        assert lockdeck(*words, env=home.env).returncode == 3
    assert claw.lock.exists()


def test_a_configuration_of_lockdeck_that_is_anothers_is_refused(home):
    settings = home.home / "theirs.toml"
    settings.write_text("read_only = true\n")
    os.chown(settings, UID, UID)
    done = lockdeck("status", "--config", settings, home.root, env=home.env)
    assert done.returncode == 2
    assert b"must be yours" in done.stderr


@pytest.mark.parametrize(
    "words", [("status", "--trust-owner", "no-such-account"), ("status", "--config", "bad.toml")]
)
def test_an_account_that_does_not_exist_is_wrong_use(home, words):
    (home.home / "bad.toml").write_text('[[roots]]\npath = "/x"\ntrusted_owner = "no-such-account"\n')
    done = lockdeck(*words, env=home.env, cwd=home.home)
    assert done.returncode == 2
    assert b"no account of this machine" in done.stderr


def test_an_account_of_our_state_folder_that_is_anothers_gets_no_device_key(tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    give_away(folder)
    with pytest.raises(Exception, match="belongs to"):
        own_device(str(folder))
    assert list(folder.iterdir()) == []
