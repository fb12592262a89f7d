"""Calls through the `openclaw` command: an argv list, bounded in time, no credential handed on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lockdeck.backend.openclaw.gateway import command as gateway_cli
from lockdeck.backend.openclaw.gateway.access import reach
from lockdeck.backend.openclaw.gateway.command import CommandGateway, find_command
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.openclaw.roots.config import load_config


def command(tmp_path: Path, script: str) -> dict[str, str]:
    """An environment whose `openclaw` is this shell script."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "openclaw"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    root = tmp_path / "root"
    root.mkdir()
    token = {"source": "exec", "provider": "vault", "id": "x"}
    (root / "openclaw.json").write_text(json.dumps({"gateway": {"auth": {"mode": "token", "token": token}}}))
    return {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(tmp_path), "OPENCLAW_STATE_DIR": str(root)}


def reached(tmp_path: Path, env: dict[str, str]) -> CommandGateway:
    root = str(tmp_path / "root")
    line = reach(root, load_config(root, env), env, str(tmp_path / "state"))
    assert isinstance(line, CommandGateway)
    return line


def test_where_only_openclaw_knows_the_secret_its_command_calls(tmp_path: Path) -> None:
    said = 'echo "some banner"; printf \'{"root": "%s"}\' "$OPENCLAW_STATE_DIR"'
    line = reached(tmp_path, command(tmp_path, said))
    told = line.call("sessions.abort", {"key": "agent:$(id):main"})
    assert told["root"] == str(tmp_path / "root")


def test_params_are_one_word_and_no_shell_sees_them(tmp_path: Path) -> None:
    out = tmp_path / "argv"
    line = reached(tmp_path, command(tmp_path, f'printf "%s\\n" "$@" > {out}; echo "{{}}"'))
    line.call("sessions.abort", {"key": "agent:$(touch x); main"})
    words = out.read_text().splitlines()
    assert words[:4] == ["gateway", "call", "sessions.abort", "--params"]
    assert json.loads(words[4]) == {"key": "agent:$(touch x); main"}
    assert "--token" not in words


def test_a_failing_command_is_told_in_one_sentence(tmp_path: Path) -> None:
    line = reached(
        tmp_path, command(tmp_path, 'echo "GatewayError: missing scope: operator.write" >&2; exit 1')
    )
    with pytest.raises(GatewayError) as caught:
        line.call("sessions.abort", {"key": "k"})
    assert caught.value.kind is Trouble.SCOPE


def test_output_that_is_no_json_is_told(tmp_path: Path) -> None:
    with pytest.raises(GatewayError) as caught:
        reached(tmp_path, command(tmp_path, "echo nothing useful")).call("health")
    assert caught.value.kind is Trouble.COMMAND


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_cli, "LONGEST_S", 0.3)
    with pytest.raises(GatewayError) as caught:
        reached(tmp_path, command(tmp_path, "sleep 60 & wait")).call("health")
    assert caught.value.kind is Trouble.SILENT


def test_without_the_command_the_missing_credential_is_named(tmp_path: Path) -> None:
    env = {**command(tmp_path, ""), "PATH": str(tmp_path / "empty")}
    assert find_command(env) is None
    root = str(tmp_path / "root")
    with pytest.raises(GatewayError) as caught:
        reach(root, load_config(root, env), env, str(tmp_path / "state"))
    assert caught.value.kind is Trouble.NO_CREDENTIALS
    assert "exec secret x of provider vault" in caught.value.sentence


def test_the_command_gets_a_minimal_environment_and_what_the_config_of_our_own_root_uses(
    tmp_path: Path,
) -> None:
    env = command(tmp_path, f'env > {tmp_path}/environment; echo "{{}}"')
    token = {"source": "env", "provider": "default", "id": "GATEWAY_SECRET"}
    config = {"gateway": {"auth": {"mode": "token", "token": token}}, "models": ["${MODEL_KEY}"]}
    (tmp_path / "root" / "openclaw.json").write_text(json.dumps(config))
    env |= {"AWS_SECRET_ACCESS_KEY": "ours", "OPENCLAW_HOME": str(tmp_path)}
    env |= {
        "GATEWAY_SECRET": "its",
        "MODEL_KEY": "its",
        "LC_ALL": "C",
        "TZ": "UTC",
        "LD_PRELOAD": "no",
        "NODE_OPTIONS": "",
    }
    reached(tmp_path, env).call("health")
    names = {line.partition("=")[0] for line in (tmp_path / "environment").read_text().splitlines()}
    assert {"PATH", "HOME", "OPENCLAW_STATE_DIR", "GATEWAY_SECRET", "MODEL_KEY", "LC_ALL", "TZ"} <= names
    assert not names & {"AWS_SECRET_ACCESS_KEY", "LD_PRELOAD", "NODE_OPTIONS"}
