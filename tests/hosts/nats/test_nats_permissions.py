"""With the configuration that is shipped the server itself refuses what a host or a deck may not do."""

from __future__ import annotations

import json
import socket
import subprocess
import threading

import pytest
from nats.js import api

from lockdeck.backend.hosts.nats.address import fleet_address
from lockdeck.backend.hosts.nats.bucket import FleetBucket
from lockdeck.backend.hosts.nats.link import INBOX
from lockdeck.backend.hosts.nats.server import NatsError, connected
from tests.hosts.nats.fleet import TellingHost, following_fleet, keys_of, telling
from tests.hosts.nats.secured import SecuredServer
from tests.hosts.nats.server import NatsServer, serving
from tests.unit.fleetdir import command, environment

HOST_INBOX = "_INBOX.lockdeck.host.beta"


@pytest.fixture
def secured(tmp_path):
    made = SecuredServer(tmp_path / "secured")
    with serving([made.server]):
        yield made


@pytest.fixture
def hosts(secured, tmp_path):
    """Both hosts, each with its own key."""
    pair = []
    for name in ("alpha", "beta"):
        host = TellingHost(tmp_path / name, name, secured.server.url, secured.env(name))
        host.fleet.session(f"agent:main:{name}")
        pair.append(host)
    with telling(*pair):
        yield pair


@pytest.fixture
def deck(secured, hosts, monkeypatch):
    """A deck that sees both."""
    for name, value in secured.env("deck").items():
        monkeypatch.setenv(name, value)
    with following_fleet(secured.server.url) as follower:
        follower.until_phases(alpha="live", beta="live")
        yield follower


def entering(secured, user, inbox):
    return connected(fleet_address(secured.server.url, "main"), inbox, secured.env(user))


async def refused(secured, user, inbox, work):
    """What the server says to a piece of work of a user."""
    async with entering(secured, user, inbox) as connection:
        try:
            await connection.do(work(connection.client))
        except NatsError as error:
            return str(error)
        return await connection.over


