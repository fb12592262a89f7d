from __future__ import annotations

import json
from pathlib import Path

import pytest

from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.chain import Candidate
from lockdeck.backend.openclaw.roots.config import Config, load_config
from lockdeck.backend.openclaw.roots.failover import read_profiles

CHAIN = {"primary": "atlas/atlas-large", "fallbacks": ["borealis/borealis-medium", "cygnus/cygnus-small"]}
PROFILES = ("atlas:alpha", "atlas:beta", "borealis:alpha", "borealis:beta", "cygnus:solo")


def config_of(tmp_path: Path, **sections: object) -> Config:
    (tmp_path / "openclaw.json").write_text(json.dumps(sections))
    config = load_config(str(tmp_path), {})
    assert config.problem is None
    return config


def store_profiles(tmp_path: Path, agent: str, **more: object) -> None:
    directory = tmp_path / "agents" / agent / "agent"
    directory.mkdir(parents=True, exist_ok=True)
    profiles = {
        name: {"type": "api_key", "provider": name.split(":")[0], "key": f"sk-{name}"} for name in PROFILES
    }
    (directory / "auth-profiles.json").write_text(json.dumps({"version": 1, "profiles": profiles} | more))


def names(config: Config, agent: str = "main") -> list[str]:
    return [f"{candidate.provider}/{candidate.model}" for candidate in config.chain_for(agent).candidates]


def test_the_chain_of_the_incident_has_three_models_and_five_profiles(tmp_path: Path) -> None:
    order = {"atlas": ["atlas:alpha", "atlas:beta"], "borealis": ["borealis:alpha", "borealis:beta"]}
    config = config_of(
        tmp_path,
        agents={
            "defaults": {
                "model": CHAIN,
                "timeoutSeconds": 20,
                "llm": {"idleTimeoutSeconds": 8},
                "compaction": {"timeoutSeconds": 300},
            }
        },
        auth={"order": order, "profiles": {"cygnus:solo": {"provider": "cygnus", "mode": "api_key"}}},
        models={"providers": {"Borealis": {"timeoutSeconds": 30}}},
    )
    store_profiles(tmp_path, "main")
    chain = config.chain_for("silas", read_profiles(str(tmp_path), "silas", confined=False))
    assert chain.candidates == (
        Candidate("atlas", "atlas-large", ("atlas:alpha", "atlas:beta")),
        Candidate("borealis", "borealis-medium", ("borealis:alpha", "borealis:beta"), 30.0),
        Candidate("cygnus", "cygnus-small", ("cygnus:solo",)),
    )
    assert (chain.run_timeout_s, chain.idle_timeout_s, chain.compaction_timeout_s) == (20.0, 8.0, 300.0)


def test_without_a_credential_store_the_config_tells_the_profiles(tmp_path: Path) -> None:
    profiles = {"atlas:x": {"provider": "Atlas"}, "other:y": {"provider": "other"}}
    config = config_of(tmp_path, agents={"defaults": {"model": "atlas/a"}}, auth={"profiles": profiles})
    assert read_profiles(str(tmp_path), "main", confined=False) is None
    assert config.chain_for("main").candidates == (Candidate("atlas", "a", ("atlas:x",)),)


def test_timeouts_that_are_off_are_told_from_timeouts_not_set(tmp_path: Path) -> None:
    off = config_of(tmp_path, agents={"defaults": {"model": "a/b", "llm": {"idleTimeoutSeconds": 0}}})
    assert (off.chain_for("main").idle_timeout_s, off.chain_for("main").run_timeout_s) == (0.0, None)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (None, ["atlas/atlas-large", "borealis/borealis-medium", "cygnus/cygnus-small"]),
        ({"primary": "x/y", "fallbacks": []}, ["x/y"]),
        ({"primary": "x/y", "fallbacks": ["x/z"]}, ["x/y", "x/z"]),
        ({"fallbacks": ["x/z"]}, ["atlas/atlas-large", "x/z"]),
        ("x/y", ["x/y", "atlas/atlas-large"]),
        (
            "atlas/small",
            ["atlas/small", "borealis/borealis-medium", "cygnus/cygnus-small", "atlas/atlas-large"],
        ),
        ("cygnus/cygnus-small", ["cygnus/cygnus-small", "borealis/borealis-medium", "atlas/atlas-large"]),
    ],
)
def test_the_own_model_of_an_agent_changes_the_chain_as_in_2026_4_5(
    tmp_path: Path, own: object, expected: list[str]
) -> None:
    entry = {"id": "main"} | ({} if own is None else {"model": own})
    config = config_of(tmp_path, agents={"defaults": {"model": CHAIN}, "list": [entry]})
    assert names(config) == expected


