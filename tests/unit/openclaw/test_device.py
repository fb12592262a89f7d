"""The device key: made once, private, and not used when others may read it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lockdeck.backend.openclaw.gateway.device import NAME, cli_device, own_device
from lockdeck.backend.openclaw.gateway.trouble import GatewayError


def raw(word: str) -> bytes:
    return urlsafe_b64decode(word + "=" * (-len(word) % 4))


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    first, second = own_device(str(folder)), own_device(str(folder))
    assert first.id == second.id == hashlib.sha256(raw(first.public_key)).hexdigest()
    assert stat.S_IMODE(os.stat(folder / NAME).st_mode) == 0o600
    assert os.listdir(folder) == [NAME]


def test_a_signature_fits_the_public_key(tmp_path: Path) -> None:
    device = own_device(str(tmp_path))
    Ed25519PublicKey.from_public_bytes(raw(device.public_key)).verify(raw(device.sign("text")), b"text")


@pytest.mark.parametrize("content", [b"", b"{}", b'{"seed": 1}', b'{"seed": "AA=="}', b"\xff"])
def test_a_broken_key_is_refused_with_the_way_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    (tmp_path / NAME).chmod(0o600)
    with pytest.raises(GatewayError, match="remove it"):
        own_device(str(tmp_path))


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    own_device(str(tmp_path))
    (tmp_path / NAME).chmod(0o644)
    with pytest.raises(GatewayError, match="others may read it"):
        own_device(str(tmp_path))


def test_a_link_in_place_of_the_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GatewayError):
        own_device(str(tmp_path))
    assert not (tmp_path / "elsewhere").exists()


def identity(root: Path, device_id: str | None = None, token: object = "device-token") -> str:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    own = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()
    folder = root / "identity"
    folder.mkdir(parents=True)
    (folder / "device.json").write_text(
        json.dumps({"version": 1, "deviceId": own, "privateKeyPem": pem.decode()})
    )
    tokens = {"operator": {"token": token, "role": "operator"}}
    granted = {"version": 1, "deviceId": device_id or own, "tokens": tokens}
    (folder / "device-auth.json").write_text(json.dumps(granted))
    return own


def test_the_paired_device_of_the_command_line_is_found(tmp_path: Path) -> None:
    own = identity(tmp_path)
    device = cli_device(str(tmp_path))
    assert device is not None
    assert device.token is not None
    assert (device.id, device.token.reveal()) == (own, "device-token")
    assert "device-token" not in repr(device)


def test_without_pairing_there_is_no_such_device(tmp_path: Path) -> None:
    assert cli_device(str(tmp_path)) is None


def test_a_token_of_another_device_is_not_used(tmp_path: Path) -> None:
    identity(tmp_path, device_id="0" * 64)
    assert cli_device(str(tmp_path)) is None


def test_a_token_that_is_no_text_is_not_used(tmp_path: Path) -> None:
    identity(tmp_path, token={"source": "exec"})
    assert cli_device(str(tmp_path)) is None
