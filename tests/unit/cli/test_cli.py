"""The command line as a whole process: exit codes, JSON, what goes to stdout and what to stderr."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from lockdeck.backend.simulate.cast import CHAIN, Session
from lockdeck.backend.simulate.lockfile import timeout_text
from lockdeck.backend.simulate.log import Log
from lockdeck.backend.simulate.narration import Failure, Narrator
from lockdeck.backend.system.procfs import LINUX
from tests.folders import DOCS
from tests.unit.fleetdir import PAST, FleetDir, actor, command, dead_pid, environment, lockdeck, payload

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
SCHEMA = json.loads((DOCS / "status.schema.json").read_text())
KEY = "agent:main:main"
DANGEROUS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""What may never reach a terminal: controls but the line's end, C1, direction marks, zero width, halves."""
HOSTILE = "\x1b[31m\x1b]0;t\x07\u202egnp\u200b\x9b2J\r\n\tend"


@pytest.fixture
def fleet(tmp_path):
    return FleetDir(tmp_path)


def run(fleet, *words, **options):
    """Run with this fleet's configuration and log, in the place where the fleet is found by itself."""
    common = ("--config", fleet.settings_file(), "--log", fleet.log)
    return lockdeck(*words, *common, env=fleet.env, **options)


def status(fleet, *words):
    """The snapshot and the exit code; the snapshot is as the schema promises."""
    done = run(fleet, "status", "--json", *words)
    assert done.stderr == b""
    found = json.loads(done.stdout)
    Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(found)
    return found, done.returncode


def leave_dead(fleet, key=KEY):
    """Leave the lock of a process that is gone."""
    lock = fleet.session(key)
    lock.write_text(payload(dead_pid(), PAST))
    return lock


def test_a_quiet_fleet_ends_with_0(fleet):
    fleet.session()
    found, code = status(fleet)
    assert (code, found["summary"]["needsPerson"]) == (0, False)
    assert next(iter(found)) == "schema"
    assert [(s["key"], s["state"], s["lock"]) for s in found["sessions"]] == [(KEY, "idle", None)]


def test_a_held_lock_needs_nobody(fleet):
    with actor() as holder:
        lock = holder.take(fleet.session())
        found, code = status(fleet)
    (seen,) = found["locks"]
    assert code == 0
    assert (seen["path"], seen["verdict"], seen["pid"], seen["releasable"]) == (
        str(lock),
        "held",
        holder.pid,
        False,
    )
    assert (seen["holder"]["pid"], seen["holder"]["proof"]) == (holder.pid, "fd")
    assert found["sessions"][0]["lock"] == seen
    assert found["sessions"][0]["occupation"]["holds"] == 1


def test_a_releasable_lock_needs_a_person(fleet):
    leave_dead(fleet)
    found, code = status(fleet)
    assert (code, found["summary"]["releasable"], found["locks"][0]["verdict"]) == (1, 1, "dead")


def test_a_lock_removed_under_its_holder_needs_a_person(fleet):
    with actor() as holder:
        holder.take(fleet.session()).unlink()
        found, code = status(fleet)
    assert (code, [lock["verdict"] for lock in found["locks"]]) == (1, ["removed"])


def test_blocked_callers_of_the_log_are_counted(fleet):
    with actor() as holder:
        lock = holder.take(fleet.session(), created=PAST)
        narrator = Narrator(Log(fleet.log), Session("agent:main:other", "other", ""), "run-2")
        narrator.candidate_failed(1, Failure("Error", timeout_text(str(lock), 10_000)), 10.0)
        found, _ = status(fleet)
    assert found["summary"]["blocked"] == 1
    assert found["sessions"][0]["blocked"]["count"] == 1


