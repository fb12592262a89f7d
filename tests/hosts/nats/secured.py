"""The nats-server that docs/nats-server.conf makes, with keys and certificates of the test."""

from __future__ import annotations

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nkeys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.folders import DOCS
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
        write_certificate(folder)
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


def write_certificate(folder: Path) -> None:
    """Write a certificate for 127.0.0.1, `server.pem`, and its key, `server.key`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nats of a test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _replaced(text: str, old: str, new: str) -> str:
    assert old in text, f"the configuration has no {old}"
    return text.replace(old, new)
