"""`lockdeck explain`: evidence, reasons and verdict of one lock."""

from __future__ import annotations

import json
import os

import pytest
from jsonschema import Draft202012Validator

from lockdeck.backend.system.procfs import LINUX
from tests.unit.cli.test_cli import SCHEMA
from tests.unit.fleetdir import PAST, FleetDir, actor, aged, dead_pid, lockdeck, payload

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")


@pytest.fixture
def fleet(tmp_path):
    return FleetDir(tmp_path)


@pytest.fixture
def holder():
    with actor() as child:
        yield child


def explain(fleet, lock, *words):
    return lockdeck("explain", lock, "--config", fleet.settings_file(), *words, env=fleet.env)


def make_dead(lock, _holder):
    lock.write_text(payload(dead_pid(), PAST))


def make_recycled(lock, holder):
    lock.write_text(payload(holder.pid, PAST, starttime=1))


def make_removed(lock, holder):
    holder.take(lock).unlink()


def make_unreadable(lock, _holder):
    lock.mkdir()


def make_junk(lock, _holder):
    lock.write_text("junk")
    aged(lock, 60)


MAKERS = [
    (lambda lock, holder: holder.take(lock), "held", 0),
    (lambda lock, holder: holder.leak(lock), "leaked", 1),
    (make_dead, "dead", 1),
    (make_recycled, "recycled", 1),
    (make_removed, "removed", 1),
    (make_unreadable, "unreadable", 0),
    (lambda lock, holder: holder.take(lock, ""), "creating", 0),
]


@pytest.mark.parametrize(("make", "verdict", "code"), MAKERS, ids=[verdict for _, verdict, _ in MAKERS])
def test_every_verdict_is_explained(fleet, holder, make, verdict, code):
    lock = fleet.session()
    make(lock, holder)
    done = explain(fleet, lock, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, done.stderr, found["verdict"], found["path"]) == (code, b"", verdict, str(lock))
    part = {name: found[name] for name in SCHEMA["$defs"]["lock"]["required"]}
    Draft202012Validator({"$ref": "#/$defs/lock", "$defs": SCHEMA["$defs"]}).validate(part)
    assert found["schema"] == 2
    assert found["whatMayBeDone"]
    assert found["evidence"]["scan"]["total"] >= found["evidence"]["scan"]["inspected"]


def test_the_text_says_verdict_reasons_and_what_may_be_done(fleet):
    lock = fleet.session()
    make_dead(lock, None)
    done = explain(fleet, lock)
    lines = done.stdout.decode().splitlines()
    assert lines[0] == str(lock)
    assert lines[1].startswith("  dead  age ")
    assert any("is gone (ESRCH)" in line for line in lines)
    assert any(line.strip().startswith("release") for line in lines)
    assert any("bootTime" in line for line in lines)


def test_junk_is_explained_as_unreadable(fleet):
    lock = fleet.session()
    make_junk(lock, None)
    found = json.loads(explain(fleet, lock, "--json").stdout)
    assert (found["verdict"], found["evidence"]["problem"]) == ("unreadable", "the payload is not JSON")


def test_a_lock_of_a_root_in_sqlite_is_litter(fleet):
    import sqlite3

    lock = fleet.session()
    make_dead(lock, None)
    agent = fleet.root / "agents" / "main" / "agent"
    agent.mkdir()
    database = sqlite3.connect(agent / "openclaw-agent.sqlite")
    database.execute("CREATE TABLE session_nodes (id TEXT)")
    database.commit()
    database.close()
    done = explain(fleet, lock, "--json")
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (0, "litter")


