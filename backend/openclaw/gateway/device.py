"""The device that lockdeck shows to a gateway: an Ed25519 key, its own or that of OpenClaw's command line.

`id` is the hex SHA-256 of the raw public key; keys and signatures travel as base64url without padding
(seen on 2026.4.5).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lockdeck.backend.model.locks import Presence
from lockdeck.backend.model.trust import Trust
from lockdeck.backend.openclaw.files import read_regular
from lockdeck.backend.openclaw.gateway.secret import Secret
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.system.accounts import our_uid
from lockdeck.backend.system.folders import private_folder
from lockdeck.backend.system.ownership import ownership_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = "device.json"
_CAP = 64 * 1024
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Device:
    """An identity. `token` is what the gateway gave this device when it was paired, if anything."""

    id: str
    public_key: str
    _key: Ed25519PrivateKey = field(repr=False)
    token: Secret | None = None

    def sign(self, text: str) -> str:
        """Sign UTF-8 text; base64url without padding."""
        return _word(self._key.sign(text.encode()))

    @property
    def secrets(self) -> tuple[str | bytes, ...]:
        """Everything of it that must never be shown."""
        key = self._key.private_bytes_raw()
        return (key,) if self.token is None else (key, self.token.reveal())


def own_device(folder: str) -> Device:
    """Return lockdeck's own device, kept as `device.json` (0600) in `folder`; made at the first call.

    GatewayError (NO_CREDENTIALS) where it can't be kept, or where others may read it or exchange it.
    """
    path = os.path.join(folder, NAME)
    ownership = ownership_of(folder)
    if not ownership.ours:
        problem = f"lockdeck's device key {path} can't be used: {ownership.fault}"
        raise GatewayError(Trouble.NO_CREDENTIALS, problem)
    try:
        if not os.path.lexists(path):
            _create(folder)
        return _read_own(path)
    except (OSError, ValueError) as error:
        problem = f"lockdeck's device key {path} can't be used: {error}; remove it, and a new one is made"
        raise GatewayError(Trouble.NO_CREDENTIALS, problem) from None


def cli_device(
    root: str, owners: frozenset[int] = frozenset(), *, only_vouched: bool = False
) -> Device | None:
    """Return the paired device of OpenClaw's command line with its operator token; None where there is none.

    `<root>/identity/device.json` and `device-auth.json` as 2026.4.5 writes them. Files that are not ours are not used:
    they might lead to another root's device. `owners`: uids that the user vouches for there. `only_vouched`: the root or
    its config is theirs by the user's word alone; then the files must be theirs, too.
    """
    paths = [os.path.join(root, "identity", name) for name in ("device.json", "device-auth.json")]
    ownerships = [ownership_of(path, owners) for path in paths]
    if not all(ownership.ours for ownership in ownerships):
        return None
    trust = Trust(our_uid(), owners)
    theirs = only_vouched or any(ownership.vouched for ownership in ownerships)
    may_own = trust.only_vouches_for if theirs else trust.covers
    identity, granted = (_object(path, may_own) for path in paths)
    tokens = granted.get("tokens")
    entry = tokens.get("operator") if isinstance(tokens, dict) else None
    token = entry.get("token") if isinstance(entry, dict) else None
    pem = identity.get("privateKeyPem")
    if not isinstance(token, str) or not token or not isinstance(pem, str):
        return None
    device = _from_pem(pem, Secret(token))
    return device if device is not None and device.id == granted.get("deviceId") else None


def _create(folder: str) -> None:
    """Write a new key under a private name first, so that nobody ever sees half of it."""
    seed = base64.b64encode(secrets.token_bytes(32)).decode()
    draft = f"{NAME}.{secrets.token_hex(8)}"
    with private_folder(folder) as home:
        file = os.open(draft, _NEW, 0o600, dir_fd=home)
        try:
            os.write(file, json.dumps({"version": 1, "seed": seed}).encode())
            os.fsync(file)
            # The first of two lockdecks wins; the other uses what is there.
            with contextlib.suppress(FileExistsError):
                os.link(draft, NAME, src_dir_fd=home, dst_dir_fd=home)
        finally:
            os.close(file)
            os.unlink(draft, dir_fd=home)


def _read_own(path: str) -> Device:
    content = read_regular(path, _CAP)
    if content.presence is not Presence.FILE or content.stat is None:
        raise ValueError(content.problem)
    if content.stat.st_uid != os.geteuid() or stat.S_IMODE(content.stat.st_mode) & 0o077:
        raise ValueError("it belongs to another user or others may read it")
    try:
        seed = base64.b64decode(json.loads(content.raw)["seed"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("it holds no key") from None
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return _device(Ed25519PrivateKey.from_private_bytes(seed))


def _from_pem(pem: str, token: Secret) -> Device | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return _device(key, token) if isinstance(key, Ed25519PrivateKey) else None


def _device(key: Ed25519PrivateKey, token: Secret | None = None) -> Device:
    public = key.public_key().public_bytes_raw()
    return Device(hashlib.sha256(public).hexdigest(), _word(public), key, token)


def _word(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _object(path: str, may_own: Callable[[int], bool]) -> dict[str, Any]:
    """Read an object from a file, if what was opened belongs to who may own it."""
    content = read_regular(path, _CAP)
    if content.presence is not Presence.FILE or content.stat is None or not may_own(content.stat.st_uid):
        return {}
    try:
        value = json.loads(content.raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
