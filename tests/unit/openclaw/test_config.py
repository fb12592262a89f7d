from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.openclaw.gateway.secret import Secret, SecretRef
from lockdeck.backend.openclaw.roots import configtext
from lockdeck.backend.openclaw.roots.config import Agent, Config, agent_id, load_config

JSON5 = """
// a config as people write it
{
  meta: { lastTouchedVersion: '2026.4.5' },
  gateway: {
    mode: "local", port: 18_789_0, bind: 'loopback', /* only here */
    auth: { mode: 'token', token: "${TOKEN}", },
  },
  session: { store: "~/stores/{agentId}/sessions.json" },
}
"""


def load(tmp_path: Path, text: object, env: dict[str, str] | None = None) -> Config:
    root = tmp_path / ".openclaw"
    root.mkdir(exist_ok=True)
    (root / "openclaw.json").write_text(text if isinstance(text, str) else json.dumps(text))
    return load_config(str(root), {"HOME": str(tmp_path)} | (env or {}))


def test_json5_is_understood(tmp_path: Path) -> None:
    config = load(tmp_path, JSON5.replace("18_789_0", "18789"), {"TOKEN": "s3cret"})
    assert (config.problem, config.notes) == (None, ())
    assert (config.gateway_port, config.gateway_bind, config.gateway_mode) == (18789, "loopback", "local")
    assert config.auth_mode == "token"
    assert config.token == Secret("s3cret")
    assert config.session_store == str(tmp_path / "stores/{agentId}/sessions.json")
    assert config.version == Version(2026, 4, 5)


def test_plain_json_is_read_without_the_json5_parser(tmp_path: Path) -> None:
    (tmp_path / "openclaw.json").write_text('{"gateway": {"port": 1}}')
    script = (
        "import sys\nfrom lockdeck.backend.openclaw.roots.config import load_config\n"
        "assert load_config(sys.argv[1], {}).gateway_port == 1\nassert 'pyjson5' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)


def test_a_missing_config_is_an_empty_one(tmp_path: Path) -> None:
    config = load_config(str(tmp_path), {"HOME": str(tmp_path)})
    assert (config.path, config.problem, config.notes) == (str(tmp_path / "openclaw.json"), None, ())
    assert config.ownership.ours
    assert config.chain_for("main").candidates == ()


def test_the_old_name_counts_where_the_new_one_is_missing(tmp_path: Path) -> None:
    (tmp_path / "clawdbot.json").write_text('{"gateway": {"port": 7}}')
    assert load_config(str(tmp_path), {}).gateway_port == 7
    (tmp_path / "openclaw.json").write_text('{"gateway": {"port": 8}}')
    assert load_config(str(tmp_path), {}).gateway_port == 8


def test_a_config_path_from_the_environment_counts_only_for_its_own_root(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text('{"gateway": {"port": 7}}')
    for name in ("mine", "other"):
        (tmp_path / name).mkdir()
    env = {
        "HOME": str(tmp_path),
        "OPENCLAW_STATE_DIR": str(tmp_path / "mine"),
        "OPENCLAW_CONFIG_PATH": "~/elsewhere.json",
    }
    assert load_config(str(tmp_path / "mine"), env).gateway_port == 7
    assert load_config(str(tmp_path / "other"), env).gateway_port is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{\n  a: 1,\n  b: }\n", "line 3, column 6"),
        ('{"a": 1,\n "b" 2}', "line 2, column 6"),
        (" ", "is empty"),
    ],
)
def test_a_broken_config_says_where(tmp_path: Path, text: str, place: str) -> None:
    config = load(tmp_path, text)
    assert place in str(config.problem)
    assert str(tmp_path / ".openclaw/openclaw.json") in str(config.problem)
    assert config.gateway_port is None


@pytest.mark.parametrize(
    "text", ["[]", "null", "7", '"x"', "[" * 100_000, '{"a":' * 3000, "\x00", "{a:" * 600]
)
def test_what_is_no_config_is_a_problem(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text).problem is not None


def test_bytes_that_are_no_text_are_a_problem(tmp_path: Path) -> None:
    (tmp_path / "openclaw.json").write_bytes(b'{"a": "\xff"}')
    assert "not UTF-8" in str(load_config(str(tmp_path), {}).problem)


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    assert load(tmp_path, '\ufeff{"gateway": {"port": 9}}').gateway_port == 9


def test_planted_and_endless_files_are_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "openclaw.json"
    os.mkfifo(path)
    assert "named pipe" in str(load_config(str(tmp_path), {}).problem)
    path.unlink()
    with path.open("wb") as file:
        file.truncate(1 << 30)
    assert "more than" in str(load_config(str(tmp_path), {}).problem)


