from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.model.trust import Ownership
from lockdeck.backend.openclaw.roots.config import Agent, Config
from lockdeck.backend.openclaw.roots.discovery import Discovery, discover_roots
from lockdeck.backend.openclaw.roots.layout import lock_kind, locks_in, other_locks
from lockdeck.backend.openclaw.roots.sessionsdirs import sessions_dirs
from tests.unit.fleetdir import nobody_vouches


def root_at(path: Path, *agents: str) -> Path:
    for agent in agents:
        (path / "agents" / agent / "sessions").mkdir(parents=True)
    path.mkdir(parents=True, exist_ok=True)
    (path / "openclaw.json").write_text("{}")
    return path


def found(discovery: Discovery) -> list[str]:
    return [root.path for root in discovery.roots]


def test_all_roots_of_a_home_are_found(tmp_path: Path) -> None:
    for name in (".openclaw", ".openclaw-dev", ".openclaw-Work_2", ".clawdbot"):
        root_at(tmp_path / name)
    for name in (".openclaw-", ".openclaw-a.b", ".openclawx", "openclaw"):
        root_at(tmp_path / name)
    discovery = discover_roots({}, str(tmp_path), [], nobody_vouches)
    names = [".openclaw", ".openclaw-Work_2", ".openclaw-dev", ".clawdbot"]
    assert found(discovery) == [str(tmp_path / name) for name in names]
    assert discovery.problems == ()


def test_a_home_without_openclaw_has_no_roots_no_problems_and_says_where_it_looked(tmp_path: Path) -> None:
    discovery = discover_roots({}, str(tmp_path), [], nobody_vouches)
    assert (discovery.roots, discovery.problems) == ((), ())
    assert set(discovery.looked_at) == {str(tmp_path / ".openclaw"), str(tmp_path / ".clawdbot")}


def test_the_state_directory_of_the_environment_comes_first_and_is_missed_when_missing(
    tmp_path: Path,
) -> None:
    root_at(tmp_path / ".openclaw")
    root_at(tmp_path / "state")
    env = {"OPENCLAW_STATE_DIR": " ~/state "}
    assert found(discover_roots(env, str(tmp_path), [], nobody_vouches)) == [
        str(tmp_path / "state"),
        str(tmp_path / ".openclaw"),
    ]
    missing = discover_roots(
        {"OPENCLAW_STATE_DIR": str(tmp_path / "nowhere")}, str(tmp_path), [], nobody_vouches
    )
    assert missing.problems == ((str(tmp_path / "nowhere"), f"{tmp_path / 'nowhere'} does not exist"),)


@pytest.mark.parametrize("value", ["{tmp}/other", "~/other", " {tmp}/other "])
def test_openclaw_home_moves_the_home(tmp_path: Path, value: str) -> None:
    root_at(tmp_path / "other" / ".openclaw")
    root_at(tmp_path / ".openclaw")
    env = {"OPENCLAW_HOME": value.format(tmp=tmp_path), "HOME": str(tmp_path)}
    assert found(discover_roots(env, "/nowhere", [], nobody_vouches)) == [
        str(tmp_path / "other" / ".openclaw")
    ]


@pytest.mark.parametrize("value", ["undefined", "null", "  "])
def test_an_openclaw_home_that_means_nothing_is_ignored(tmp_path: Path, value: str) -> None:
    root_at(tmp_path / ".openclaw")
    assert found(discover_roots({"OPENCLAW_HOME": value}, str(tmp_path), [], nobody_vouches)) == [
        str(tmp_path / ".openclaw")
    ]


def test_given_roots_replace_the_defaults(tmp_path: Path) -> None:
    root_at(tmp_path / ".openclaw")
    root_at(tmp_path / "mine")
    discovery = discover_roots(
        {"OPENCLAW_STATE_DIR": str(tmp_path / ".openclaw")}, str(tmp_path), ["~/mine"], nobody_vouches
    )
    assert [root.path for root in discovery.roots] == [str(tmp_path / "mine")]


