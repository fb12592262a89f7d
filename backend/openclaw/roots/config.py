"""`openclaw.json`: the few settings of a root that say where its sessions are and how it fails over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.model.pattern import late_pattern
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.chain import FailoverChain
from lockdeck.backend.model.trust import Ownership
from lockdeck.backend.openclaw.files import is_possible_path
from lockdeck.backend.openclaw.gateway.secret import Secret, SecretRef, credential
from lockdeck.backend.openclaw.roots.budgets import STORE_DIRECTORIES
from lockdeck.backend.openclaw.roots.configtext import ConfigTextError, read_config_text
from lockdeck.backend.openclaw.roots.configvalues import at, mapping, port, seconds, text_at, texts
from lockdeck.backend.openclaw.roots.environment import config_path, expand, home_of
from lockdeck.backend.openclaw.roots.failover import FailoverSettings, Models, StoredProfiles, chain_of
from lockdeck.backend.system.accounts import home_of_account, our_uid
from lockdeck.backend.system.text import SafeText, safe

_VARIABLE = late_pattern(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_WINDOWS_PATH = late_pattern(r"[A-Za-z]:[\\/]|\\\\")
_AGENT_ID = late_pattern(r"[a-z0-9][a-z0-9_-]{0,63}")


class Agent(Struct, frozen=True):
    """An agent that the config names; `default` for the one that serves where none is named."""

    id: str
    default: bool


class Config(Struct, frozen=True):
    """The settings of one config that matter here. None means: not set, or not of a usable type.

    `path` is where the config is or would be, `files` all that were looked for with it. `problem` says why nothing could
    be read of it, `hidden` which includes could not be read and may name another store, `notes` what else is missing.
    `ownership` is that of the root and all these files: its values may be acted on only where that is ours; `owners` are
    the uids that the user vouches for, `variables` the names that it uses. `session_store` is absolute and may contain
    `{agentId}`; `unknown_store` says why it can't be known where one is set. `version` is the OpenClaw that last wrote
    the file (`meta.lastTouchedVersion`, read in 2026.4.5).
    """

    path: str
    problem: SafeText | None = None
    hidden: tuple[SafeText, ...] = ()
    notes: tuple[SafeText, ...] = ()
    ownership: Ownership = Ownership()
    owners: frozenset[int] = frozenset()
    files: tuple[str, ...] = ()
    variables: frozenset[str] = frozenset()
    session_store: str | None = None
    unknown_store: SafeText | None = None
    gateway_port: int | None = None
    gateway_bind: str | None = None
    gateway_mode: str | None = None
    auth_mode: str | None = None
    token: Secret | SecretRef | None = None
    password: Secret | SecretRef | None = None
    remote_url: str | None = None
    remote_token: Secret | SecretRef | None = None
    remote_fingerprint: str | None = None
    tls_enabled: bool = False
    tls_certificate: str | None = None
    logging_file: str | None = None
    version: Version | None = None
    agents: tuple[Agent, ...] = ()
    failover: FailoverSettings = field(default_factory=FailoverSettings)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The credentials that it holds itself."""
        return tuple(
            word for word in (self.token, self.password, self.remote_token) if isinstance(word, Secret)
        )

    def chain_for(
        self, agent: str, stored: StoredProfiles | None = None, version: Version | None = None
    ) -> FailoverChain:
        """Return the models and profiles that a run of `agent` tries (`stored`: see `read_profiles`).

        By the rules of `version`; None: of the release that wrote the config.
        """
        return chain_of(self.failover, agent, stored, version or self.version)


def load_config(root: str, env: Mapping[str, str], owners: frozenset[int] = frozenset()) -> Config:
    """Read the config of `root`. A missing config is an empty one; a broken one has a `problem`.

    `env` gives `${NAME}` values where the root is our own and, for the root it belongs to, `OPENCLAW_CONFIG_PATH`.
    `owners`: uids that the user vouches for here. Raises nothing.
    """
    path = config_path(root, env)
    try:
        text = read_config_text(root, path, env, owners)
    except ConfigTextError as error:
        return Config(path, problem=safe(error), ownership=error.ownership, owners=owners, files=error.files)
    config = Config(
        path=path,
        notes=tuple(text.notes),
        ownership=text.ownership,
        owners=owners,
        files=text.files,
        variables=text.used,
    )
    if text.values is None:
        return config
    config = _filled(config, text.values, text.left_out, _home(text.ownership, env))
    references = (config.token, config.password, config.remote_token)
    names = {word.id for word in references if isinstance(word, SecretRef) and word.source == "env"}
    return replace(config, variables=config.variables | names)


def _home(ownership: Ownership, env: Mapping[str, str]) -> str:
    """Return what `~` means in a config: the home of whoever runs that OpenClaw."""
    others = None if ownership.uid in (None, our_uid()) else home_of_account(ownership.uid or 0)
    return others or home_of(env)