def test_a_pid_1_that_is_not_ours_is_foreign_unless_the_user_vouches(fleet):
    lock = fleet.session()
    lock.write_text(payload(1, starttime=987654321))
    without = lockdeck("explain", lock, "--json", env=fleet.env)
    assert (without.returncode, json.loads(without.stdout)["verdict"]) == (0, "foreign")
    assert json.loads(explain(fleet, lock, "--json").stdout)["verdict"] == "recycled"


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_lock_that_is_not_there_ends_with_2(fleet, words):
    done = explain(fleet, fleet.sessions() / "none.jsonl.lock", *words)
    assert (done.returncode, done.stdout) == (2, b"")
    assert "no such lock file" in done.stderr.decode()


def test_a_file_outside_every_root_is_shown_but_not_releasable(fleet, tmp_path):
    lock = tmp_path / "stray.jsonl.lock"
    make_dead(lock, None)
    found = json.loads(explain(fleet, lock, "--json").stdout)
    assert (found["kind"], found["releasable"]) == ("other", False)


GATEWAY_CODES = {"leaked": 1, "removed": 1}


@pytest.mark.parametrize(("make", "verdict", "_code"), MAKERS, ids=[verdict for _, verdict, _ in MAKERS])
def test_a_gateway_lock_is_explained_with_the_same_verdicts_and_needs_nobody_when_stale(
    fleet, holder, make, verdict, _code
):
    fleet.config()
    lock = fleet.gateway_lock()
    make(lock, holder)
    done = explain(fleet, lock, "--json")
    found = json.loads(done.stdout)
    assert (found["kind"], found["verdict"], found["root"]) == ("gateway", verdict, str(fleet.root))
    assert (found["releasable"], done.returncode) == (False, GATEWAY_CODES.get(verdict, 0))
    assert "Release" not in found["whatMayBeDone"]
    part = {name: found[name] for name in SCHEMA["$defs"]["lock"]["required"]}
    Draft202012Validator({"$ref": "#/$defs/lock", "$defs": SCHEMA["$defs"]}).validate(part)


def make_fifo(lock):
    os.mkfifo(lock)


def make_link(lock):
    lock.symlink_to("/etc/passwd")


def make_huge(lock):
    with lock.open("wb") as file:
        file.truncate(1 << 30)


@pytest.mark.parametrize("make", [make_fifo, make_link, make_huge])
def test_what_stands_in_place_of_a_gateway_lock_is_unreadable_and_blocks_nothing(fleet, make):
    fleet.config()
    lock = fleet.gateway_lock()
    make(lock)
    done = explain(fleet, lock, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["kind"], found["verdict"]) == (0, "gateway", "unreadable")


@pytest.mark.parametrize("overridden", [False, True])
def test_a_gateway_lock_is_never_released(fleet, holder, overridden):
    fleet.config()
    lock = fleet.gateway_lock()
    checked = ("--override", "leaked", "--yes-i-checked", lock) if overridden else ()
    for make in (make_dead, make_recycled, lambda path, child: child.leak(path)):
        make(lock, holder)
        release_id = json.loads(explain(fleet, lock, "--json").stdout)["releaseId"]
        before = lock.read_bytes()
        words = ("--release-id", release_id, "--config", fleet.settings_file(), *checked)
        done = lockdeck("release", lock, *words, "--json", env=fleet.env)
        assert done.returncode == 3, done.stdout + done.stderr
        assert "never released: OpenClaw takes a stale one over by itself" in done.stdout.decode()
        assert lock.read_bytes() == before
        lock.unlink()


def test_a_release_that_was_cut_off_beside_the_lock_is_told_and_needs_a_person(fleet):
    lock = fleet.sessions() / "s.jsonl.lock"
    lock.mkdir()
    folder = lock.with_name(".lockdeck-0123456789ab")
    folder.mkdir()
    assert explain(fleet, lock).returncode == 0
    aged(folder, 60)
    sentence = f"{folder} is left from a release".encode()
    told = explain(fleet, lock)
    assert (told.returncode, sentence in told.stderr) == (1, True)
    gone = explain(fleet, lock.with_name("t.jsonl.lock"))
    assert (gone.returncode, sentence in gone.stderr) == (2, True)
