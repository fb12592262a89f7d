"""Where URL and credentials come from, in OpenClaw's own order, and what is never sent where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lockdeck.backend.openclaw.gateway.addresses import is_loopback
from lockdeck.backend.openclaw.gateway.credentials import Access, find_access
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.openclaw.roots.config import load_config


def root_with(tmp_path: Path, **gateway: Any) -> Path:
    root = tmp_path / ".openclaw"
    root.mkdir(exist_ok=True)
    (root / "openclaw.json").write_text(json.dumps({"gateway": gateway}))
    return root


def access(root: Path, env: dict[str, str] | None = None, url: str | None = None) -> Access:
    whole = {"HOME": str(root.parent), "TMPDIR": str(root.parent / "tmp"), **(env or {})}
    return find_access(str(root), load_config(str(root), whole), whole, url=url)


def revealed(found: Access) -> tuple[str | None, str | None]:
    return (
        found.token.reveal() if found.token else None,
        found.password.reveal() if found.password else None,
    )


def test_without_any_word_it_is_the_default_port_on_loopback(tmp_path: Path) -> None:
    found = access(root_with(tmp_path))
    assert found.url == "ws://127.0.0.1:18789"
    assert not found.has_credential
    assert "OPENCLAW_GATEWAY_TOKEN" in found.why_no_credential()


def test_the_environment_goes_before_the_config(tmp_path: Path) -> None:
    root = root_with(tmp_path, port=1000, auth={"mode": "token", "token": "from-config"})
    assert revealed(access(root)) == ("from-config", None)
    env = {"OPENCLAW_GATEWAY_PORT": "127.0.0.1:2000", "OPENCLAW_GATEWAY_TOKEN": "from-env"}
    found = access(root, env)
    assert (found.url, revealed(found)[0]) == ("ws://127.0.0.1:2000", "from-env")


def test_the_environment_of_another_root_is_not_used(tmp_path: Path) -> None:
    root = root_with(tmp_path, port=1000, auth={"token": "from-config"})
    env = {"OPENCLAW_STATE_DIR": str(tmp_path / "other"), "OPENCLAW_GATEWAY_TOKEN": "others"}
    found = access(root, env)
    assert (found.url, revealed(found)[0]) == ("ws://127.0.0.1:1000", "from-config")


def test_a_password_mode_takes_the_password(tmp_path: Path) -> None:
    root = root_with(tmp_path, auth={"mode": "password", "token": "t", "password": "p"})
    assert revealed(access(root)) == (None, "p")


def test_a_secret_kept_elsewhere_is_named_as_such(tmp_path: Path) -> None:
    reference = {"source": "exec", "provider": "vault", "id": "gateway-token"}
    found = access(root_with(tmp_path, auth={"mode": "token", "token": reference}))
    assert not found.has_credential
    assert "exec secret gateway-token of provider vault" in found.why_no_credential()


def test_a_variable_in_the_config_is_replaced(tmp_path: Path) -> None:
    root = root_with(tmp_path, auth={"token": "${MY_TOKEN}"})
    assert revealed(access(root, {"MY_TOKEN": "tt"}))[0] == "tt"
    assert "env secret MY_TOKEN" in access(root).why_no_credential()


def test_mode_none_needs_no_credential(tmp_path: Path) -> None:
    assert access(root_with(tmp_path, auth={"mode": "none"})).has_credential


def test_the_configs_token_is_not_sent_to_a_url_that_somebody_names(tmp_path: Path) -> None:
    root = root_with(tmp_path, auth={"token": "from-config"})
    assert revealed(access(root, url="ws://127.0.0.1:4000")) == (None, None)
    env = {"OPENCLAW_GATEWAY_TOKEN": "explicit"}
    assert revealed(access(root, env, "ws://127.0.0.1:4000"))[0] == "explicit"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ws://example.net:18789", "in the clear"),
        ("http://127.0.0.1:1", "no gateway URL"),
        ("wss://user:word@example.net", "must hold no credential"),
        ("wss://example.net/?token=x", "must hold no credential"),
        ("ws://[::1", "no URL"),
    ],
)
def test_a_url_that_would_leak_is_refused(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(GatewayError) as caught:
        access(root_with(tmp_path), url=url)
    assert caught.value.kind is Trouble.BAD_URL
    assert words in caught.value.sentence


def test_a_remote_gateway_is_only_used_when_the_user_names_it(tmp_path: Path) -> None:
    remote = {"url": "wss://deck.example.net", "token": "remote-token", "tlsFingerprint": "ab:cd"}
    root = root_with(tmp_path, mode="remote", remote=remote)
    with pytest.raises(GatewayError) as caught:
        access(root)
    assert "--url wss://deck.example.net" in caught.value.sentence
    found = access(root, url="wss://deck.example.net")
    assert (revealed(found)[0], found.fingerprint) == ("remote-token", "ab:cd")


def test_tls_without_a_certificate_to_compare_is_refused(tmp_path: Path) -> None:
    root = root_with(tmp_path, tls={"enabled": True}, auth={"token": "t"})
    with pytest.raises(GatewayError) as caught:
        access(root)
    assert caught.value.kind is Trouble.TLS


@pytest.mark.parametrize(
    ("host", "loop"), [("127.0.0.9", True), ("::1", True), ("localhost", True), ("10.0.0.1", False)]
)
def test_loopback_is_told_from_the_rest(host: str, loop: bool) -> None:
    assert is_loopback(host) is loop
