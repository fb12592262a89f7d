"""`lockdeck status` on several hosts, over real pipes."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import pytest

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.system.procfs import LINUX
from tests.folders import DOCS
from tests.unit.fleetdir import (
    OWN_PROCESSES,
    FleetDir,
    actor,
    command,
    dead_pid,
    environment,
    interrupt,
    payload,
    running_below,
)
from tests.unit.hosts.following import hosts_file, saying, served

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")


@pytest.fixture
def fleets(tmp_path):
    for name in ("alpha", "beta"):
        (tmp_path / name).mkdir()
    return FleetDir(tmp_path / "alpha"), FleetDir(tmp_path / "beta")


@pytest.fixture
def home(tmp_path):
    return {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}


def run(*words, env):
    """Run the command line with all the patience that a busy machine needs."""
    code = f"{OWN_PROCESSES}\nfrom lockdeck.backend.hosts import followed, link\n"
    code += "followed.LOOK_S = link.CONNECT_S = link.SILENT_S = 300\n"
    code += "from lockdeck.tui.entry import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], env=environment(env), capture_output=True, timeout=300
    )


def status(home, hosts, *options):
    return run("status", "--hosts", hosts, *options, env=home)


def test_the_rows_of_all_hosts_are_one_fleet_and_say_whose_they_are(fleets, tmp_path, home):
    for fleet, key in zip(fleets, ("agent:main:one", "agent:main:two"), strict=True):
        fleet.session(key)
    file = hosts_file(tmp_path / "hosts.toml", [served(f, name=n) for f, n in zip(fleets, "ab", strict=True)])
    done = status(home, file, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert [(row["host"], row["key"]) for row in told["sessions"]] == [
        ("a", "agent:main:one"),
        ("b", "agent:main:two"),
    ]
    assert [(host["name"], host["phase"]) for host in told["hosts"]] == [("a", "live"), ("b", "live")]
    assert told["summary"]["sessions"]["total"] == 2
    assert not told["summary"]["needsPerson"]
    jsonschema.validate(told, json.loads((DOCS / "status.schema.json").read_text()))


def test_a_host_that_needs_a_person_makes_the_whole_need_one(fleets, tmp_path, home):
    lock = fleets[1].session("agent:main:two")
    lock.write_text(payload(dead_pid(), 1.0))
    file = hosts_file(tmp_path / "hosts.toml", [served(f, name=n) for f, n in zip(fleets, "ab", strict=True)])
    done = status(home, file)
    text = done.stdout.decode()
    assert done.returncode == 1
    assert text.index("host a  live") < text.index("host b  live") < text.index(str(lock))


@pytest.mark.parametrize("form", ["table", "json", "markdown", "names", "wide"])
def test_a_host_that_can_not_be_reached_is_never_green(fleets, tmp_path, home, form):
    fleets[0].session("agent:main:one")
    lost = saying(then="print('no route to host', file=sys.stderr); sys.exit(255)")
    hosts = [served(fleets[0], name="a"), HostAddress("b", lost.command)]
    done = status(home, hosts_file(tmp_path / "hosts.toml", hosts), "--format", form)
    assert done.returncode == 1
    assert b"agent:main:one" in done.stdout or form in ("table", "markdown")
    if form != "names":
        assert b"no route to host" in done.stdout


def test_what_an_unknown_host_says_can_not_act_on_the_terminal(tmp_path, home):
    rude = saying(then="print('\\x1b]0;owned\\x07', file=sys.stderr); sys.exit(255)")
    done = status(home, hosts_file(tmp_path / "hosts.toml", [rude]))
    assert b"\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[hosts]]\nname = 'a'\n", "command is missing"),
        ("[[hosts]]\ncommand = ['x']\n", "name is missing"),
        ("[[hosts]]\nname = 'a'\ncommand = []\n", "begins with nothing"),
        ("[[hosts]]\nname = 'a'\ncommand = 'ssh a'\n", "must be a list of strings"),
        ("[[hosts]]\nname = 'a'\ncommand = ['x']\n" * 2, "a second time"),
        ("hosts = 3\n", "must be tables"),
        ("theme = 'dark'\n", "holds [[hosts]] tables, not theme"),
        ("", "holds [[hosts]] tables"),
    ],
)
def test_a_file_of_hosts_that_is_wrong_says_where_and_what(tmp_path, home, text, fault):
    file = tmp_path / "hosts.toml"
    file.write_text(text)
    done = status(home, file)
    assert done.returncode == 2
    assert fault in done.stderr.decode()
    assert str(file) in done.stderr.decode()


def test_an_address_that_is_none_is_wrong_use(home):
    done = run("status", "ssh://", env=home)
    assert done.returncode == 2
    assert b"write ssh://[user@]host[:port][/root]" in done.stderr


def test_hosts_of_the_configuration_stand_beside_this_machine(fleets, tmp_path, home):
    here, there = fleets
    here.session("agent:main:one")
    there.session("agent:main:two")
    config = here.settings_file()
    config.write_text(config.read_text() + hosts_file(tmp_path / "h", [served(there, name="b")]).read_text())
    done = run("status", "--config", config, "--log", here.log, "--json", env=here.env)
    told = json.loads(done.stdout)
    assert [host["phase"] for host in told["hosts"]] == ["live", "live"]
    assert [row["key"] for row in told["sessions"]] == ["agent:main:one", "agent:main:two"]
    assert done.returncode == 0


def test_watch_tells_what_happens_on_every_host_and_what_becomes_of_the_hosts(fleets, tmp_path, home):
    lock = fleets[1].session("agent:main:two")
    file = hosts_file(tmp_path / "hosts.toml", [served(f, name=n) for f, n in zip(fleets, "ab", strict=True)])
    words = command("watch", "--hosts", file, "--json")
    with (
        subprocess.Popen(words, env=environment(home), stdout=subprocess.PIPE) as watch,
        actor() as holder,
    ):

        def told(fits):
            for line in watch.stdout:
                if fits(change := json.loads(line)):
                    return change
            raise AssertionError("watch ended")

        phases = {}
        while phases != {"a": "live", "b": "live"}:
            host = told(lambda change: change["subject"] == "host")["host"]
            phases[host["name"]] = host["phase"]
        holder.take(lock)
        change = told(lambda change: change["subject"] == "lock")
        assert (change["onHost"], change["lock"]["host"], change["lock"]["pid"]) == ("b", "b", holder.pid)
        for process in running_below(fleets[0].home):
            process.kill()
        lost = told(lambda change: change["subject"] == "host" and change["host"]["phase"] == "lost")
        assert lost["host"]["name"] == "a"
        told(lambda change: change["subject"] == "host" and change["host"]["phase"] == "live")
        interrupt(watch)
        watch.communicate(timeout=60)
    assert watch.returncode == 130


def test_watch_for_a_while_ends_as_status_does(tmp_path, home):
    lost = saying(then="print('no route to host', file=sys.stderr); sys.exit(255)")
    file = hosts_file(tmp_path / "hosts.toml", [lost])
    done = run("watch", "--hosts", file, "--for", "1", env=home)
    assert done.returncode == 1
    assert b"host alpha  called" in done.stdout
