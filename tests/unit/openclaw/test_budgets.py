"""One hostile or broken root costs no more than its budget: it is unseen with the reason, and the others go on."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.openclaw import store as stores
from lockdeck.backend.openclaw.roots import budgets
from lockdeck.backend.openclaw.roots.config import Config, load_config
from lockdeck.backend.openclaw.roots.variables import Variables, parse_dotenv
from lockdeck.backend.openclaw.store import read_store
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.watch.collector import Collector
from tests.unit.fleetdir import FleetDir, environment


def json5_of(size: int) -> str:
    return "{" + "".join(f"key{i}: 'value', // c\n" for i in range(size // 21)) + "}"


def many_includes(root: Path) -> object:
    for number in range(32):
        (root / f"part{number}.json").write_text(json5_of(200_000))
    return {"$include": [f"part{number}.json" for number in range(32)]}


CONFIGS = {
    "variables": lambda root: {"a": "${HOME}" * 200_000},
    "long values": lambda root: {"a": "${HOME}" * 3_000},
    "names that nobody has set": lambda root: {"a": [f"${{X{i}}}" for i in range(100_000)]},
    "bytes": lambda root: {"a": "x" * budgets.CONFIG_BYTES},
    "included bytes": many_includes,
    "names of includes": lambda root: {"$include": ["x"] * 100_000},
    "values": lambda root: {"a": [{}] * 300_000},
    "depth": lambda root: json.loads('{"a":' * 80 + "1" + "}" * 80),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_past_a_budget_a_config_has_a_problem_and_costs_neither_memory_nor_time(tmp_path, kind):
    (tmp_path / "openclaw.json").write_text(json.dumps(CONFIGS[kind](tmp_path)))
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    config = load_config(str(tmp_path), {"HOME": "/" + "h" * 1000})
    assert config.problem is not None
    assert config.session_store is None
    assert time.process_time() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 120 * 1024


@given(st.lists(st.sampled_from(["${A}", "${B}", "$${A}", "x", "${", "${C}"]), max_size=40))
def test_what_is_put_in_never_exceeds_the_budget_and_a_name_is_used_or_missing(parts):
    variables = Variables({"A": "a" * 10}, {"A": "other", "B": "b"})
    text = variables.put_into("".join(parts))
    assert text == "".join({"${A}": "a" * 10, "${B}": "b", "$${A}": "${A}"}.get(part, part) for part in parts)
    assert variables.missing == ({"C"} if "${C}" in parts else set())


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_of_variable_files_raise(text):
    parse_dotenv(text)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("A=b", {"A": "b"}),
        ("export A = b # c", {"A": "b"}),
        ("A='b # c' # d", {"A": "b # c"}),
        (r'A="b\nc"', {"A": "b\nc"}),
        ("A=`b`", {"A": "b"}),
        ("A=", {"A": ""}),
        ('A="open', {}),
        ("# A=b", {}),
        ("A: b", {"A": "b"}),
    ],
)
def test_variable_files_are_read_as_dotenv_reads_them(line, values):
    assert parse_dotenv(line) == values


def test_a_store_of_empty_entries_past_the_budget_is_not_built_and_not_read_again(tmp_path, monkeypatch):
    path = tmp_path / "sessions.json"
    path.write_text("{" + ",".join(f'"{i:x}":{{}}' for i in range(1000)) + "}")
    assert len(read_store(str(path), most=1000).entries) == 1000
    store = read_store(str(path), most=999)
    assert (store.entries, store.over_budget) == ((), True)
    assert "1000 sessions" in str(store.problem)
    assert read_store(str(path), store, most=999) is store
    monkeypatch.setattr(stores, "STORE_KEYS", 300)
    assert "keys" in str(read_store(str(path)).problem)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads the peak of its memory from /proc")
def test_eleven_megabytes_of_empty_entries_cost_a_fraction_of_what_they_did(tmp_path):
    path = tmp_path / "sessions.json"
    path.write_text("{" + ",".join(f'"{i:x}":{{}}' for i in range(1_000_000)) + "}")
    code = (
        "import re, sys\nfrom lockdeck.backend.openclaw.store import read_store\n"
        "assert read_store(sys.argv[1]).over_budget\n"
        # Not ru_maxrss: across exec that keeps the peak of the process that started this one.
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env=environment({"HOME": str(tmp_path)}),
        capture_output=True,
        check=True,
    )
    assert int(done.stdout) < 250


def test_a_root_past_its_budgets_is_unseen_and_the_one_beside_it_is_not(tmp_path, monkeypatch):
    roots = []
    for name in ("good", "greedy"):
        (tmp_path / name).mkdir()
        fleet = FleetDir(tmp_path / name)
        fleet.session()
        fleet.config()
        roots.append(fleet)
    monkeypatch.setattr("lockdeck.backend.watch.root.STORE_ENTRIES", 3)
    for number in range(4):
        roots[1].session(f"agent:a{number}:main")
    roots[1].config(a="${HOME}" * 5000)
    collector = Collector.discover([str(fleet.root) for fleet in roots], Settings(), env=roots[0].env)
    snapshot = collector.look()
    good, greedy = snapshot.roots
    assert (good.unseen, greedy.unseen) == (False, True)
    assert any("variables more than" in problem for problem in greedy.problems)
    assert any("none of them is read" in problem for problem in greedy.problems)
    assert sum(session.root == str(roots[1].root) for session in snapshot.sessions) == 3
    assert sum(session.root == str(roots[0].root) for session in snapshot.sessions) == 1


def written(tmp_path: Path, values: object, *, dotenv: str = "", env: dict[str, str] | None = None) -> Config:
    (tmp_path / "openclaw.json").write_text(json.dumps(values))
    (tmp_path / ".env").write_text(dotenv)
    return load_config(str(tmp_path), env or {"HOME": str(tmp_path)})


STORE = {"session": {"store": "${OC_DATA}/{agentId}/sessions.json"}}


@pytest.mark.parametrize("how", ["environment", "dotenv", "env", "env.vars", "global"])
def test_a_variable_is_taken_from_wherever_openclaw_takes_it(tmp_path, how):
    block = {"env": {"OC_DATA": "/d"}, "env.vars": {"vars": {"OC_DATA": "/d"}}}.get(how, {})
    if how == "global":
        (tmp_path / ".config" / "openclaw").mkdir(parents=True)
        (tmp_path / ".config" / "openclaw" / "gateway.env").write_text("OC_DATA=/d")
    env = {"HOME": str(tmp_path), **({"OC_DATA": "/d"} if how == "environment" else {})}
    dotenv = "OC_DATA=/d" if how == "dotenv" else ""
    config = written(tmp_path, {"env": block, **STORE}, dotenv=dotenv, env=env)
    assert (config.session_store, config.unknown_store) == ("/d/{agentId}/sessions.json", None)
