"""The way to the gateway of a root: URL, credentials and TLS fingerprint, looked up as OpenClaw does.

Order read in 2026.4.5: `OPENCLAW_GATEWAY_PORT`, then `gateway.port`, then 18789; environment before config
for token and password.  From 2026.7 on the gateway's own lock names the port, which is the surest word.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.openclaw.files import read_regular
from lockdeck.backend.openclaw.gateway.addresses import (
    is_environment_of,
    is_loopback,
    owners_of,
    port_of_root,
    why_no_url,
)
from lockdeck.backend.openclaw.gateway.secret import Secret, SecretRef, credential
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.system.text import safe

_CERTIFICATE_CAP = 64 * 1024


class Access(Struct, frozen=True):
    """The address of a gateway and what opens it.

    `fingerprint`: SHA-256 of its certificate in hex, only with `wss://`. `references`: credentials that
    the config only refers to. `by_user`: the user chose the URL. `optional`: `auth.mode` is none.
    `owners`: the accounts whose socket may be behind a port of this machine, None where any may. `vouched`: the root is
    ours only because the user vouches for its owner.
    """

    url: str
    token: Secret | None = None
    password: Secret | None = None
    fingerprint: str | None = None
    references: tuple[SecretRef, ...] = ()
    source: str = ""
    by_user: bool = False
    optional: bool = False
    owners: frozenset[int] | None = None
    vouched: bool = False

    @property
    def has_credential(self) -> bool:
        """True where there is something to show at the door."""
        return self.token is not None or self.password is not None or self.optional

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Everything that must never be shown."""
        return tuple(secret for secret in (self.token, self.password) if secret is not None)

    def why_no_credential(self) -> str:
        """Say in one sentence where a credential was looked for in vain, and the way out."""
        if self.references:
            first = self.references[0]
            secret = safe(f"{first.source} secret {first.id} of provider {first.provider}", 120)
            missing = f"the config keeps the gateway's credential elsewhere ({secret})"
        else:
            missing = "neither environment nor config has a token or password for this gateway"
        if self.vouched:
            return f"{missing}; ours is not for a root that is only vouched for: set OPENCLAW_GATEWAY_TOKEN and name the --url"
        return f"{missing}: set OPENCLAW_GATEWAY_TOKEN together with OPENCLAW_STATE_DIR"


def find_access(
    root: str,
    config: Config,
    env: Mapping[str, str],
    *,
    url: str | None = None,
    fingerprint: str | None = None,
) -> Access:
    """Find the gateway of `root`. GatewayError (BAD_URL, TLS) where it may not be talked to.

    Only a URL that the user names (`url`, `OPENCLAW_GATEWAY_URL`) may leave this machine, and then the
    config's own credentials stay here, as with OpenClaw. The environment's variables belong to the root that the
    same environment names, where that is our own and not only vouched for, or else to the URL that was named.
    """
    serves_root = is_environment_of(env, root, config)
    user_url = url or (env.get("OPENCLAW_GATEWAY_URL", "").strip() if serves_root else "")
    from_env = _from_env(env) if serves_root or url else Access("")
    if user_url:
        return _at_user_url(user_url, config, from_env, fingerprint)
    if config.gateway_mode == "remote" and config.remote_url:
        where = safe(config.remote_url, 120)
        raise GatewayError(
            Trouble.BAD_URL, f"the config names a remote gateway: say --url {where} if that one is meant"
        )
    scheme = "wss" if config.tls_enabled else "ws"
    access = replace(
        from_env, url=f"{scheme}://127.0.0.1:{port_of_root(root, config, env if serves_root else {})}"
    )
    access = replace(access, owners=owners_of(root), vouched=config.ownership.vouched)
    if not access.has_credential:
        access = _with_config(access, config)
    if config.tls_enabled:
        access = replace(access, fingerprint=fingerprint or _local_fingerprint(root, config))
    return access


def _from_env(env: Mapping[str, str]) -> Access:
    token, password = (credential(env.get(f"OPENCLAW_GATEWAY_{name}")) for name in ("TOKEN", "PASSWORD"))
    return Access(
        "",
        token if isinstance(token, Secret) else None,
        password if isinstance(password, Secret) else None,
        source="the environment",
    )


def _with_config(access: Access, config: Config) -> Access:
    """Take the config's credential, of the kind that `auth.mode` asks for."""
    token, password = config.token, config.password
    if config.auth_mode == "password":
        token = None
    elif config.auth_mode == "token":
        password = None
    return replace(
        access,
        token=token if isinstance(token, Secret) else None,
        password=password if isinstance(password, Secret) else None,
        references=tuple(word for word in (token, password) if isinstance(word, SecretRef)),
        source=config.path,
        optional=config.auth_mode == "none",
    )


def _at_user_url(url: str, config: Config, from_env: Access, fingerprint: str | None) -> Access:
    _must_be_usable(url)
    access = replace(from_env, url=url, fingerprint=fingerprint, by_user=True)
    if url == config.remote_url:
        access = replace(access, fingerprint=fingerprint or config.remote_fingerprint)
        if not access.has_credential and isinstance(config.remote_token, Secret):
            access = replace(access, token=config.remote_token, source=config.path)
    return access


def _must_be_usable(url: str) -> None:
    """Refuse what is no gateway's URL, and plain text to another machine: that would leak a credential."""
    problem = why_no_url(url)
    if problem is not None:
        raise GatewayError(Trouble.BAD_URL, problem)
    parts = urlsplit(url)
    if parts.scheme == "ws" and not is_loopback(parts.hostname or ""):
        host = safe(parts.hostname, 80)
        raise GatewayError(
            Trouble.BAD_URL,
            f"ws://{host} would send the credential in the clear: use wss:// or an ssh tunnel",
        )


def _local_fingerprint(root: str, config: Config) -> str:
    """Return the SHA-256 of the certificate that the gateway of this root serves; it is self-signed."""
    path = config.tls_certificate or f"{root}/gateway/tls/gateway-cert.pem"
    content = read_regular(path, _CERTIFICATE_CAP, follow=True)
    try:
        if content.problem is not None:
            raise ValueError(content.problem)
        certificate = ssl.PEM_cert_to_DER_cert(content.raw.decode("ascii").strip())
    except ValueError as error:
        problem = f"the gateway's certificate can't be checked: {safe(error, 160)}"
        raise GatewayError(
            Trouble.TLS, f"{problem}; name its fingerprint, or use `openclaw gateway call`"
        ) from None
    return hashlib.sha256(certificate).hexdigest()
