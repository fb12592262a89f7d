"""The nats-server that docs/nats-server.conf makes, with keys and certificates of the test."""

from __future__ import annotations

import os
from pathlib import Path

import nkeys

from tests.folders import DOCS
from tests.hosts.nats.credentials import Authority
from tests.hosts.nats.server import NatsServer

USERS = ("alpha", "beta", "deck", "ann")


class SecuredServer:
    """A server with the shipped configuration. `env` is what lets a user in."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        text = (DOCS / "nats-server.conf").read_text()
        for user in USERS:
            seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
            self._seed_file(user).write_bytes(seed)
            public = nkeys.from_seed(bytearray(seed)).public_key.decode()
            text = _replaced(text, f'"U{user.upper()}"', f'"{public}"')
        Authority(folder)
        for name in ("server.pem", "server.key"):
            text = _replaced(text, f"/etc/nats/{name}", str(folder / name))
        text = _replaced(text, "/var/lib/nats", str(folder / "store"))
        config = folder / "nats-server.conf"
        config.write_text(text)
        self.server = NatsServer(folder / "nats", "-c", config, scheme="tls")

    def env(self, user: str) -> dict[str, str]:
        """The variables by which lockdeck is this user."""
        return {"NATS_NKEY": str(self._seed_file(user)), "NATS_CA": str(self._folder / "server.pem")}

    def _seed_file(self, user: str) -> Path:
        return self._folder / f"{user}.nk"


def _replaced(text: str, old: str, new: str) -> str:
    assert old in text, f"the configuration has no {old}"
    return text.replace(old, new)
