"""The state folder of one instance: config, workspaces and credentials, in the dialect of its release.

Four agents; a chain of three models with 2 + 2 + 1 auth profiles, so that a hang makes five attempts.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AGENTS = ("main", "silas", "ezra", "juno")
CHAIN: Mapping[str, tuple[str, tuple[str, ...]]] = {  # provider -> its model, its auth profiles
    "atlas": ("atlas-large", ("alpha", "beta")),
    "borealis": ("borealis-medium", ("alpha", "beta")),
    "cygnus": ("cygnus-small", ("solo",)),
}
ATTEMPTS = sum(len(profiles) for _, profiles in CHAIN.values())
MODELS = tuple(f"{provider}/{model}" for provider, (model, _) in CHAIN.items())
CONFIG_NAME = "openclaw.json"

Config = dict[str, Any]


def _idle_in_agent_defaults(seconds: int) -> Config:
    return {"agents": {"defaults": {"llm": {"idleTimeoutSeconds": seconds}}}}


def _idle_in_providers(seconds: int) -> Config:
    return {"models": {"providers": {provider: {"timeoutSeconds": seconds} for provider in CHAIN}}}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one release wants said differently (each was learned by trial on that release).

    `idle`: where the idle timeout of a model goes; None where the release has none. `keyed_agents`: `agents.entries`
    instead of `agents.list`; `explicit_agents`: with `agents.ownership` beside it. `bundles_acpx`: has a plugin that
    would run npx at start. `credentials_by_doctor`: auth-profiles.json is not read any more; `openclaw doctor --fix`
    imports it into SQLite. Without that 2026.7.35 sends no key and never rotates profiles, and 2026.9.6 refuses to
    start. `gateway_lock_in_state`: the gateway's own lock is below the state folder, not in /tmp. `has_readyz`: tells
    by HTTP when it is ready. `signature`: the form in which a device signs its handshake.
    """

    idle: Callable[[int], Config] | None
    keyed_agents: bool = False
    explicit_agents: bool = False
    bundles_acpx: bool = False
    credentials_by_doctor: bool = False
    gateway_lock_in_state: bool = False
    has_readyz: bool = True
    signature: str = "v3"


def _sqlite_era(*, explicit_agents: bool) -> Dialect:
    return Dialect(
        _idle_in_providers,
        keyed_agents=True,
        explicit_agents=explicit_agents,
        credentials_by_doctor=True,
        gateway_lock_in_state=True,
    )


DIALECTS: Mapping[str, Dialect] = {
    "2026.2.9": Dialect(None, has_readyz=False, signature="v2"),
    "2026.3.13": Dialect(None),
    "2026.4.5": Dialect(_idle_in_agent_defaults, bundles_acpx=True),
    "2026.4.15": Dialect(_idle_in_agent_defaults, bundles_acpx=True),
    "2026.5.18": Dialect(_idle_in_providers),
    "2026.5.28": Dialect(_idle_in_providers),
    "2026.6.35": Dialect(_idle_in_providers, credentials_by_doctor=True),
    "2026.7.35": Dialect(_idle_in_providers, credentials_by_doctor=True),
    "2026.8.2": _sqlite_era(explicit_agents=True),
    "2026.9.1": _sqlite_era(explicit_agents=True),
    "2026.9.6": _sqlite_era(explicit_agents=False),
}


def gateway_lock(version: str, root: Path) -> Path:
    """The lock that keeps a second gateway off this config, named by a hash of the config's path."""
    name = hashlib.sha256(os.fsencode(root / CONFIG_NAME)).hexdigest()[:8]
    tmp = root / "tmp" if DIALECTS[version].gateway_lock_in_state else Path("/tmp")
    return tmp / f"openclaw-{os.getuid()}" / f"gateway.{name}.lock"


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> Config:
    """Return `base` with `more` laid over it, object by object; neither is changed."""
    out = dict(base)
    for key, value in more.items():
        below = out.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            out[key] = merged(below, value)
        else:
            out[key] = value
    return out


