"""Addresses of gateways: what is one, which of them are this machine, the port of a root, and who may stand behind it."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from lockdeck.backend.model.trust import ROOT_UID
from lockdeck.backend.openclaw.locks.gatewaylock import serving_gateway_lock
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.environment import home_of, same_place, state_dir
from lockdeck.backend.system.text import safe

DEFAULT_PORT = 18789


def why_no_url(url: str) -> str | None:
    """Say why this can't be the URL of a gateway; None where it can."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"{safe(url, 120)} is no URL: {error}"
    if parts.scheme not in ("ws", "wss") or not host:
        return f"{safe(url, 120)} is no gateway URL: write ws://HOST:PORT or wss://…"
    if parts.username or parts.password or parts.query or parts.fragment:
        return "the URL must hold no credential: set OPENCLAW_GATEWAY_TOKEN instead"
    return None


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine's own loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_environment_of(env: Mapping[str, str], root: str, config: Config) -> bool:
    """Return whether an environment of ours speaks of `root`: it names that, and the root is not only vouched for."""
    return not config.ownership.vouched and same_place(state_dir(env, home_of(env)), root)


def port_here(root: str, config: Config, env: Mapping[str, str], url: str | None = None) -> int | None:
    """Return the port of this machine at which the gateway of `root` is asked; None where that is elsewhere."""
    serves_root = is_environment_of(env, root, config)
    named = url or (env.get("OPENCLAW_GATEWAY_URL", "").strip() if serves_root else "")
    if named:
        parts = None if why_no_url(named) else urlsplit(named)
        return parts.port if parts is not None and is_loopback(parts.hostname or "") else None
    remote = config.gateway_mode == "remote" and config.remote_url
    return None if remote else port_of_root(root, config, env if serves_root else {})


def port_of_root(root: str, config: Config, env: Mapping[str, str]) -> int:
    """Return the port of a root's gateway on this machine; `env` is empty where it is not this root's."""
    try:
        lock = serving_gateway_lock(root, config.path, env, os.stat(root).st_uid)
    except OSError:
        lock = None
    word = env.get("OPENCLAW_GATEWAY_PORT", "").strip().rpartition(":")[2]
    from_env = int(word) if word.isascii() and word.isdigit() and 0 < int(word[:6]) < 65536 else None
    return (lock.port if lock else None) or from_env or config.gateway_port or DEFAULT_PORT


def owners_of(root: str) -> frozenset[int]:
    """Return the accounts that may serve a root: its owner, ours, and root's. A port is free for anybody to take."""
    try:
        owner = os.stat(root).st_uid
    except OSError:
        owner = os.geteuid()
    return frozenset({owner, os.geteuid(), ROOT_UID})
