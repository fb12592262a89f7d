"""What lets a user in: certificates, and the signed words of an operator (`.creds`), made for a test."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nkeys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_UNLIMITED = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)


class Authority:
    """Signs certificates, the first of them that of the server on 127.0.0.1: `server.pem`, and its key, `server.key`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nats of a test")])
        self._write("server", self._name, self._key, is_authority=True)

    def client(self, name: str) -> dict[str, str]:
        """Write the certificate of a user; return the variables by which lockdeck shows it."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._write(name, subject, ec.generate_private_key(ec.SECP256R1()), is_authority=False)
        files = {"NATS_CERT": f"{name}.pem", "NATS_KEY": f"{name}.key", "NATS_CA": "server.pem"}
        return {variable: str(self._folder / file) for variable, file in files.items()}

    def _write(
        self, stem: str, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_authority: bool
    ) -> None:
        now = datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(is_authority, 0 if is_authority else None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        pem, no_secret = serialization.Encoding.PEM, serialization.NoEncryption()
        (self._folder / f"{stem}.pem").write_bytes(certificate.public_bytes(pem))
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_secret)
        (self._folder / f"{stem}.key").write_bytes(private)


class Operator:
    """Signs one account and users of it, as `nsc` does; `config` is what a server needs to know of it."""

    def __init__(self) -> None:
        self._operator, self._account = _pair(nkeys.PREFIX_BYTE_OPERATOR), _pair(nkeys.PREFIX_BYTE_ACCOUNT)
        itself = _signed(self._operator, self._operator, "operator", {})
        account = _signed(
            self._operator, self._account, "account", {"limits": {**_UNLIMITED, "wildcards": True}}
        )
        key = self._account.public_key.decode()
        self.config = f"operator: {itself}\nresolver: MEMORY\nresolver_preload: {{ {key}: {account} }}\n"

    def creds(self, path: Path) -> Path:
        """Write the `.creds` of a new user."""
        user = _pair(nkeys.PREFIX_BYTE_USER)
        words = _signed(self._account, user, "user", {"subs": -1, "data": -1, "payload": -1})
        path.write_text(
            f"-----BEGIN NATS USER JWT-----\n{words}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
        )
        return path


def _pair(prefix: int) -> nkeys.KeyPair:
    return nkeys.from_seed(bytearray(nkeys.encode_seed(os.urandom(32), prefix)))


def _signed(issuer: nkeys.KeyPair, subject: nkeys.KeyPair, kind: str, facts: Mapping[str, Any]) -> str:
    """Return a claim as NATS signs it."""
    claim = {
        "iat": int(time.time()),
        "iss": issuer.public_key.decode(),
        "sub": subject.public_key.decode(),
        "name": kind,
        "nats": {**facts, "type": kind, "version": 2},
    }
    claim["jti"] = base64.b32encode(hashlib.sha256(json.dumps(claim).encode()).digest()).decode().rstrip("=")
    body = f"{_encoded({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{_encoded(claim)}"
    return f"{body}.{_base64(issuer.sign(body.encode()))}"


def _encoded(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