@pytest.mark.parametrize("own", ["x/y", {"primary": "x/y"}])
@pytest.mark.parametrize(
    ("version", "expected"),
    [("2026.4.24", ["x/y", "atlas/atlas-large"]), ("2026.4.29", ["x/y"]), ("2026.7.35", ["x/y"])],
)
def test_from_2026_4_29_on_an_own_model_alone_means_no_fallbacks(
    tmp_path: Path, own: object, version: str, expected: list[str]
) -> None:
    entry = {"id": "main", "model": own}
    meta = {"lastTouchedVersion": version}
    config = config_of(tmp_path, meta=meta, agents={"defaults": {"model": CHAIN}, "list": [entry]})
    assert names(config) == expected


def test_the_release_that_runs_goes_before_the_one_that_wrote_the_config(tmp_path: Path) -> None:
    agents = {"defaults": {"model": CHAIN}, "list": [{"id": "main", "model": "atlas/small"}]}
    config = config_of(tmp_path, meta={"lastTouchedVersion": "2026.4.5"}, agents=agents)
    assert len(config.chain_for("main").candidates) == 4
    assert len(config.chain_for("main", version=Version(2026, 7, 35)).candidates) == 1


def test_an_agent_without_a_model_of_its_own_keeps_the_defaults_fallbacks(tmp_path: Path) -> None:
    meta = {"lastTouchedVersion": "2026.7.35"}
    config = config_of(tmp_path, meta=meta, agents={"defaults": {"model": CHAIN}, "list": [{"id": "main"}]})
    assert len(names(config)) == 3


def test_aliases_and_bare_names_are_resolved(tmp_path: Path) -> None:
    model = {"primary": "Big", "fallbacks": ["atlas/atlas-large", "bare"]}
    models = {"atlas/atlas-large": {"alias": "big"}}
    assert names(config_of(tmp_path, agents={"defaults": {"model": model, "models": models}})) == [
        "atlas/atlas-large",
        "openai/bare",
    ]


def test_the_order_in_the_credential_store_goes_before_the_config(tmp_path: Path) -> None:
    store_profiles(tmp_path, "main", order={"atlas": ["atlas:beta", "atlas:gone", "atlas:alpha"]})
    config = config_of(
        tmp_path, agents={"defaults": {"model": "atlas/a"}}, auth={"order": {"atlas": ["atlas:alpha"]}}
    )
    (candidate,) = config.chain_for("main", read_profiles(str(tmp_path), "main", confined=False)).candidates
    assert candidate.profiles == ("atlas:beta", "atlas:alpha")


def test_without_an_order_kind_and_last_use_decide(tmp_path: Path) -> None:
    profiles = {
        "k": {"type": "api_key", "provider": "atlas"},
        "t2": {"type": "token", "provider": "atlas"},
        "t1": {"type": "token", "provider": "atlas"},
        "o": {"type": "oauth", "provider": "atlas"},
        "x": {"type": "oauth", "provider": "other"},
    }
    store_profiles(
        tmp_path, "main", profiles=profiles, usageStats={"t2": {"lastUsed": 5}, "t1": {"lastUsed": 9}}
    )
    config = config_of(tmp_path, agents={"defaults": {"model": "atlas/a"}})
    (candidate,) = config.chain_for("main", read_profiles(str(tmp_path), "main", confined=False)).candidates
    assert candidate.profiles == ("o", "t2", "t1", "k")


def test_the_store_of_an_agent_goes_over_that_of_main(tmp_path: Path) -> None:
    store_profiles(tmp_path, "main", order={"atlas": ["atlas:alpha"]})
    store_profiles(
        tmp_path, "silas", profiles={"own": {"provider": "atlas"}}, order={"atlas": ["own", "atlas:beta"]}
    )
    config = config_of(tmp_path, agents={"defaults": {"model": "atlas/a"}})
    (candidate,) = config.chain_for("silas", read_profiles(str(tmp_path), "silas", confined=False)).candidates
    assert candidate.profiles == ("own", "atlas:beta")


def test_credentials_are_never_kept(tmp_path: Path) -> None:
    store_profiles(tmp_path, "main")
    assert "sk-" not in repr(read_profiles(str(tmp_path), "main", confined=False))


@pytest.mark.parametrize("raw", ["", "{", "[]", '{"profiles": 7}', "\0"])
def test_a_broken_credential_store_counts_as_none(tmp_path: Path, raw: str) -> None:
    store_profiles(tmp_path, "main")
    (tmp_path / "agents/main/agent/auth-profiles.json").write_text(raw)
    assert read_profiles(str(tmp_path), "main", confined=False) is None


def test_a_store_of_profiles_behind_a_link_is_read_only_where_nobody_else_decides_where_it_leads(
    tmp_path: Path,
) -> None:
    store_profiles(tmp_path, "main")
    store = tmp_path / "agents" / "main" / "agent" / "auth-profiles.json"
    store.rename(tmp_path / "away.json")
    store.symlink_to(tmp_path / "away.json")
    assert read_profiles(str(tmp_path), "main", confined=False) is not None
    assert read_profiles(str(tmp_path), "main", confined=True) is None
