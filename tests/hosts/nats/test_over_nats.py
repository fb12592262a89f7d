"""A fleet on a real nats-server: what its hosts tell is what decks see, and what no longer tells is never green."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from lockdeck.backend.hosts.nats.entries import MOST_MESSAGES
from tests.hosts.nats.fleet import TellingHost, following_fleet, keys_of, patient, telling
from tests.unit.fleetdir import actor, command, dead_pid, environment, interrupt, payload


@pytest.fixture
def env(tmp_path):
    return environment({"HOME": str(tmp_path), "TMPDIR": str(tmp_path)})


def status(env, url, *options):
    return patient("status", "--nats", url, *options, env=env)


def seen(env, url):
    done = status(env, url, "--json")
    return done.returncode, json.loads(done.stdout)


def test_status_shows_every_host_as_over_ssh(server, alpha, beta, env):
    with telling(alpha, beta), following_fleet(server.url) as deck:
        deck.until_phases(alpha="live", beta="live")
        code, told = seen(env, server.url)
    assert [(row["host"], row["key"]) for row in told["sessions"]] == [
        ("alpha", "agent:main:one"),
        ("beta", "agent:main:two"),
    ]
    assert [(host["name"], host["phase"], host["role"]) for host in told["hosts"]] == [
        ("alpha", "live", "viewer"),
        ("beta", "live", "viewer"),
    ]
    assert code == 0


def test_a_host_that_needs_a_person_is_told(server, alpha, beta, env):
    beta.fleet.session("agent:main:two").write_text(payload(dead_pid(), 1.0))
    with telling(alpha, beta), following_fleet(server.url) as deck:
        deck.until_phases(alpha="live", beta="live")
        code, told = seen(env, server.url)
    assert (code, [lock["host"] for lock in told["locks"]]) == (1, ["beta"])


def test_every_change_comes_also_those_that_a_late_deck_missed(server, alpha):
    lock = alpha.fleet.session("agent:main:two")
    took = []
    with telling(alpha), following_fleet(server.url) as deck, actor() as holder:
        deck.until_phases(alpha="live")
        for _ in range(40):
            began = time.monotonic()
            holder.take(lock)
            states = deck.until(lambda states: states["alpha"].snapshot.locks)
            took.append(time.monotonic() - began)
            assert states["alpha"].snapshot.locks[0].judgement.holder.pid == holder.pid
            holder.release(lock)
            deck.until(lambda states: not states["alpha"].snapshot.locks)
        # More than a key has places for: the picture was written anew meanwhile.
        assert 2 * len(took) > MOST_MESSAGES
        holder.take(lock)
        with following_fleet(server.url) as late:
            states = late.until_phases(alpha="live")
            assert keys_of(states["alpha"]) == keys_of(deck.until_phases(alpha="live")["alpha"])
            late.until(lambda states: states["alpha"].snapshot.locks)
    took.sort()
    print(f"a lock was seen after {1000 * took[20]:.0f} ms (median), {1000 * took[-1]:.0f} ms at most")


def test_a_host_that_is_killed_expires_and_is_unseen(server, alpha, beta, env):
    with telling(alpha, beta), following_fleet(server.url) as deck:
        deck.until_phases(alpha="live", beta="live")
        alpha.kill()
        lost = deck.until_phases(alpha="lost", beta="live")["alpha"]
        assert lost.problem == "no sign of life came of it for 6 s"
        assert keys_of(lost) == ["agent:main:one"]
        code, told = seen(env, server.url)
        assert (code, [host["phase"] for host in told["hosts"]]) == (1, ["lost", "live"])
        line = status(env, server.url).stdout.decode().splitlines()[0]
        assert "host alpha  lost" in line
        assert "not seen since" in line
        alpha.start()
        deck.until_phases(alpha="live", beta="live")


def test_a_fleet_of_which_all_are_dead_is_unseen(server, alpha, env):
    with telling(alpha), following_fleet(server.url) as deck:
        deck.until_phases(alpha="live")
    code, told = seen(env, server.url)
    assert (code, [host["phase"] for host in told["hosts"]]) == (1, ["lost"])
    assert "nothing was heard of any host" in told["hosts"][0]["problem"]


def test_a_host_that_is_ended_takes_its_leave(server, alpha):
    with telling(alpha), following_fleet(server.url) as deck:
        deck.until_phases(alpha="live")
        assert alpha.stop() == 0
        lost = deck.until_phases(alpha="lost")["alpha"]
    assert lost.problem == "lockdeck was ended there"


def test_two_hosts_of_one_name_are_not_told_as_one(server, alpha, tmp_path):
    other = TellingHost(tmp_path / "other", "alpha", server.url)
    other.fleet.session("agent:main:other")
    with telling(alpha), following_fleet(server.url) as deck:
        deck.until_phases(alpha="live")
        with telling(other):
            alpha.says("another lockdeck writes as alpha into fleet main")
            assert alpha.process.wait(60) == 2
            states = deck.until(lambda states: "agent:main:other" in keys_of(states["alpha"]))
            assert keys_of(states["alpha"]) == ["agent:main:other"]


def test_a_fleet_that_nobody_has_told_is_not_green(server, env):
    code, told = seen(env, server.url)
    assert code == 1
    assert "there is no fleet main" in told["hosts"][0]["problem"]


def test_watch_tells_what_happens_and_what_becomes_of_a_host(server, alpha, env):
    lock = alpha.fleet.session("agent:main:two")
    words = command("watch", "--nats", server.url, "--json")
    with (
        telling(alpha),
        subprocess.Popen(words, env=env, stdout=subprocess.PIPE) as watch,
        actor() as holder,
    ):

        def told(fits):
            for line in watch.stdout:
                if fits(change := json.loads(line)):
                    return change
            raise AssertionError("watch ended")

        def becomes(phase):
            return lambda change: change["subject"] == "host" and change["host"]["phase"] == phase

        told(becomes("live"))
        holder.take(lock)
        change = told(lambda change: change["subject"] == "lock")
        assert (change["onHost"], change["lock"]["pid"]) == ("alpha", holder.pid)
        alpha.kill()
        told(becomes("lost"))
        interrupt(watch)
        watch.communicate(timeout=60)
    assert watch.returncode == 130


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("status", "--nats", "nats://deck:secret@127.0.0.1"), "NATS_PASSWORD"),
        (("status", "--nats", "nats://127.0.0.1", "ssh://alpha"), "leave roots and other hosts out"),
        (("serve", "--nats", "nats://127.0.0.1", "--stdio"), "name one way to serve"),
        (("serve", "--nats", "nats://127.0.0.1", "--as", "a b"), "can't be the name of a host"),
    ],
)
def test_wrong_use_says_what_is_wrong(alpha, env, words, fault):
    done = subprocess.run(
        command(*words), env=env | alpha.fleet.env, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert fault in done.stderr.decode()


def test_without_the_extra_the_way_out_is_said(alpha, env):
    words = command("status", "--nats", "nats://127.0.0.1")
    words[2] = "import sys\nsys.modules['nats'] = None\n" + words[2]
    done = subprocess.run(words, env=env, capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert b"pip install 'lockdeck[nats]'" in done.stderr