def test_two_names_of_one_place_are_one_root(tmp_path: Path) -> None:
    root_at(tmp_path / ".openclaw")
    (tmp_path / ".openclaw-link").symlink_to(tmp_path / ".openclaw")
    (tmp_path / ".clawdbot").symlink_to(".openclaw")
    assert found(discover_roots({}, str(tmp_path), [], nobody_vouches)) == [str(tmp_path / ".openclaw")]


def test_what_can_not_be_a_root_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    given = [str(tmp_path / name) for name in ("file", "empty", "loop", "missing")]
    problems = dict(discover_roots({}, str(tmp_path), [*given, "a\0b"], nobody_vouches).problems)
    assert "is a file" in problems[given[0]]
    assert "not an OpenClaw root" in problems[given[1]]
    assert "symbolic links" in problems[given[2]]
    assert "does not exist" in problems[given[3]]
    assert len(problems) == 5


@pytest.mark.parametrize(
    "below", ["agents", "agents/main", "agents/main/sessions", "agents/main/sessions/a.lock"]
)
def test_a_path_inside_a_root_is_answered_with_the_root(tmp_path: Path, below: str) -> None:
    root = root_at(tmp_path / "root", "main")
    (root / "agents/main/sessions/a.lock").write_text("")
    ((_, sentence),) = discover_roots({}, str(tmp_path), [str(root / below)], nobody_vouches).problems
    assert f"it belongs to the root {root}" in sentence


def test_a_home_given_for_its_root_is_answered_with_the_root(tmp_path: Path) -> None:
    root_at(tmp_path / ".openclaw")
    ((_, sentence),) = discover_roots({}, "/nowhere", [str(tmp_path)], nobody_vouches).problems
    assert f"did you mean {tmp_path / '.openclaw'}?" in sentence


def test_an_empty_default_root_is_a_problem_not_a_root(tmp_path: Path) -> None:
    (tmp_path / ".openclaw").mkdir()
    discovery = discover_roots({}, str(tmp_path), [], nobody_vouches)
    assert discovery.roots == ()
    assert [path for path, _ in discovery.problems] == [str(tmp_path / ".openclaw")]


def dirs(root: Path, **config: object) -> list[tuple[str, str | None]]:
    ours = Ownership(os.geteuid(), fault=None)
    settings = Config(str(root / "openclaw.json"), ownership=ours, **config)  # type: ignore[arg-type]
    return [(entry.path, entry.agent) for entry in sessions_dirs(str(root), settings)]


def test_every_agent_with_a_sessions_directory_is_found(tmp_path: Path) -> None:
    root = root_at(tmp_path / "root", "main", "silas")
    (root / "agents/without").mkdir()
    (root / "agents/file").write_text("")
    (root / "agents/dangling").symlink_to("nowhere")
    sessions = root / "agents"
    assert dirs(root) == [(str(sessions / name / "sessions"), name) for name in ("main", "silas")]


def test_a_linked_agent_is_found_once_at_its_real_place(tmp_path: Path) -> None:
    root = root_at(tmp_path / "root", "main")
    elsewhere = tmp_path / "elsewhere/sessions"
    elsewhere.mkdir(parents=True)
    (root / "agents/silas").symlink_to(tmp_path / "elsewhere")
    (root / "agents/twin").symlink_to("main")
    assert dirs(root) == [(str(root / "agents/main/sessions"), "main"), (str(elsewhere), "silas")]


def test_a_store_per_agent_is_found_for_named_present_and_main_agents(tmp_path: Path) -> None:
    root = root_at(tmp_path / "root", "silas")
    for agent in ("main", "silas", "ezra", "stranger"):
        (tmp_path / "stores" / agent).mkdir(parents=True)
    template = str(tmp_path / "stores/{agentId}/sessions.json")
    assert dirs(root, session_store=template, agents=(Agent("ezra", True), Agent("absent", False))) == [
        (str(root / "agents/silas/sessions"), "silas"),
        (str(tmp_path / "stores/ezra"), "ezra"),
        (str(tmp_path / "stores/silas"), "silas"),
        (str(tmp_path / "stores/main"), "main"),
    ]