def test_half_a_megabyte_of_json5_is_read_within_the_time_of_a_look(tmp_path: Path) -> None:
    text = "{" + "".join(f"key{i}: 'value {i}', // c\n" for i in range(18_000)) + "gateway: {port: 7}}"
    began = time.process_time()
    assert load(tmp_path, text).gateway_port == 7
    assert time.process_time() - began < 3


def test_an_error_in_json5_shows_nothing_of_what_was_read_before_it(tmp_path: Path) -> None:
    problem = load(tmp_path, "{gateway: {auth: {token: 'hunter2'}}, b: }").problem
    assert "not valid JSON5" in str(problem)
    assert "hunter2" not in str(problem)


def test_a_linked_config_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text('{"gateway": {"port": 9}}')
    (tmp_path / "openclaw.json").symlink_to("real.json")
    assert load_config(str(tmp_path), {}).gateway_port == 9


def test_variables_are_replaced_where_they_are_set_and_noted_where_not(tmp_path: Path) -> None:
    text = {
        "session": {"store": "${BASE}/s.json"},
        "gateway": {
            "bind": "$${BASE}",
            "mode": "${lower}",
            "auth": {"token": "${MISSING}", "password": "${EMPTY}"},
        },
    }
    config = load(tmp_path, text, {"BASE": "/b", "EMPTY": ""})
    assert (config.session_store, config.gateway_bind, config.gateway_mode) == (
        "/b/s.json",
        "${BASE}",
        "${lower}",
    )
    assert config.token == SecretRef("env", "default", "MISSING")
    assert config.password == SecretRef("env", "default", "EMPTY")
    assert [note for note in config.notes if "MISSING" in note]


def test_secrets_are_never_printed(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        {"gateway": {"auth": {"token": "hunter2", "password": "hunter2"}, "remote": {"token": "hunter2"}}},
    )
    assert isinstance(config.token, Secret)
    assert config.token.reveal() == "hunter2"
    assert (
        "hunter2"
        not in f"{config!r} {config} {config.token} {config.token!r} {config.password:} %s" % config.token
    )


def test_a_secret_kept_elsewhere_is_named_as_such(tmp_path: Path) -> None:
    reference = {"source": "exec", "provider": "vault", "id": "gateway/token"}
    config = load(tmp_path, {"gateway": {"auth": {"token": reference, "password": {"id": 7}}}})
    assert config.token == SecretRef("exec", "vault", "gateway/token")
    assert config.password is None


def test_a_relative_store_is_noted_not_guessed(tmp_path: Path) -> None:
    config = load(tmp_path, {"session": {"store": "data/sessions.json"}})
    assert config.session_store is None
    assert "relative" in config.unknown_store


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        ("${OC_DATA}/sessions.json", "variable"),
        ("/data/${OC_DATA}/sessions.json", "variable"),
        ("~/${OC_DATA}/sessions.json", "variable"),
        ("G:\\\\AI\\\\openclaw\\\\sessions.json", "Windows"),
        ("G:/AI/openclaw/sessions.json", "Windows"),
        ("\\\\\\\\host\\\\share\\\\sessions.json", "Windows"),
    ],
)
def test_a_store_that_cannot_be_resolved_is_unknown_and_says_why(
    tmp_path: Path, store: str, reason: str
) -> None:
    config = load(tmp_path, {"session": {"store": store}})
    assert config.session_store is None
    assert reason in config.unknown_store


def test_a_store_that_is_not_set_or_absolute_is_known(tmp_path: Path) -> None:
    assert load(tmp_path, {}).unknown_store is None
    assert load(tmp_path, {"session": {"store": "/data/sessions.json"}}).unknown_store is None


@pytest.mark.parametrize("port", [0, 65536, "18789", True, 1.5, None])
def test_an_impossible_port_is_none(tmp_path: Path, port: object) -> None:
    assert load(tmp_path, {"gateway": {"port": port}}).gateway_port is None