def test_a_rotation_is_told_with_attempt_and_total(fleet):
    fleet.config(
        auth={"order": {"atlas": ["atlas:alpha", "atlas:beta"]}},
        agents={"defaults": {"model": {"primary": "atlas/atlas-large"}, "timeoutSeconds": 600}},
    )
    profiles = {f"atlas:{name}": {"type": "api_key", "provider": "atlas"} for name in ("alpha", "beta")}
    lock = fleet.session()
    (lock.parents[1] / "agent").mkdir()
    (lock.parents[1] / "agent" / "auth-profiles.json").write_text(
        json.dumps({"version": 1, "profiles": profiles})
    )
    session = Session(KEY, lock.name.removesuffix(".jsonl.lock"), str(lock).removesuffix(".lock"))
    narrator = Narrator(Log(fleet.log), session, "run-1")
    narrator.run_timeout(600)
    narrator.failover("atlas:alpha", "rotate_profile", CHAIN[0], first=True)
    with actor() as holder:
        holder.take(lock)
        found, _ = status(fleet)
    (seen,) = found["sessions"]
    assert seen["state"] == "rotating"
    assert (seen["attempt"]["index"], seen["attempt"]["total"], seen["attempt"]["profile"]) == (
        2,
        2,
        "atlas:beta",
    )
    assert seen["rotation"]["attempts"][0]["reason"] == "timeout"


def test_every_kind_of_lock_at_once_is_as_the_schema_promises(fleet):
    with actor() as holder:
        holder.take(fleet.session("agent:main:held"))
        holder.leak(fleet.session("agent:main:leaked"))
        fleet.session("agent:main:new").write_text("")
        fleet.session("agent:main:pipe").mkdir()
        fleet.session("agent:main:recycled").write_text(payload(holder.pid, PAST, starttime=1, maxHoldMs=5))
        leave_dead(fleet, "agent:main:dead")
        holder.take(fleet.session("agent:main:gone")).unlink()
        found, code = status(fleet)
    assert code == 1
    verdicts = {lock["verdict"] for lock in found["locks"]}
    assert verdicts == {"held", "leaked", "creating", "unreadable", "recycled", "dead", "removed"}
    assert found["summary"]["locks"]["total"] == 7


def test_as_text_the_data_is_on_stdout_and_says_the_same(fleet):
    lock = leave_dead(fleet, "agent:silas:main")
    done = run(fleet, "status")
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (1, b"")
    assert str(fleet.root) in text
    assert "silas" in text
    assert "dead" in text
    assert "1 session (1 idle); 1 lock (1 dead)" in text
    assert lock.exists()


def test_a_root_without_a_terminal_is_its_status(fleet):
    leave_dead(fleet)
    bare, named = run(fleet, fleet.root), run(fleet, "status", fleet.root)
    assert bare.returncode == named.returncode == 1
    assert len(bare.stdout.splitlines()) == len(named.stdout.splitlines()) > 3
    assert run(fleet).returncode == 1


def test_nothing_to_watch_ends_with_4_and_says_where_was_looked(tmp_path):
    done = lockdeck("status", "--json", env={"HOME": str(tmp_path)})
    assert (done.returncode, done.stdout) == (4, b"")
    assert str(tmp_path / ".openclaw") in done.stderr.decode()


def test_a_root_that_is_none_ends_with_4_and_says_why(tmp_path):
    done = lockdeck("status", tmp_path / "nowhere", env={"HOME": str(tmp_path)})
    assert (done.returncode, done.stdout) == (4, b"")
    assert "does not exist" in done.stderr.decode()


def test_one_good_root_is_enough_and_the_other_is_narrated(fleet, tmp_path):
    done = run(fleet, "status", "--json", fleet.root, tmp_path / "nowhere")
    good, missing = json.loads(done.stdout)["roots"]
    assert (done.returncode, good["problems"]) == (0, [])
    assert (missing["path"], missing["unseen"]) == (str(tmp_path / "nowhere"), False)
    assert missing["problems"] == [f"{tmp_path / 'nowhere'} does not exist"]
    assert "nowhere does not exist" in done.stderr.decode()


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--nonsense"),
        ("watch", "--for", "soon"),
        ("explain",),
        ("watch", "--for", "-1"),
        ("status", "--log", "/tmp"),
    ],
)
def test_wrong_use_ends_with_2_and_says_so_on_stderr(tmp_path, words):
    done = lockdeck(*words, env={"HOME": str(tmp_path)})
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Error: " in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("rescan = 3", "did you mean rescan_s?"),
        ("theme = 3", "theme must be a string"),
        ("roots = [", "not valid TOML"),
    ],
)
def test_a_wrong_configuration_ends_with_2_and_names_file_and_key(tmp_path, text, word):
    config = tmp_path / "wrong.toml"
    config.write_text(text)
    done = lockdeck("status", "--config", config, env={"HOME": str(tmp_path)})
    assert (done.returncode, done.stdout) == (2, b"")
    assert str(config) in done.stderr.decode()
    assert word in done.stderr.decode()


