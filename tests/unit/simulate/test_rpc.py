"""The simulated gateway refuses what the real one refuses, so that tests against it mean something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lockdeck.backend.openclaw.gateway.credentials import Access
from lockdeck.backend.openclaw.gateway.device import own_device
from lockdeck.backend.openclaw.gateway.frames import (
    connect_params,
    decode,
    hello_of,
    lifecycle_of,
    nonce_of,
)
from lockdeck.backend.openclaw.gateway.redaction import Redaction
from lockdeck.backend.openclaw.gateway.secret import Secret
from lockdeck.backend.simulate.rpc import ALL, Manners, RefusedError, shake_hands

NOW_MS = 1_795_345_988_389


@pytest.fixture
def params(tmp_path: Path) -> dict[str, Any]:
    access = Access("ws://127.0.0.1:1", Secret("sesame"))
    return connect_params(access, own_device(str(tmp_path)), "nonce-1", NOW_MS)


def test_our_handshake_is_accepted_with_all_scopes(params: dict[str, Any]) -> None:
    assert set(shake_hands(params, "nonce-1", Manners("sesame"))) == set(ALL)


def test_scopes_are_at_most_those_granted(params: dict[str, Any]) -> None:
    assert shake_hands(params, "nonce-1", Manners("sesame", scopes=("operator.read",))) == ("operator.read",)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"auth": {}}, "AUTH_TOKEN_MISMATCH"),
        ({"device": None}, "DEVICE_IDENTITY_REQUIRED"),
        ({"scopes": ["operator.read"]}, "DEVICE_AUTH_SIGNATURE_INVALID"),
        ({"role": "node"}, "DEVICE_AUTH_SIGNATURE_INVALID"),
    ],
)
def test_what_was_not_signed_is_refused(params: dict[str, Any], change: dict[str, Any], code: str) -> None:
    with pytest.raises(RefusedError) as caught:
        shake_hands({**params, **change}, "nonce-1", Manners("sesame"))
    assert caught.value.error["details"] == {"code": code}


def test_another_nonce_and_another_protocol_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="signature"):
        shake_hands(params, "nonce-2", Manners("sesame"))
    with pytest.raises(RefusedError, match="protocol mismatch"):
        shake_hands(params, "nonce-1", Manners("sesame", protocol=5))


@pytest.mark.parametrize("text", ["", "[]", "1", "nonsense", "[" * 100_000, b"\xff\xfe", '{"a": ' * 50_000])
def test_a_frame_that_is_no_object_is_nothing(text: str | bytes) -> None:
    assert decode(text, Redaction()) is None


@pytest.mark.parametrize("payload", [None, [], "x", {"nonce": 5}, {}])
def test_a_challenge_without_a_nonce_is_none(payload: object) -> None:
    assert nonce_of({"event": "connect.challenge", "payload": payload}) is None


@pytest.mark.parametrize("value", [None, 5, [], "x", {"server": 1, "auth": [], "features": {"methods": {}}}])
def test_a_hello_of_any_shape_is_read(value: object) -> None:
    payload = value if isinstance(value, dict) else {"server": value, "auth": value, "snapshot": value}
    hello = hello_of(payload, Redaction())
    assert (hello.version, hello.scopes, hello.state_dir) == (None, None, None)


@pytest.mark.parametrize("payload", [None, [], {"stream": "lifecycle"}, {"stream": "tool", "runId": "r"}])
def test_events_that_tell_of_no_attempt_are_nothing(payload: object) -> None:
    assert lifecycle_of({"event": "agent", "payload": payload}, 1.0) is None
