"""The models and auth profiles that an agent will try, as its config and its credential store say.

Follows the rules of 2026.4.5 and, where a trait says so, those of the release. Cooldowns are left out: a profile in cooldown is tried last, not never.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.openclaw.files import read_regular

PROFILES_CAP_BYTES = 4 << 20
DEFAULT_PROVIDER = "openai"
"""The provider of a model that is named without one (2026.4.5)."""
_KIND_RANK = {"oauth": 0, "token": 1, "api_key": 2}


class Profile(msgspec.Struct, frozen=True, rename="camel"):
    """The part of one stored credential that is read: whose it is and of what kind, never the credential."""

    provider: str = ""
    type: str = ""


class _Usage(msgspec.Struct, frozen=True, rename="camel"):
    last_used: float | None = None


class StoredProfiles(msgspec.Struct, frozen=True, rename="camel"):
    """The credential store of one agent without its credentials."""

    profiles: dict[str, Profile] = {}
    order: dict[str, list[str]] | None = None
    usage_stats: dict[str, _Usage] | None = None


class Models(Struct, frozen=True):
    """A model setting: `primary`, and `fallbacks` where it names any (an empty list means "none")."""

    primary: str | None = None
    fallbacks: tuple[str, ...] | None = None


class FailoverSettings(Struct, frozen=True):
    """The config on failing over. Timeouts in seconds; 0 means off, None means default."""

    defaults: Models = Models()
    by_agent: Mapping[str, Models] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    profile_order: Mapping[str, Sequence[str]] = field(default_factory=dict)
    profile_providers: Mapping[str, str] = field(default_factory=dict)
    provider_timeouts: Mapping[str, float] = field(default_factory=dict)
    idle_timeout_s: float | None = None
    run_timeout_s: float | None = None
    compaction_timeout_s: float | None = None


def read_profiles(root: str, agent: str, *, confined: bool) -> StoredProfiles | None:
    """Read which profiles `agent` has, those of `main` included, as OpenClaw merges them.

    `confined`: no link below the root is followed, for a root that is not ours.

    Credentials are skipped, not built. None where no store can be read (SQLite era: always).
    """
    read = (_stored(root, path, confined) for path in profile_files(root, agent))
    stores = [store for store in read if store is not None]
    if not stores:
        return None
    return StoredProfiles(
        {name: profile for store in stores for name, profile in store.profiles.items()},
        {name: order for store in stores for name, order in (store.order or {}).items()},
        {name: usage for store in stores for name, usage in (store.usage_stats or {}).items()},
    )


def profile_files(root: str, agent: str) -> list[str]:
    """Return where the profiles of `agent` may stand, the later going before the earlier."""
    names = dict.fromkeys(["main", agent])
    return [os.path.join(root, "agents", name, "agent", "auth-profiles.json") for name in names]


def _stored(root: str, path: str, confined: bool) -> StoredProfiles | None:
    content = read_regular(path, PROFILES_CAP_BYTES, follow=True, below=root if confined else None)
    if content.presence is not Presence.FILE:
        return None
    try:
        return msgspec.json.decode(content.raw, type=StoredProfiles, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def chain_of(
    settings: FailoverSettings, agent: str, stored: StoredProfiles | None, version: Version | None
) -> FailoverChain:
    """Return what a run of `agent` tries, in order; without `stored` the profiles are those of the config."""
    drops_fallbacks = traits_of(version).own_model_drops_fallbacks
    names = _model_names(settings, agent, drops_fallbacks=drops_fallbacks)
    refs = dict.fromkeys(_reference(name, settings) for name in names)
    candidates = tuple(
        Candidate(
            provider,
            model,
            tuple(profiles_for(settings, provider, stored)),
            settings.provider_timeouts.get(provider),
        )
        for provider, model in refs
        if model
    )
    return FailoverChain(
        candidates, settings.idle_timeout_s, settings.run_timeout_s, settings.compaction_timeout_s
    )


def profiles_for(settings: FailoverSettings, provider: str, stored: StoredProfiles | None) -> list[str]:
    """Return the profiles tried for `provider`, in order: stored order, else configured, else by kind and use."""
    order = _of_provider((stored.order if stored else None) or {}, provider)
    order = _of_provider(settings.profile_order, provider) if order is None else order
    explicit = [name for name, owner in settings.profile_providers.items() if _key(owner) == provider]
    if stored is None:
        return list(dict.fromkeys(explicit if order is None else order))
    owned = [name for name, profile in stored.profiles.items() if _key(profile.provider) == provider]
    candidates = order if order is not None else explicit or owned
    eligible = [name for name in dict.fromkeys(candidates) if name in owned]
    if not eligible and explicit and not any(name in stored.profiles for name in candidates):
        eligible = owned
    return eligible if order else sorted(eligible, key=lambda name: _rank(stored, name))


def _model_names(settings: FailoverSettings, agent: str, *, drops_fallbacks: bool) -> list[str]:
    """Name the models in order: own primary, fallbacks, and last the default primary where none are its own.

    `drops_fallbacks`: an own primary without fallbacks of its own stands alone (2026.4.29).
    """
    of_agent, defaults = settings.by_agent.get(agent, Models()), settings.defaults
    primary = of_agent.primary or defaults.primary
    if primary is None:
        return []
    if of_agent.fallbacks is not None:
        return [primary, *of_agent.fallbacks]
    if drops_fallbacks and of_agent.primary is not None:
        return [primary]
    fallbacks, last = list(defaults.fallbacks or ()), [defaults.primary] if defaults.primary else []
    first = _reference(primary, settings)
    references = {_reference(name, settings) for name in fallbacks}
    if last and first[0] != _reference(last[0], settings)[0] and first not in references:
        fallbacks = []
    return [primary, *fallbacks, *last]


def _reference(name: str, settings: FailoverSettings) -> tuple[str, str]:
    """Split a model name or alias into provider and model."""
    full = settings.aliases.get(name.strip().lower(), name).strip()
    provider, slash, model = full.partition("/")
    if slash:
        return _key(provider), model.strip()
    primary = settings.defaults.primary or ""
    return (_key(primary.partition("/")[0]) if "/" in primary else DEFAULT_PROVIDER), full


def _of_provider(orders: Mapping[str, Sequence[str]], provider: str) -> list[str] | None:
    return next((list(names) for owner, names in orders.items() if _key(owner) == provider), None)


def _rank(stored: StoredProfiles, name: str) -> tuple[int, float]:
    usage = (stored.usage_stats or {}).get(name)
    return _KIND_RANK.get(stored.profiles[name].type, 3), (usage.last_used if usage else None) or 0.0


def _key(provider: Any) -> str:
    return str(provider).strip().lower()