def _filled(config: Config, values: dict[str, Any], left_out: list[SafeText], home: str) -> Config:
    store, unknown_store = _store(text_at(values, "session", "store"), home)
    return replace(
        config,
        hidden=tuple(dict.fromkeys(left_out)),
        session_store=store,
        unknown_store=unknown_store,
        gateway_port=port(at(values, "gateway", "port")),
        gateway_bind=text_at(values, "gateway", "bind"),
        gateway_mode=text_at(values, "gateway", "mode"),
        auth_mode=text_at(values, "gateway", "auth", "mode"),
        token=credential(at(values, "gateway", "auth", "token")),
        password=credential(at(values, "gateway", "auth", "password")),
        remote_url=text_at(values, "gateway", "remote", "url"),
        remote_token=credential(at(values, "gateway", "remote", "token")),
        remote_fingerprint=text_at(values, "gateway", "remote", "tlsFingerprint"),
        tls_enabled=at(values, "gateway", "tls", "enabled") is True,
        tls_certificate=_absolute(text_at(values, "gateway", "tls", "certPath"), home),
        logging_file=_absolute(text_at(values, "logging", "file"), home),
        version=Version.parse(at(values, "meta", "lastTouchedVersion")),
        agents=tuple(_agents(values)),
        failover=_failover(values),
    )


def agent_id(name: object) -> str:
    """Return the id that OpenClaw makes of a name: lower case, other characters as one `-`, at most 64."""
    word = name.strip().lower() if isinstance(name, str) else ""
    if not word or _AGENT_ID.fullmatch(word):
        return word or "main"
    return re.sub(r"[^a-z0-9_-]+", "-", word).strip("-")[:64] or "main"


def _store(template: str | None, home: str) -> tuple[str | None, SafeText | None]:
    """Return the store's absolute path, else why it can't be known: then sessions and locks may be anywhere."""
    if template is None:
        return None, None
    variable = _VARIABLE.search(template)
    if variable is not None:
        way = f"set {variable[1]} where lockdeck runs or in the .env of the root, or write the path out"
        return None, safe(f"session.store {template} uses a variable that is not set here: {way}")
    if _WINDOWS_PATH.match(template):
        way = "run lockdeck where that path exists"
        return None, safe(f"session.store {template} is a path of Windows, which can't be read here: {way}")
    if not is_possible_path(template) or template.count("/") > STORE_DIRECTORIES:
        way = f"write a path without NUL, of at most {STORE_DIRECTORIES} directories"
        return None, safe(f"session.store {safe(template, 120)} can't be looked at: {way}")
    if template.startswith(("/", "~/")):
        return _absolute(template, home), None
    return None, safe(
        f"session.store {template} is relative: where the gateway puts it can't be known; write an absolute path"
    )


def _absolute(path: str | None, home: str) -> str | None:
    return None if path is None or not is_possible_path(path) else expand(path, home)


def _agent_entries(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    entries = at(values, "agents", "list")
    yield from (entry for entry in (entries if isinstance(entries, list) else []) if isinstance(entry, dict))


def _agents(values: dict[str, Any]) -> Iterator[Agent]:
    ids: dict[str, bool] = {}
    for entry in _agent_entries(values):
        ids.setdefault(agent_id(entry.get("id")), entry.get("default") is True)
    default_id = next((name for name, default in ids.items() if default), next(iter(ids), None))
    yield from (Agent(name, name == default_id) for name in ids)


def _failover(values: dict[str, Any]) -> FailoverSettings:
    defaults = mapping(at(values, "agents", "defaults"))
    providers = mapping(at(values, "models", "providers"))
    timeouts = {
        name.strip().lower(): seconds(at(entry, "timeoutSeconds")) for name, entry in providers.items()
    }
    profiles = mapping(at(values, "auth", "profiles"))
    orders = mapping(at(values, "auth", "order"))
    return FailoverSettings(
        defaults=_models(defaults.get("model")),
        by_agent={agent_id(entry.get("id")): _models(entry.get("model")) for entry in _agent_entries(values)},
        aliases={
            alias.strip().lower(): name
            for name, entry in mapping(defaults.get("models")).items()
            if (alias := text_at(entry, "alias")) is not None
        },
        profile_order={name: texts(order) for name, order in orders.items() if isinstance(order, list)},
        profile_providers={
            name: provider
            for name, entry in profiles.items()
            if (provider := text_at(entry, "provider")) is not None
        },
        provider_timeouts={name: timeout for name, timeout in timeouts.items() if timeout is not None},
        idle_timeout_s=seconds(at(defaults, "llm", "idleTimeoutSeconds")),
        run_timeout_s=seconds(defaults.get("timeoutSeconds")),
        compaction_timeout_s=seconds(at(defaults, "compaction", "timeoutSeconds")),
    )


def _models(value: Any) -> Models:
    if isinstance(value, str):
        return Models(value.strip() or None)
    fallbacks = at(value, "fallbacks")
    return Models(text_at(value, "primary"), texts(fallbacks) if isinstance(fallbacks, list) else None)
