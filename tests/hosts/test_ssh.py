"""Hosts behind a real sshd: `status` and `watch`, keys and roles, a cut cable, and the death of every part."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import contextmanager

import psutil
import pytest

from lockdeck.backend.hosts.address import ssh_address
from lockdeck.backend.hosts.link import SILENT_S
from lockdeck.backend.model.hosts import Phase
from tests.hosts.sshd import kill
from tests.unit.fleetdir import actor, command, dead_pid, environment, interrupt, payload
from tests.unit.hosts.following import following

BOTH = ("ssh://alpha", "ssh://beta")
BUSY_S = 4.0
"""A busy machine notices so much later."""


@pytest.fixture
def env(tmp_path):
    return environment({"HOME": str(tmp_path), "TMPDIR": str(tmp_path)})


def status(env, *addresses):
    code = "from lockdeck.backend.hosts import followed\nfollowed.LOOK_S = 300\n"
    words = command("status", *addresses, "--json")
    words[2] = code + words[2]
    done = subprocess.run(words, env=env, capture_output=True, timeout=300, check=False)
    return done.returncode, json.loads(done.stdout)


@contextmanager
def watching(env, *addresses):
    """`lockdeck watch` until the block ends, and what gives the next change that fits."""
    with subprocess.Popen(command("watch", *addresses, "--json"), env=env, stdout=subprocess.PIPE) as watch:

        def told(fits):
            for line in watch.stdout:
                if fits(change := json.loads(line)):
                    return change
            raise AssertionError("watch ended")

        try:
            yield watch, told
        finally:
            interrupt(watch)


def becomes(phase, host=None):
    return lambda change: (
        change["subject"] == "host"
        and change["host"]["phase"] == phase
        and host in (None, change["host"]["name"])
    )


def phases(told):
    return {host["name"]: host["phase"] for host in told["hosts"]}


def test_status_over_ssh_shows_each_host_as_it_sees_itself(hosts, env):
    hosts.alpha.fleet.session("agent:main:one")
    hosts.beta.fleet.session("agent:main:two")
    code, told = status(env, *BOTH)
    assert phases(told) == {"alpha": "live", "beta": "live"}
    assert [(row["host"], row["key"]) for row in told["sessions"]] == [
        ("alpha", "agent:main:one"),
        ("beta", "agent:main:two"),
    ]
    assert (code, told["locks"]) == (0, [])


def test_the_holder_of_a_lock_is_known_as_its_own_host_knows_it(hosts, env):
    lock = hosts.alpha.fleet.session("agent:main:one")
    with actor(hosts.alpha.machine.enter) as holder:
        holder.take(lock)
        _, told = status(env, *BOTH)
    (held,) = told["locks"]
    assert (held["host"], held["verdict"], held["pid"]) == ("alpha", "held", holder.pid)


def test_one_host_that_needs_a_person_is_enough(hosts, env):
    hosts.beta.fleet.session("agent:main:two").write_text(payload(dead_pid(), 1.0))
    code, told = status(env, *BOTH)
    assert code == 1
    assert [lock["host"] for lock in told["locks"]] == ["beta"]


def test_a_host_whose_key_is_another_is_not_spoken_with(hosts, env):
    known = hosts.deck.known_hosts.read_text().splitlines()
    keys = [line.split()[1:] for line in known]
    swapped = [f"{line.split()[0]} {' '.join(key)}\n" for line, key in zip(known, keys[::-1], strict=True)]
    hosts.deck.known_hosts.write_text("".join(swapped))
    code, told = status(env, *BOTH)
    assert code == 1
    assert phases(told) == {"alpha": "lost", "beta": "lost"}
    assert all("verification failed" in host["problem"] for host in told["hosts"])


def test_a_host_that_lets_nobody_in_says_so_without_asking_for_a_password(hosts, env):
    hosts.beta.keys.write_text("")
    code, told = status(env, *BOTH)
    assert code == 1
    assert phases(told) == {"alpha": "live", "beta": "lost"}
    assert "Permission denied" in told["hosts"][1]["problem"]


def test_a_key_that_is_bound_to_the_viewer_runs_nothing_else(hosts, env, tmp_path):
    hosts.alpha.fleet.session("agent:main:one")
    hosts.deck.admit(hosts.alpha, "onlooker", forced="lockdeck serve --stdio --role viewer")
    mark = tmp_path / "mark"
    words = ("ssh", "-T", "-o", "BatchMode=yes", "onlooker", f"touch {mark}")
    subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    code, told = status(env, "ssh://onlooker")
    assert not mark.exists()
    assert (code, phases(told), told["hosts"][0]["role"]) == (0, {"onlooker": "live"}, "viewer")


def test_a_cut_cable_is_noticed_and_what_happened_meanwhile_is_told(cable, env):
    lock = cable.alpha.fleet.session("agent:main:one")
    with watching(env, *BOTH) as (_, told), actor(cable.alpha.machine.enter) as holder:
        seen = {told(becomes("live"))["host"]["name"] for _ in BOTH}
        assert seen == {"alpha", "beta"}
        cable.alpha.machine.plug("down")
        cut = time.monotonic()
        lost = told(becomes("lost"))
        noticed_s = time.monotonic() - cut
        print(f"a cut cable was noticed after {noticed_s:.1f} s: {lost['host']['problem']}")
        assert lost["host"]["name"] == "alpha"
        assert noticed_s < SILENT_S + BUSY_S
        holder.take(lock)
        cable.alpha.machine.plug("up")
        back = time.monotonic()
        told(becomes("live", "alpha"))
        print(f"it was back {time.monotonic() - back:.1f} s after the cable")
        change = told(lambda change: change["subject"] == "lock")
        assert (change["onHost"], change["lock"]["pid"]) == ("alpha", holder.pid)


def test_status_on_a_cut_cable_is_not_green(cable, env):
    cable.beta.machine.plug("down")
    code, told = status(env, *BOTH)
    assert (code, phases(told)) == (1, {"alpha": "live", "beta": "lost"})


def clients():
    return [each for each in psutil.Process().children(recursive=True) if each.name() == "ssh"]


VICTIMS = {
    "the agent": lambda host: host.agents(),
    "its session of sshd": lambda host: [agent.parent() for agent in host.agents()],
    "the client": lambda host: clients(),
}


@pytest.mark.parametrize("victim", VICTIMS)
def test_whatever_part_is_killed_the_host_is_lost_and_then_live_again(hosts, victim):
    host = hosts.alpha
    host.fleet.session("agent:main:one")
    with following(ssh_address("ssh://alpha")) as follower:
        follower.until(lambda state: state.phase is Phase.LIVE)
        agents = host.agents()
        assert len(agents) == 1
        kill(VICTIMS[victim](host))
        lost = follower.until(lambda state: state.phase is Phase.LOST)
        assert [view.key for view in lost.snapshot.sessions] == ["agent:main:one"]
        assert lost.problem
        follower.until(lambda state: state.phase is Phase.LIVE)
        assert not psutil.wait_procs(agents, timeout=60)[1]
    assert not psutil.wait_procs(host.agents(), timeout=60)[1]


def test_a_client_whose_supervisor_is_killed_goes_on_and_ends_with_the_deck(hosts):
    lock = hosts.alpha.fleet.session("agent:main:one")
    with following(ssh_address("ssh://alpha")) as follower, actor(hosts.alpha.machine.enter) as holder:
        follower.until(lambda state: state.phase is Phase.LIVE)
        left = [*clients(), *hosts.alpha.agents()]
        kill([client.parent() for client in clients()])
        holder.take(lock)
        follower.until(lambda state: state.snapshot.locks)
    assert not psutil.wait_procs(left, timeout=60)[1]


def test_an_sshd_that_is_killed_with_all_it_runs_is_found_again(hosts):
    with following(ssh_address("ssh://alpha")) as follower:
        follower.until(lambda state: state.phase is Phase.LIVE)
        hosts.alpha.stop()
        follower.until(lambda state: state.phase is Phase.LOST)
        hosts.alpha.start()
        follower.until(lambda state: state.phase is Phase.LIVE)


def test_a_deck_that_is_killed_leaves_nothing_on_the_host(hosts, env):
    with watching(env, *BOTH) as (watch, told):
        for _ in BOTH:
            told(becomes("live"))
        agents = [*hosts.alpha.agents(), *hosts.beta.agents()]
        assert len(agents) == 2
        os.kill(watch.pid, 9)
        assert not psutil.wait_procs(agents, timeout=60)[1]