def test_hosts_and_decks_with_their_keys_get_on_over_tls(secured, deck, tmp_path):
    env = environment({"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}) | secured.env("deck")
    done = subprocess.run(
        command("status", "--nats", secured.server.url, "--json"),
        env=env,
        capture_output=True,
        timeout=60,
        check=False,
    )
    told = json.loads(done.stdout)
    assert [(row["host"], row["key"]) for row in told["sessions"]] == [
        ("alpha", "agent:main:alpha"),
        ("beta", "agent:main:beta"),
    ]
    assert done.returncode == 0


@pytest.mark.parametrize("key", ["state.alpha", "beat.alpha", "state.alpha.x", "state"])
async def test_a_host_can_not_write_the_key_of_another(secured, deck, key):
    async with entering(secured, "beta", HOST_INBOX) as connection:
        bucket = FleetBucket(connection, fleet_address(secured.server.url, "main"))
        with pytest.raises(NatsError, match=r"(?i)permissions violation for publish") as raised:
            await bucket.put(key, b"forged", None, first=True)
    assert f"$kv.lockdeck-main.{key}" in str(raised.value).lower()
    assert keys_of(deck.until_phases(alpha="live", beta="live")["alpha"]) == ["agent:main:alpha"]


def test_a_host_that_says_it_is_another_is_told_so(secured, deck, tmp_path):
    forger = TellingHost(tmp_path / "forger", "alpha", secured.server.url, secured.env("beta"))
    with telling(forger):
        assert "permissions violation" in forger.says("it is tried again").lower()
    assert keys_of(deck.until_phases(alpha="live", beta="live")["alpha"]) == ["agent:main:alpha"]


@pytest.mark.parametrize(
    "subject",
    [
        "$KV.lockdeck-main.state.alpha",
        "$KV.lockdeck-main.beat.alpha",
        "lockdeck.main.ask.operator.deck.alpha",
        "lockdeck.main.ask.admin.deck.alpha",
        "lockdeck.main.ask.viewer.ann.alpha",
        "lockdeck.main.ask.operator.ann.alpha",
        "_INBOX.lockdeck.asks.ann.x",
        "$JS.API.STREAM.CREATE.KV_lockdeck-main",
        "$JS.API.STREAM.UPDATE.KV_lockdeck-main",
        "$JS.API.STREAM.DELETE.KV_lockdeck-main",
        "$JS.API.STREAM.PURGE.KV_lockdeck-main",
        "$JS.API.STREAM.MSG.DELETE.KV_lockdeck-main",
        "$JS.API.CONSUMER.CREATE.KV_other",
    ],
)
async def test_a_deck_can_neither_write_nor_ask_for_more_than_it_may(secured, deck, subject):
    said = await refused(secured, "deck", INBOX, lambda client: client.request(subject, b"{}", timeout=30))
    assert f'permissions violation for publish to "{subject.lower()}"' in said.lower()


@pytest.mark.parametrize("user", ["beta", "deck"])
@pytest.mark.parametrize(
    "subject",
    [
        "$KV.lockdeck-main.>",
        "_INBOX.>",
        "_INBOX.lockdeck.asks.>",
        "_INBOX.lockdeck.asks.ann.>",
        "lockdeck.main.ask.*.*.alpha",
        "lockdeck.>",
        ">",
    ],
)
async def test_nobody_listens_to_what_is_for_others(secured, deck, user, subject):
    said = await refused(secured, user, HOST_INBOX, lambda client: client.subscribe(subject))
    assert "permissions violation for subscription" in said.lower()


@pytest.mark.parametrize(
    "subject",
    [
        "$JS.API.CONSUMER.CREATE.KV_lockdeck-main",
        "$JS.API.DIRECT.GET.KV_lockdeck-main",
        "lockdeck.main.ask.operator.ann.alpha",
        "lockdeck.main.ask.viewer.beta.alpha",
    ],
)
async def test_a_host_can_neither_read_the_bucket_nor_ask(secured, deck, subject):
    said = await refused(
        secured, "beta", HOST_INBOX, lambda client: client.request(subject, b"{}", timeout=30)
    )
    assert "permissions violation for publish" in said.lower()


async def test_a_deck_can_not_have_the_server_write_a_key_for_it(secured, deck):
    config = api.ConsumerConfig(
        deliver_subject="$KV.lockdeck-main.state.alpha", ack_policy=api.AckPolicy.NONE
    )
    said = await refused(
        secured, "deck", INBOX, lambda client: client.jsm().add_consumer("KV_lockdeck-main", config=config)
    )
    assert "cycle" in said


async def test_without_a_key_nobody_is_let_in(secured):
    env = {"NATS_CA": secured.env("deck")["NATS_CA"]}
    with pytest.raises(NatsError, match="does not let us in"):
        async with connected(fleet_address(secured.server.url, "main"), INBOX, env):
            pass


@pytest.mark.parametrize("scheme", ["tls", "nats"])
async def test_a_server_whose_certificate_nobody_vouches_for_is_not_spoken_with(secured, scheme):
    env = {"NATS_NKEY": secured.env("deck")["NATS_NKEY"]}
    url = f"{scheme}://127.0.0.1:{secured.server.port}"
    with pytest.raises(NatsError, match="certificate is not to be trusted"):
        async with connected(fleet_address(url, "main"), INBOX, env):
            pass


async def test_a_server_without_tls_is_told_no_password(secured):
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def pretend():
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b'INFO {"server_id":"x","version":"2.15.1","max_payload":1048576}\r\n')
                while piece := peer.recv(4096):
                    heard.append(piece)

        pretending = threading.Thread(target=pretend)
        pretending.start()
        address = fleet_address(f"tls://deck@127.0.0.1:{listener.getsockname()[1]}", "main")
        env = {"NATS_PASSWORD": "secret", "NATS_CA": secured.env("deck")["NATS_CA"]}
        with pytest.raises(NatsError, match="offers no TLS"):
            async with connected(address, INBOX, env):
                pass
        pretending.join(60)
    assert heard == []


async def test_a_password_comes_from_the_environment(tmp_path):
    guarded = NatsServer(tmp_path / "guarded", "--user", "deck", "--pass", "secret")
    with serving([guarded]):
        address = fleet_address(f"nats://deck@127.0.0.1:{guarded.port}", "main")
        async with connected(address, INBOX, {"NATS_PASSWORD": "secret"}) as connection:
            assert not connection.over.done()
        with pytest.raises(NatsError, match="does not let us in"):
            async with connected(address, INBOX, {"NATS_PASSWORD": "wrong"}):
                pass


@pytest.mark.parametrize(
    ("variable", "text", "fault"),
    [
        ("NATS_NKEY", None, "No such file"),
        ("NATS_NKEY", "nothing", "no such file as is meant"),
        ("NATS_CREDS", "nothing", "no such file as is meant"),
        ("NATS_CA", "nothing", "can't be used"),
    ],
)
async def test_files_that_are_none_are_named(tmp_path, variable, text, fault):
    file = tmp_path / "file"
    if text is not None:
        file.write_text(text)
    with pytest.raises(NatsError, match=fault) as raised:
        async with connected(fleet_address("nats://127.0.0.1:1", "main"), INBOX, {variable: str(file)}):
            pass
    assert variable in str(raised.value)