def test_a_configuration_that_is_missing_ends_with_2(tmp_path):
    done = lockdeck("--config", tmp_path / "none.toml", "status", env={"HOME": str(tmp_path)})
    assert done.returncode == 2
    assert "none.toml: no such file" in done.stderr.decode()


def test_a_log_that_is_missing_is_said(fleet):
    done = lockdeck("status", "--log", fleet.home / "none.log", env=fleet.env)
    assert done.returncode == 0
    assert "none.log does not exist" in done.stderr.decode()
    found = lockdeck("status", "--json", "--log", fleet.home / "none.log", env=fleet.env)
    assert any("none.log does not exist" in note for note in json.loads(found.stdout)["notes"])


def test_options_may_stand_before_and_after_the_command(fleet):
    fleet.log.unlink()
    other = fleet.home / "other.log"
    done = lockdeck("--log", fleet.log, "status", "--json", "--log", other, env=fleet.env)
    notes = " ".join(json.loads(done.stdout)["notes"])
    assert str(fleet.log) in notes
    assert str(other) in notes


def test_a_held_lock_is_refused_with_3(fleet):
    with actor() as holder:
        lock = holder.take(fleet.session())
        found, _ = status(fleet)
        done = run(fleet, "release", lock, "--release-id", found["locks"][0]["releaseId"])
        assert done.returncode == 3
        assert lock.exists()


NOT_FOR_STATUS = {
    # the dashboard, the gateway's client, other ways of reading a configuration
    *(
        "textual",
        "rich",
        "watchfiles",
        "websockets",
        "cryptography",
        "filelock",
        "pyjson5",
        "asyncio",
        "psutil",
    ),
    # each of these takes a start longer than a look at a small fleet does
    *(
        "platformdirs",
        "pathlib",
        "tempfile",
        "shutil",
        "urllib",
        "ipaddress",
        "statistics",
        "random",
        "dataclasses",
    ),
    *("subprocess", "socket", "logging", "tomllib", "difflib", "concurrent", "ctypes"),
    # other hosts, logs that come by themselves, what was written about one session
    *("lockdeck.backend.hosts.asks", "lockdeck.backend.hosts.nats", "lockdeck.tui.cli.hosts"),
    *("lockdeck.backend.watch.live.reader", "lockdeck.backend.watch.live.source"),
    *("lockdeck.backend.watch.records", "lockdeck.backend.openclaw.struck", "lockdeck.tui.view"),
}
MOST_MODULES = 245
"""So many modules of lockdeck are made for a status of a small fleet. Each costs as much as a look at several processes."""


def test_status_never_loads_what_a_single_look_has_no_use_for(fleet):
    leave_dead(fleet)
    code = (
        "import sys\nbefore = set(sys.modules)\n"
        "from lockdeck.tui.cli.main import cli\nfrom lockdeck.tui.entry import dashboard\n"
        "cli.main(['status', '--json'], standalone_mode=False, obj=dashboard())\n"
        "print(' '.join(sys.modules.keys() - before), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(fleet.env), capture_output=True, text=True, timeout=60
    )
    loaded = set(done.stderr.split())
    assert "click" in loaded
    assert not loaded & NOT_FOR_STATUS
    assert sum(name.partition(".")[0] == "lockdeck" for name in loaded) <= MOST_MODULES


