"""Paths that others write cost few system calls however long they are, and what can be no path is none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lockdeck.backend.model.trust import Ownership
from lockdeck.backend.openclaw.files import is_possible_path
from lockdeck.backend.openclaw.roots.config import Agent, Config, load_config
from lockdeck.backend.openclaw.roots.discovery import place_of
from lockdeck.backend.openclaw.roots.environment import same_place
from lockdeck.backend.openclaw.roots.sessionsdirs import look_for_sessions
from lockdeck.backend.openclaw.store import SessionEntry, read_store
from lockdeck.backend.openclaw.storeindex import StoreIndex
from lockdeck.backend.settings.check import SettingsError
from lockdeck.backend.settings.load import load_settings
from lockdeck.backend.settings.records import Settings

FOREIGN = Ownership(4242, fault="it is another's")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths that were looked at."""
    paths: list[str] = []
    for name in ("stat", "lstat", "readlink"):
        real = getattr(os, name)

        def counting(path, *rest, real=real, **more):
            paths.append(path)
            return real(path, *rest, **more)

        monkeypatch.setattr(os, name, counting)
    return paths


def transcripts(count: int) -> list[SessionEntry]:
    return [SessionEntry(f"k{i}", f"s{i}", f"z{i}/" + "a/" * 1900 + f"s{i}.jsonl") for i in range(count)]


def test_a_transcript_named_by_a_long_path_costs_one_call(tmp_path, calls):
    StoreIndex.build(transcripts(50), str(tmp_path))
    assert len(calls) <= 51


def test_in_a_root_that_is_not_ours_no_transcript_is_looked_for(tmp_path, calls):
    file = str(tmp_path / "link" / "a.jsonl")
    entries = [*transcripts(50), SessionEntry("k", "x", file)]
    index = StoreIndex.build(
        entries, str(tmp_path / "real"), spellings=[str(tmp_path / "link")], follow=False
    )
    assert index.find(str(tmp_path / "real" / "a.jsonl.lock")) is entries[-1]
    assert calls == []


def test_long_paths_are_compared_with_few_calls(tmp_path, calls):
    assert not same_place("/" + "a/" * 2000, str(tmp_path))
    assert len(calls) <= 4


def test_agents_that_only_the_config_names_cost_few_calls_each(tmp_path, calls):
    store = str(tmp_path / "s" / "{agentId}") + "/a" * 50 + "/sessions.json"
    agents = tuple(Agent(f"a{i}", False) for i in range(100))
    look_for_sessions(
        str(tmp_path),
        Config(str(tmp_path / "openclaw.json"), ownership=FOREIGN, agents=agents, session_store=store),
    )
    assert len(calls) < 500


def test_a_way_that_agents_share_is_looked_at_once(tmp_path, calls):
    shared = tmp_path.joinpath(*["a"] * 50)
    agents = tuple(Agent(f"a{i}", False) for i in range(50))
    for agent in agents:
        (shared / agent.id).mkdir(parents=True)
    config = Config(
        str(tmp_path / "openclaw.json"),
        ownership=FOREIGN,
        agents=agents,
        session_store=str(shared / "{agentId}" / "sessions.json"),
    )
    calls.clear()
    directories, hidden = look_for_sessions(str(tmp_path), config)
    assert (len(directories), hidden) == (50, ())
    assert len(calls) < 500


def test_ways_past_the_budget_are_said_and_not_gone(tmp_path, monkeypatch):
    for number in range(10):
        (tmp_path / "agents" / f"a{number}" / "sessions").mkdir(parents=True)
    monkeypatch.setattr("lockdeck.backend.openclaw.roots.ways.Ways.__init__.__defaults__", (12,))
    directories, hidden = look_for_sessions(str(tmp_path), Config("x", ownership=FOREIGN))
    assert len(directories) < 10
    assert "more than 12 directories" in hidden[0]


def test_agents_past_the_budget_are_said(tmp_path, monkeypatch):
    for number in range(4):
        (tmp_path / "agents" / f"a{number}" / "sessions").mkdir(parents=True)
    monkeypatch.setattr("lockdeck.backend.openclaw.roots.sessionsdirs.AGENTS", 3)
    directories, hidden = look_for_sessions(str(tmp_path), Config("x"))
    assert len(directories) == 3
    assert "more than 3 agents" in hidden[0]


def test_of_many_places_that_hide_sessions_some_are_named_and_the_others_counted(tmp_path):
    (tmp_path / "agents").mkdir()
    for number in range(100):
        (tmp_path / "agents" / f"a{number}").symlink_to(tmp_path)
    _, hidden = look_for_sessions(str(tmp_path), Config("x", ownership=FOREIGN))
    assert len(hidden) == 17
    assert hidden[-1] == "84 more like these"


@pytest.mark.parametrize("store", ["/a\0b/sessions.json", "/" + "a/" * 100 + "x", "/" + "a" * 5000])
def test_a_store_path_that_can_not_be_or_is_too_deep_makes_the_store_unknown(tmp_path, store):
    (tmp_path / "openclaw.json").write_text(json.dumps({"session": {"store": store}}))
    config = load_config(str(tmp_path), {"HOME": str(tmp_path)})
    assert config.session_store is None
    assert "can't be looked at" in str(config.unknown_store)


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800", "a" * 4096])
def test_what_no_system_call_takes_is_no_path(path):
    assert not is_possible_path(path)


def test_a_transcript_with_a_nul_is_none(tmp_path):
    (tmp_path / "sessions.json").write_text(json.dumps({"k": {"sessionId": "s", "sessionFile": "/a\0b"}}))
    (entry,) = read_store(str(tmp_path / "sessions.json")).entries
    assert (entry.session_id, entry.session_file) == ("s", None)


@pytest.mark.parametrize("words", [{"configPath": "/a\0b"}, {"configPath": "/a/b", "stateDir": "/a\0b"}])
def test_a_gateway_lock_that_names_a_nul_has_no_root(tmp_path: Path, words):
    lock = tmp_path / "openclaw-0" / "gateway.12345678.lock"
    lock.parent.mkdir()
    lock.write_text(json.dumps({"pid": 1, **words}))
    assert place_of(str(lock), {"HOME": str(tmp_path)}, Settings().vouch_for).root == str(lock.parent)


def test_a_configured_root_with_a_nul_is_refused_with_its_line(tmp_path):
    (tmp_path / "config.toml").write_text('[[roots]]\npath = "/a\\u0000b"\n')
    with pytest.raises(SettingsError, match=r"config.toml:2: roots\[0\].path is no possible path"):
        load_settings(str(tmp_path / "config.toml"))