def test_wrong_types_cost_only_themselves(tmp_path: Path) -> None:
    text = {
        "gateway": ["x"],
        "session": "x",
        "agents": {"defaults": 7, "list": [7, {"id": "ezra", "model": [1]}, {"id": None}]},
        "auth": {"order": {"a": "b"}, "profiles": {"p": 7}},
        "models": {"providers": {"a": 7, "b": {"timeoutSeconds": 10**400}}},
        "logging": {"file": "~/log"},
    }
    config = load(tmp_path, text)
    assert config.problem is None
    assert config.logging_file == str(tmp_path / "log")
    assert [agent.id for agent in config.agents] == ["ezra", "main"]
    assert config.chain_for("ezra").candidates == ()


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], ()),
        ([{"id": "a"}, {"id": "b"}], (Agent("a", True), Agent("b", False))),
        ([{"id": "a"}, {"id": "b", "default": True}], (Agent("a", False), Agent("b", True))),
        ([{"id": "A"}, {"id": "a ", "default": True}], (Agent("a", True),)),
    ],
)
def test_agents_and_the_default_one(
    tmp_path: Path, entries: list[object], expected: tuple[Agent, ...]
) -> None:
    assert load(tmp_path, {"agents": {"list": entries}}).agents == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Silas", "silas"), (" Prince Ezra! ", "prince-ezra"), ("", "main"), (None, "main"), ("é", "main")],
)
def test_agent_ids_are_made_as_openclaw_makes_them(name: object, expected: str) -> None:
    assert agent_id(name) == expected


def test_included_files_are_merged_below_the_config_itself(tmp_path: Path) -> None:
    root = tmp_path / ".openclaw"
    (root / "parts").mkdir(parents=True)
    (root / "parts/base.json5").write_text(
        "{gateway: {port: 1, bind: 'lan'}, agents: {$include: './agents.json'}}"
    )
    (root / "parts/agents.json").write_text('{"list": [{"id": "ezra"}]}')
    config = load(tmp_path, {"$include": "./parts/base.json5", "gateway": {"port": 2}})
    assert (config.gateway_port, config.gateway_bind, config.notes) == (2, "lan", ())
    assert [agent.id for agent in config.agents] == ["ezra"]


def test_several_includes_go_in_order(tmp_path: Path) -> None:
    root = tmp_path / ".openclaw"
    root.mkdir()
    (root / "a.json").write_text('{"gateway": {"port": 1}, "agents": {"list": [{"id": "a"}]}}')
    (root / "b.json").write_text('{"gateway": {"port": 2}, "agents": {"list": [{"id": "b"}]}}')
    config = load(tmp_path, {"$include": ["a.json", "b.json"]})
    assert config.gateway_port == 2
    assert [agent.id for agent in config.agents] == ["a", "b"]


@pytest.mark.parametrize(
    ("include", "why"),
    [
        ("../outside.json", "outside"),
        ("/etc/passwd", "outside"),
        ("link.json", "outside"),
        ("missing.json", "does not exist"),
        ("openclaw.json", "includes itself"),
        ("loop.json", "includes itself"),
        ("pipe.json", "named pipe"),
        ("broken.json", "not valid JSON5"),
        (7, "outside"),
        ("a\0b", "not a possible path"),
    ],
)
def test_an_include_that_can_not_be_used_is_noted_and_the_rest_counts(
    tmp_path: Path, include: object, why: str
) -> None:
    root = tmp_path / ".openclaw"
    root.mkdir()
    (tmp_path / "outside.json").write_text('{"gateway": {"port": 666}}')
    (root / "link.json").symlink_to(tmp_path / "outside.json")
    (root / "loop.json").write_text('{"$include": "loop.json"}')
    (root / "broken.json").write_text("{")
    os.mkfifo(root / "pipe.json")
    config = load(tmp_path, {"$include": include, "gateway": {"port": 2}})
    assert (config.gateway_port, config.problem) == (2, None)
    assert [sentence for sentence in config.hidden if why in sentence]


def test_past_the_budget_of_includes_nothing_is_taken_from_the_config(tmp_path: Path) -> None:
    root = tmp_path / ".openclaw"
    root.mkdir()
    (root / "part.json").write_text("{}")
    config = load(tmp_path, {"$include": ["part.json"] * 1000, "gateway": {"port": 2}})
    assert config.gateway_port is None
    assert "more than" in str(config.problem)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just("${HOME}"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["gateway", "auth", "agents", "list", "defaults", "model", "models", "session", "store", "id"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(VALUES)
def test_no_values_make_the_loader_raise(tmp_path_factory: pytest.TempPathFactory, values: object) -> None:
    root = tmp_path_factory.mktemp("root")
    (root / "openclaw.json").write_text(json.dumps(values))
    config = load_config(str(root), {"HOME": str(root)})
    config.chain_for("main")


@given(st.text(max_size=60))
def test_no_text_makes_the_parser_raise_anything_else(text: str) -> None:
    with contextlib.suppress(configtext.ConfigFileError):
        configtext.parse(text, "config")