def test_the_entry_point_says_how_seldom_to_look_for_what_nobody_has_before_it_loads_much():
    code = "import sys, lockdeck.tui.entry\nprint(*({'click', 'msgspec'} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == []


@pytest.fixture
def hostile(fleet):
    """Names and texts that attack a terminal, wherever others can put them."""
    folder = fleet.sessions("evil\x1b[31m\u202e")
    fleet.session(f"agent:main:{HOSTILE}")
    (folder / f"x{HOSTILE}.jsonl.lock").write_text(payload(dead_pid(), PAST))
    (folder / f"junk{HOSTILE}.jsonl.lock").write_text(HOSTILE)
    Path(str(folder) + "/bytes\udcff\udc9b.jsonl.lock").write_text(payload(dead_pid(), PAST))
    (folder / "sessions.json").write_text(
        json.dumps({f"agent:{HOSTILE}:m": {"sessionId": HOSTILE, "status": "running"}})
    )
    fleet.config(meta={"lastTouchedVersion": HOSTILE}, session={"store": HOSTILE}, logging={"file": HOSTILE})
    with fleet.log.open("w") as log:
        log.write(
            json.dumps({"0": '{"subsystem":"agent/embedded"}', "1": f"embedded run timeout: runId={HOSTILE}"})
            + "\n"
        )
    return folder


def assert_harmless(shown):
    text = shown.decode("utf-8", "surrogateescape")
    assert not DANGEROUS.search(text), ascii(DANGEROUS.findall(text))


def test_hostile_names_never_reach_the_terminal(fleet, hostile):
    done = run(fleet, "status")
    assert_harmless(done.stdout)
    assert_harmless(done.stderr)
    assert done.stdout.count(b"\n") < 60
    assert b"3 locks (2 dead, 1 unreadable)" in done.stdout


def test_hostile_names_stay_whole_but_ascii_in_json(fleet, hostile):
    done = run(fleet, "status", "--json")
    assert_harmless(done.stdout)
    assert done.stdout.isascii()
    found = json.loads(done.stdout)
    assert {lock["path"] for lock in found["locks"]} == {str(path) for path in hostile.glob("*.lock")}
    assert f"agent:main:{HOSTILE}" in {session["key"] for session in found["sessions"]}


def test_hostile_names_of_a_lock_are_harmless_when_it_is_explained(fleet, hostile):
    for lock in hostile.glob("*.lock"):
        for words in ((lock,), (lock, "--json")):
            done = run(fleet, "explain", *words)
            assert_harmless(done.stdout)
            assert_harmless(done.stderr)
            assert b"verdict" in done.stdout or b"dead" in done.stdout or b"unreadable" in done.stdout


def test_hostile_names_are_harmless_in_every_line_of_watch(fleet, hostile):
    for words in (("--for", "0"), ("--for", "0", "--json")):
        done = run(fleet, "watch", *words)
        assert_harmless(done.stdout)
        assert done.stdout.count(b"\n") >= 5


@pytest.mark.parametrize(
    "words", [("status", HOSTILE), (f"--{HOSTILE}",), ("status", "--config", HOSTILE), ("explain", HOSTILE)]
)
def test_hostile_words_on_the_command_line_are_harmless(tmp_path, words):
    done = lockdeck(*words, env={"HOME": str(tmp_path)}, cwd=tmp_path)
    assert done.returncode in (2, 4)
    assert_harmless(done.stdout)
    assert_harmless(done.stderr)


@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("watch",)])
def test_a_reader_that_goes_away_is_no_error(fleet, words):
    fleet.session()
    for number in range(500):
        (fleet.sessions() / f"{number}.jsonl.lock").write_text("")
    with subprocess.Popen(
        command(*words, "--log", fleet.log),
        env=environment(fleet.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.read(1)
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(60) == 0
    assert said == b""


def test_a_misspelt_command_is_taken_for_a_root_and_the_command_is_named(tmp_path):
    done = lockdeck("statsu", env={"HOME": str(tmp_path)}, text=True)
    assert done.returncode == 4
    assert "did you mean `lockdeck status`?" in done.stderr
