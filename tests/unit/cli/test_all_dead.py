"""`lockdeck release --all-dead` and `explain SESSION_KEY` on real locks."""

from __future__ import annotations

import json

import pytest

from lockdeck.backend.system.procfs import LINUX
from tests.unit.fleetdir import PAST, FleetDir, actor, dead_pid, lockdeck, payload

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")


@pytest.fixture
def fleet(tmp_path):
    """Two dead locks and one whose holder lives."""
    made = FleetDir(tmp_path)
    made.dead = [made.session("agent:main:main"), made.session("agent:ops:cron:digest")]
    for lock in made.dead:
        lock.write_text(payload(dead_pid(), PAST))
    made.held = made.session("agent:main:live")
    with actor() as holder:
        holder.take(made.held)
        yield made


def run(fleet, *words):
    done = lockdeck(*words, "--config", fleet.settings_file(), env=fleet.env, text=True)
    return done.returncode, done.stdout, done.stderr


def test_a_dry_run_shows_the_plan_of_each_dead_lock_and_touches_none(fleet):
    code, out, _ = run(fleet, "release", "--all-dead", "--dry-run")
    assert code == 0
    assert out.startswith("2 dead locks, of which 2 would be released")
    assert all(str(lock) in out for lock in fleet.dead)
    assert str(fleet.held) not in out
    assert all(lock.exists() for lock in fleet.dead)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "without a terminal say how many you expect: --yes 2"),
        (("--yes", "3"), "2 locks would be released, not 3"),
    ],
)
def test_without_the_right_count_nothing_is_done(fleet, words, sentence):
    code, _, err = run(fleet, "release", "--all-dead", *words)
    assert code == 2
    assert sentence in err
    assert all(lock.exists() for lock in fleet.dead)


def test_each_dead_lock_is_released_with_a_result_of_its_own_and_no_holder_is_robbed(fleet):
    code, out, _ = run(fleet, "release", "--all-dead", "--yes", "2", "--json")
    results = json.loads(out)["results"]
    assert code == 0
    assert {(result["path"], result["status"]) for result in results} == {
        (str(lock), "released") for lock in fleet.dead
    }
    assert not any(lock.exists() for lock in fleet.dead)
    assert fleet.held.exists()


def test_with_nothing_dead_there_is_nothing_to_confirm(fleet):
    for lock in fleet.dead:
        lock.unlink()
    code, out, err = run(fleet, "release", "--all-dead")
    assert (code, out) == (0, "0 of 0 dead locks released\n")
    assert "no dead lock: there is nothing to release" in err


@pytest.mark.parametrize("words", [("--all-dead", "x.lock"), ("x.lock", "--yes", "1"), ()])
def test_all_dead_and_one_lock_exclude_each_other(fleet, words):
    assert run(fleet, "release", *words)[0] == 2


def test_read_only_refuses_all_of_them(fleet):
    code, out, _ = run(fleet, "release", "--all-dead", "--yes", "0", "--read-only", "--json")
    assert code == 3
    assert {result["status"] for result in json.loads(out)["results"]} == {"refused"}
    assert all(lock.exists() for lock in fleet.dead)


def test_a_session_key_is_explained_in_the_five_lines(fleet):
    code, out, _ = run(fleet, "explain", "agent:ops:cron:digest")
    assert code == 1
    labels = [line[2:10].strip() for line in out.splitlines()[2:7]]
    assert labels == ["why", "who", "how long", "waiting", "now"]
    assert f"lockdeck release {fleet.dead[1]} --release-id " in out


def test_the_answer_is_the_same_in_json(fleet):
    code, out, _ = run(fleet, "explain", "agent:ops:cron:digest", "--json")
    told = json.loads(out)
    assert code == 1
    assert told["answer"]["headline"] == "Dead lock: the process that took it has ended."
    (option,) = told["answer"]["now"]
    assert option["does"] == "release"
    assert told["session"]["lock"]["releaseId"] in option["command"]


def test_a_key_that_is_misspelt_names_the_nearest(fleet):
    code, _, err = run(fleet, "explain", "agent:ops:cron:digset")
    assert code == 2
    assert "did you mean agent:ops:cron:digest?" in err


def test_names_are_the_full_keys_alone(fleet):
    _, out, _ = run(fleet, "status", "--format", "names")
    assert sorted(out.split()) == ["agent:main:live", "agent:main:main", "agent:ops:cron:digest"]


def test_two_formats_exclude_each_other(fleet):
    assert run(fleet, "status", "--json", "--format", "names")[0] == 2


def test_nothing_to_watch_names_the_next_step(fleet):
    missing = fleet.home / "nowhere"
    done = lockdeck("status", env={"HOME": str(missing), "TMPDIR": str(fleet.home)}, text=True)
    assert done.returncode == 4
    assert "name the state directory of OpenClaw: lockdeck /path/to/.openclaw" in done.stderr
    assert "own_namespace = true" in done.stderr
