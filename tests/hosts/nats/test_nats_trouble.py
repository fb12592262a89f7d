"""A server that restarts, a cluster that loses one, a partition: a deck says what it knows and since when."""

from __future__ import annotations

import subprocess
import time

import pytest

from lockdeck.backend.hosts.followed import LOOK_S
from lockdeck.backend.hosts.nats.address import fleet_address
from lockdeck.backend.hosts.nats.server import connected
from tests.hosts.nats.fleet import TellingHost, following_fleet, keys_of, telling
from tests.hosts.nats.server import cluster_of, serving
from tests.unit.fleetdir import actor, command, environment

pytestmark = pytest.mark.timeout(400)
BUSY_S = 20.0
"""So much later a busy machine may be done."""


@pytest.fixture
def env(tmp_path):
    return environment({"HOME": str(tmp_path), "TMPDIR": str(tmp_path)})


@pytest.fixture
def cluster(tmp_path):
    """Three servers that are one."""
    servers = cluster_of(tmp_path)
    with serving(servers):
        yield servers


@pytest.fixture
def everywhere(cluster):
    return ",".join(server.url for server in cluster)


@pytest.fixture
def gamma(everywhere, tmp_path):
    """A host that knows all servers of the cluster."""
    host = TellingHost(tmp_path / "gamma", "gamma", everywhere)
    host.fleet.session("agent:main:three")
    return host


def test_a_server_that_restarts_is_found_again_with_what_happened_meanwhile(server, alpha):
    lock = alpha.fleet.session("agent:main:two")
    with telling(alpha), following_fleet(server.url) as deck, actor() as holder:
        deck.until_phases(alpha="live")
        server.kill()
        lost = deck.until_phases(alpha="lost")["alpha"]
        deck.until(lambda states: "connection refused" in (states["alpha"].problem or ""))
        assert len(keys_of(lost)) == 2
        assert lost.heard_at is not None
        holder.take(lock)
        server.start()
        states = deck.until_phases(alpha="live")
        deck.until(lambda states: states["alpha"].snapshot.locks)
        assert states["alpha"].problem is None


def test_a_host_waits_for_a_server_that_is_not_there_yet(server, alpha):
    server.stop()
    with telling(alpha):
        assert "connection refused" in alpha.says("it is tried again")
        server.start()
        alpha.says("fleet main is told again")
        with following_fleet(server.url) as deck:
            deck.until_phases(alpha="live")


@pytest.mark.parametrize("trouble", ["kill", "pause"])
def test_status_says_within_its_time_that_the_server_is_gone(server, env, trouble):
    getattr(server, trouble)()
    began = time.monotonic()
    done = subprocess.run(
        command("status", "--nats", server.url), env=env, capture_output=True, timeout=120, check=False
    )
    took_s = time.monotonic() - began
    print(f"status was done after {took_s:.1f} s")
    assert done.returncode == 1
    assert server.url.encode() in done.stdout
    assert b"lost" in done.stdout
    assert took_s < LOOK_S + BUSY_S


def test_a_server_that_stands_still_is_noticed_and_found_again(server, alpha):
    with telling(alpha), following_fleet(server.url) as deck:
        deck.until_phases(alpha="live")
        server.pause()
        began = time.monotonic()
        lost = deck.until_phases(alpha="lost")["alpha"]
        print(
            f"a server that stands still was noticed after {time.monotonic() - began:.1f} s: {lost.problem}"
        )
        assert time.monotonic() - began < 6 + BUSY_S
        server.go_on()
        deck.until_phases(alpha="live")


def test_a_host_that_ends_while_the_server_is_away_ends_all_the_same(server, alpha):
    with telling(alpha), following_fleet(server.url) as deck:
        deck.until_phases(alpha="live")
        server.pause()
        began = time.monotonic()
        assert alpha.stop() == 0
        assert time.monotonic() - began < 15 + BUSY_S


@pytest.mark.parametrize("trouble", ["kill", "pause"])
def test_a_cluster_of_three_that_loses_one_goes_on(cluster, everywhere, gamma, trouble):
    lock = gamma.fleet.session("agent:main:four")
    with telling(gamma), following_fleet(everywhere) as deck, actor() as holder:
        deck.until_phases(gamma="live")
        for lost in cluster:
            getattr(lost, trouble)()
            holder.take(lock)
            deck.until(lambda states: states["gamma"].phase == "live" and states["gamma"].snapshot.locks)
            lost.kill() if trouble == "pause" else None
            lost.start()
            holder.release(lock)
            deck.until(lambda states: states["gamma"].phase == "live" and not states["gamma"].snapshot.locks)


def test_a_part_of_a_cluster_without_a_quorum_shows_nothing_as_live(cluster, everywhere, gamma, env):
    with telling(gamma), following_fleet(cluster[0].url) as minority:
        minority.until_phases(gamma="live")
        for other in cluster[1:]:
            other.pause()
        lost = minority.until_phases(gamma="lost")["gamma"]
        assert keys_of(lost) == ["agent:main:three"]
        done = subprocess.run(
            command("status", "--nats", cluster[0].url),
            env=env,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 1
        assert b"  live" not in done.stdout
        for other in cluster[1:]:
            other.go_on()
        minority.until_phases(gamma="live")


async def removed(server, host):
    """Do what `nats kv purge lockdeck-main state.HOST` does."""
    async with connected(fleet_address(server.url, "main"), "_INBOX.test", {}) as connection:
        bucket = await connection.client.jetstream().key_value("lockdeck-main")
        await bucket.purge(f"state.{host}")


async def test_a_host_that_is_removed_while_it_is_watched_is_gone_and_comes_back_when_it_tells_again(
    server, alpha, beta
):
    with telling(alpha, beta), following_fleet(server.url) as deck:
        deck.until_phases(alpha="live", beta="live")
        beta.kill()
        deck.until_phases(alpha="live", beta="lost")
        await removed(server, "beta")
        deck.until_phases(alpha="live")
        beta.start()
        deck.until_phases(alpha="live", beta="live")


async def test_a_host_that_is_removed_while_it_tells_ends_for_its_supervisor_to_start_it_anew(server, alpha):
    lock = alpha.fleet.session("agent:main:two")
    with telling(alpha), following_fleet(server.url) as deck, actor() as holder:
        deck.until_phases(alpha="live")
        await removed(server, "alpha")
        holder.take(lock)
        alpha.says("another lockdeck writes as alpha")
        assert alpha.process.wait(60) == 2
        alpha.start()
        deck.until_phases(alpha="live")
