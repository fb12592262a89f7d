"""Wrong use and wrong configuration of the command line, and accounts and times that are out of the ordinary."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from lockdeck.backend.system.procfs import LINUX
from tests.unit.fleetdir import PAST, FleetDir, command, dead_pid, environment, lockdeck, payload

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
KEY = "agent:main:main"


@pytest.fixture
def fleet(tmp_path):
    found = FleetDir(tmp_path)
    found.dead = found.session()
    found.dead.write_text(payload(dead_pid(), PAST))
    return found


def configured(fleet, text):
    path = fleet.home / "own.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("status", ""),
        ("",),
        ("watch", "  ", "--for", "0"),
        ("explain", ""),
        ("release", "", "--dry-run"),
        ("replay", ""),
        ("cancel", KEY, "--root", ""),
        ("status", "--config", ""),
        ("status", "--log", ""),
    ],
)
def test_an_empty_name_is_wrong_use_and_never_the_current_directory(fleet, words):
    done = lockdeck(*words, env=fleet.env, cwd=fleet.root)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"the name is empty; name a path, or leave it out" in done.stderr


@pytest.mark.parametrize("name", ["explain", "release"])
@pytest.mark.parametrize("where", ["/", "", "agents/main/sessions"])
def test_a_directory_is_no_lock(fleet, name, where):
    done = lockdeck(name, fleet.root / where, env=fleet.env)
    assert (done.returncode, done.stdout) == (2, b"")
    assert f"{fleet.root / where} is a directory; name a lock file" in done.stderr.decode()


def test_a_directory_in_the_place_of_a_lock_is_a_matter_of_evidence(fleet):
    lock = fleet.session("agent:main:other")
    lock.mkdir()
    assert lockdeck("explain", lock, env=fleet.env).returncode == 0
    assert lockdeck("release", lock, env=fleet.env).returncode == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--allow", "bogus"), "there is no rung bogus; there are stop, abort, reset, restart, terminate"),
        (("--allow", "stop", "--allow", "Stop"), "there is no rung Stop"),
        (("--url", "http://x"), "write ws://HOST:PORT"),
        (("--url", "ws://"), "write ws://HOST:PORT"),
        (("--url", "ws://x:99999"), "is no URL"),
        (("--url", ""), "write ws://HOST:PORT"),
        (("--url", "wss://me:word@x"), "must hold no credential"),
    ],
)
@pytest.mark.parametrize("which", [KEY, "--all"])
def test_a_rung_or_an_address_that_can_not_be_is_wrong_use(fleet, words, told, which):
    done = lockdeck("cancel", which, *words, env=fleet.env)
    assert (done.returncode, done.stdout) == (2, b"")
    assert told in done.stderr.decode()
    assert b":word" not in done.stderr


COMMANDS = (
    ("status",),
    ("watch", "--for", "0"),
    ("explain", "LOCK"),
    ("release", "LOCK", "--dry-run"),
    ("cancel", KEY, "--dry-run"),
    ("journal",),
    ("config", "show"),
    ("ROOT",),
)


def given(fleet, words):
    return [{"LOCK": fleet.dead, "ROOT": fleet.root}.get(word, word) for word in words]


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_that_reads_the_configuration_checks_its_columns(fleet, words):
    config = configured(fleet, 'rescan_s = 3\nlocks_columns = ["verdict", "vredict"]')
    done = lockdeck(*given(fleet, words), "--config", config, env=fleet.env)
    assert (done.returncode, done.stdout) == (2, b"")
    assert f"{config}:2: locks_columns has no 'vredict'; did you mean verdict?" in done.stderr.decode()


def test_columns_are_checked_without_the_library_of_the_dashboard(fleet):
    config = configured(fleet, 'columns = ["state", "agent"]\n[keys]\nquit = "x"')
    code = (
        "import sys\nfrom lockdeck.tui.cli.main import cli\nfrom lockdeck.tui.entry import dashboard\n"
        f"code = cli.main(['status', '--config', {str(config)!r}], standalone_mode=False, obj=dashboard())\n"
        "print(code, 'lockdeck.tui.preferences.check' in sys.modules, 'textual' in sys.modules, file=sys.stderr)"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=environment(fleet.env), capture_output=True, text=True, timeout=60)
    assert done.stderr == "1 True False\n"


@pytest.mark.parametrize("words", COMMANDS)
def test_a_configuration_that_is_a_pipe_is_refused_and_nobody_waits(fleet, words):
    pipe = fleet.home / "pipe"
    os.mkfifo(pipe)
    done = lockdeck(*given(fleet, words), "--config", pipe, env=fleet.env)
    assert (done.returncode, done.stdout) == (2, b"")
    assert f"{pipe} is a named pipe, not a regular file" in done.stderr.decode()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: path.write_text('[[roots]]\npath = " "'), "own.toml:2: roots[0].path is empty"),
        (lambda path: path.write_bytes(b"#" * ((1 << 20) + 1)), "more than the 1048576 that are read"),
        (lambda path: path.write_bytes(b"\xff"), "can't be read"),
        (lambda path: path.symlink_to(path), "can't be read"),
    ],
)
def test_a_configuration_that_is_none_names_the_cause(fleet, make, told):
    make(fleet.home / "own.toml")
    done = lockdeck("status", "--config", fleet.home / "own.toml", env=fleet.env)
    assert (done.returncode, done.stdout) == (2, b"")
    assert told in done.stderr.decode()


def homeless(fleet, *words):
    """Run for a user whom the system does not know, without HOME."""
    env = environment(fleet.env)
    for name in ("HOME", "LOCKDECK_CONFIG_DIR", "LOCKDECK_STATE_DIR"):
        del env[name]
    code = "import pwd\ndef getpwuid(uid): raise KeyError(uid)\npwd.getpwuid = getpwuid\n" + command()[-1]
    line = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(line, env=env, capture_output=True, timeout=60, text=True)


def test_an_account_without_a_home_is_told_what_to_set_and_can_still_look(fleet):
    seen = homeless(fleet, "status", fleet.root)
    assert (seen.returncode, seen.stderr) == (1, "")
    assert "1 session (1 idle)" in seen.stdout
    for words, name in (
        (("release", fleet.dead), "LOCKDECK_STATE_DIR"),
        (("journal",), "LOCKDECK_STATE_DIR"),
        (("locate",), "LOCKDECK_STATE_DIR"),
        (("cancel", KEY, "--root", fleet.root), "LOCKDECK_STATE_DIR"),
    ):
        done = homeless(fleet, *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"set HOME or {name}" in done.stderr


@pytest.mark.parametrize("option", ["--read-only", "config"])
def test_a_dry_run_of_a_release_in_read_only_mode_prints_the_plan_and_ends_with_3(fleet, option):
    config = configured(fleet, "read_only = true") if option == "config" else fleet.settings_file()
    words = ("release", fleet.dead, "--dry-run", "--config", config)
    words += ("--read-only",) if option == "--read-only" else ()
    done = lockdeck(*words, env=fleet.env, text=True)
    assert (done.returncode, "would do:" in done.stdout, fleet.dead.exists()) == (3, True, True)
    assert "read-only mode: nothing is released" in done.stderr
    told = json.loads(lockdeck(*words, "--json", env=fleet.env).stdout)
    assert (told["status"], told["path"]) == ("dry-run", str(fleet.dead))