def config(
    version: str,
    root: Path,
    port: int,
    token: str,
    base_url: Callable[[str], str],
    run: int,
    idle: int | None,
) -> Config:
    """The whole `openclaw.json`: `run` seconds for a run, `idle` seconds without a byte from a model."""
    dialect = DIALECTS[version]
    whole = _common(port, token, base_url)
    whole["agents"] = {"defaults": _agent_defaults(run), **_agents(root, dialect)}
    if dialect.bundles_acpx:
        whole["plugins"] = {"entries": {"acpx": {"enabled": False}}}
    if idle is None:
        return whole
    assert dialect.idle is not None, f"{version} has no idle timeout to set"
    return merged(whole, dialect.idle(idle))


def write_state(root: Path, openclaw_config: Config) -> None:
    """Write the state folder `root`: config, one workspace and one credential store per agent (all 0600)."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_private(root / CONFIG_NAME, openclaw_config)
    for agent in AGENTS:
        (root / f"workspace-{agent}").mkdir(exist_ok=True)
        (root / "agents" / agent / "sessions").mkdir(parents=True, exist_ok=True)
        (root / "agents" / agent / "agent").mkdir(exist_ok=True)
    write_credentials(root)


def write_credentials(root: Path) -> None:
    """Write the credential store of every agent, without what OpenClaw noted in it: no profile cools down."""
    profiles = {
        f"{provider}:{name}": {"type": "api_key", "provider": provider, "key": api_key(provider, name)}
        for provider, (_, names) in CHAIN.items()
        for name in names
    }
    for agent in AGENTS:
        credentials = root / "agents" / agent / "agent"
        _write_private(credentials / "auth-profiles.json", {"version": 1, "profiles": profiles})


def api_key(provider: str, profile: str) -> str:
    """The key of an auth profile, as the provider sees it."""
    return f"sk-{provider}-{profile}"


def _write_private(path: Path, value: Config) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file, indent=2)


def _common(port: int, token: str, base_url: Callable[[str], str]) -> Config:
    names = {provider: [f"{provider}:{name}" for name in names] for provider, (_, names) in CHAIN.items()}
    return {
        "gateway": {
            "mode": "local",
            "port": port,
            "bind": "loopback",
            "auth": {"mode": "token", "token": token},
            "tailscale": {"mode": "off"},
            "controlUi": {"enabled": False},
        },
        "update": {"checkOnStart": False},
        "discovery": {"mdns": {"mode": "off"}},
        "cron": {"enabled": False},
        "browser": {"enabled": False},
        "tools": {"profile": "minimal"},
        "models": {
            "mode": "replace",
            "providers": {
                provider: {
                    "baseUrl": base_url(provider),
                    "api": "openai-completions",
                    "models": [_model(model)],
                }
                for provider, (model, _) in CHAIN.items()
            },
        },
        "auth": {
            "profiles": {
                name: {"provider": provider, "mode": "api_key"}
                for provider in names
                for name in names[provider]
            },
            "order": names,
        },
    }


def _agent_defaults(run: int) -> Config:
    return {
        "model": {"primary": MODELS[0], "fallbacks": list(MODELS[1:])},
        "models": {model: {} for model in MODELS},
        "timeoutSeconds": run,
        "skipBootstrap": True,
        "maxConcurrent": 8,
        "heartbeat": {"every": "0m"},
    }


def _agents(root: Path, dialect: Dialect) -> Config:
    agents = {
        agent: {"name": agent.capitalize(), "workspace": str(root / f"workspace-{agent}")} for agent in AGENTS
    }
    if dialect.keyed_agents:
        return {"entries": agents, **({"ownership": "explicit"} if dialect.explicit_agents else {})}
    return {"list": [{"id": agent, "default": agent == AGENTS[0], **rest} for agent, rest in agents.items()]}


def _model(model: str) -> Config:
    return {
        "id": model,
        "name": model,
        "reasoning": False,
        "input": ["text"],
        "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
        "contextWindow": 128000,
        "maxTokens": 4096,
    }
