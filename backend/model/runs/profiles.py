"""Auth profiles: the hash that stands for one in logs, and the names learnt for hashes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from lockdeck.backend.model.digest import sha256

MAX_PROFILES = 1024


@lru_cache(1024)  # a fleet has few profiles, and a long log names them many times
def profile_hash(profile: str) -> str:
    """Return the hash that OpenClaw logs for a profile id: `sha256:` and 12 hex digits (seen on 2026.4.5)."""
    return "sha256:" + sha256(profile.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def with_profiles(names: Mapping[str, str], added: Mapping[str, str]) -> Mapping[str, str]:
    """Add profile ids by hash; what was learned first is forgotten when a hostile log names too many."""
    if all(key in names for key in added):
        return names
    return dict(list({**names, **added}.items())[-MAX_PROFILES:])
