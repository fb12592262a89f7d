"""The state folder of one instance: config, workspaces and credentials, in the dialect of its release.

Four agents; a chain of three models with 2 + 2 + 1 auth profiles, so that a hang makes five attempts.
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one release wants said differently. `idle` sets the idle timeout of a model, in seconds."""

    idle: Callable[[int], Config]
    extra: Config


def _idle_in_agent_defaults(seconds: int) -> Config:
    return {"agents": {"defaults": {"llm": {"idleTimeoutSeconds": seconds}}}}


def _idle_in_providers(seconds: int) -> Config:
    return {"models": {"providers": {provider: {"timeoutSeconds": seconds} for provider in CHAIN}}}


DIALECTS: Mapping[str, Dialect] = {
    "2026.4.5": Dialect(_idle_in_agent_defaults, {}),
    "2026.7.35": Dialect(_idle_in_providers, {}),
    "2026.9.6": Dialect(_idle_in_providers, {}),
}


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> Config:
    """Return `base` with `more` laid over it, object by object; neither is changed."""
    out = dict(base)
    for key, value in more.items():
        below = out.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        out[key] = merged(below, value) if both else value
    return out


def config(
    version: str, root: Path, port: int, token: str, base_url: Callable[[str], str], run: int, idle: int | None
) -> Config:
    """The whole `openclaw.json`: `run` seconds for a run, `idle` seconds without a byte from a model."""
    dialect = DIALECTS[version]
    whole = merged(_common(root, port, token, base_url, run), dialect.extra)
    return whole if idle is None else merged(whole, dialect.idle(idle))


def write_state(root: Path, openclaw_config: Config) -> None:
    """Write the state folder `root`: config, one workspace and one credential store per agent (all 0600)."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_private(root / CONFIG_NAME, openclaw_config)
    profiles = {
        f"{provider}:{name}": {"type": "api_key", "provider": provider, "key": api_key(provider, name)}
        for provider, (_, names) in CHAIN.items()
        for name in names
    }
    for agent in AGENTS:
        (root / f"workspace-{agent}").mkdir(exist_ok=True)
        (root / "agents" / agent / "sessions").mkdir(parents=True, exist_ok=True)
        credentials = root / "agents" / agent / "agent"
        credentials.mkdir(exist_ok=True)
        _write_private(credentials / "auth-profiles.json", {"version": 1, "profiles": profiles})


def api_key(provider: str, profile: str) -> str:
    """The key of an auth profile, as the provider sees it."""
    return f"sk-{provider}-{profile}"


def _write_private(path: Path, value: Config) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file, indent=2)


def _common(root: Path, port: int, token: str, base_url: Callable[[str], str], run: int) -> Config:
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
        "plugins": {"entries": {"acpx": {"enabled": False}}},  # it would run npx at start
        "models": {
            "mode": "replace",
            "providers": {
                provider: {"baseUrl": base_url(provider), "api": "openai-completions", "models": [_model(model)]}
                for provider, (model, _) in CHAIN.items()
            },
        },
        "auth": {
            "profiles": {
                name: {"provider": provider, "mode": "api_key"} for provider in names for name in names[provider]
            },
            "order": names,
        },
        "agents": {"defaults": _agent_defaults(run), "list": [_agent(root, agent) for agent in AGENTS]},
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


def _agent(root: Path, agent: str) -> Config:
    return {
        "id": agent,
        "name": agent.capitalize(),
        "workspace": str(root / f"workspace-{agent}"),
        "default": agent == AGENTS[0],
    }


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