def test_one_store_for_all_has_no_agent(tmp_path: Path) -> None:
    root = root_at(tmp_path / "root")
    (tmp_path / "shared").mkdir()
    config = Config("", session_store=str(tmp_path / "shared/all.json"))
    (only,) = sessions_dirs(str(root), config)
    assert (only.path, only.agent, only.store_path) == (
        str(tmp_path / "shared"),
        None,
        str(tmp_path / "shared/all.json"),
    )


def test_agents_that_vanish_meanwhile_are_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = root_at(tmp_path / "root", "main", "silas")
    real_listdir = os.listdir

    def listed_then_gone(path: str) -> list[str]:
        names = real_listdir(path)
        if str(path).endswith("agents") and (root / "agents/silas").exists():
            (root / "agents/silas/sessions").rmdir()
            (root / "agents/silas").rmdir()
        return names

    monkeypatch.setattr(os, "listdir", listed_then_gone)
    assert dirs(root) == [(str(root / "agents/main/sessions"), "main")]
    assert dirs(tmp_path / "gone") == []


def test_all_lock_names_of_a_directory_are_listed_and_a_missing_directory_has_none(tmp_path: Path) -> None:
    for name in ("b.jsonl.lock", "a.jsonl.lock", "sessions.json.lock", "a.jsonl", "x.lock.tmp"):
        (tmp_path / name).write_text("")
    os.mkfifo(tmp_path / "pipe.lock")
    names = ["a.jsonl.lock", "b.jsonl.lock", "pipe.lock", "sessions.json.lock"]
    assert locks_in(str(tmp_path)) == [str(tmp_path / name) for name in names]
    assert locks_in(str(tmp_path / "missing")) == []
    assert locks_in(str(tmp_path / "a.jsonl")) == []


def test_a_directory_that_can_not_be_listed_is_not_taken_for_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: str) -> list[str]:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "listdir", denied)
    with pytest.raises(PermissionError):
        locks_in(str(tmp_path))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/r/agents/main/sessions/0f6c.jsonl.lock", LockKind.SESSION),
        ("/r/agents/main/sessions/0f6c-topic-a%20b.jsonl.lock", LockKind.SESSION),
        ("/r/agents/main/sessions/0f6c.trajectory.jsonl.lock", LockKind.OTHER),
        ("/r/agents/main/sessions/.jsonl.lock", LockKind.OTHER),
        ("/r/agents/main/sessions/0f6c.jsonl.lock.bak", LockKind.OTHER),
        ("/r/agents/main/sessions/0f6c.JSONL.LOCK", LockKind.OTHER),
        ("/r/agents/main/sessions/sessions.json.lock", LockKind.STORE),
        ("/r/agents/main/agent/auth-profiles.json.lock", LockKind.AUTH),
        ("/r/sandbox/containers.json.lock", LockKind.SANDBOX),
        ("/r/sandbox/x/containers.json.lock", LockKind.OTHER),
        ("/r/agents/main/qmd/embed.lock", LockKind.OTHER),
    ],
)
def test_the_name_tells_the_kind(path: str, kind: LockKind) -> None:
    assert lock_kind(path) is kind


def test_locks_outside_the_sessions_directories_are_found(tmp_path: Path) -> None:
    root = root_at(tmp_path / "root", "main")
    names = [
        "agents/main/agent/auth-profiles.json.lock",
        "agents/main/qmd/embed.lock",
        "credentials/pairing.json.lock",
        "sandbox/containers.json.lock",
    ]
    for name in [*names, "agents/main/sessions/a.jsonl.lock"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    assert other_locks(str(root)) == [str(root / name) for name in names]
    assert other_locks(str(tmp_path / "missing")) == []
