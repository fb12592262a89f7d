"""The gateway client against a served protocol: every trouble is one sentence, in time, without the token."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.events import AttemptStarted, RunEnded
from lockdeck.backend.openclaw.gateway import client as gateway_module
from lockdeck.backend.openclaw.gateway.client import Gateway, open_gateway
from lockdeck.backend.openclaw.gateway.credentials import Access
from lockdeck.backend.openclaw.gateway.device import own_device
from lockdeck.backend.openclaw.gateway.secret import Secret
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.simulate import rpc
from lockdeck.backend.simulate.rpc import Manners, Mood

TOKEN = "sesame-62351"
PATIENCE = 20.0


class Calls:
    """Methods of a gateway that knows `health`, `secret` and refuses the rest; events on demand."""

    def __init__(self) -> None:
        self.hearers: list[Callable[[dict[str, object]], None]] = []

    def answer(self, method: str, params: Any) -> dict[str, object]:
        if method == "health":
            return {"ok": True}
        if method == "announce":
            for phase in ("start", "end"):
                data = {"runId": "r1", "stream": "lifecycle", "sessionKey": "k", "data": {"phase": phase}}
                for hear in self.hearers:
                    hear({"type": "event", "event": "agent", "payload": data})
            return {}
        raise rpc.RefusedError("UNAVAILABLE", f"no {method}; you sent {TOKEN}")

    def listen(self, hear: Callable[[dict[str, object]], None]) -> Callable[[], None]:
        self.hearers.append(hear)
        return lambda: self.hearers.remove(hear)


@contextlib.contextmanager
def serving(manners: Manners) -> Iterator[str]:
    """Serve in a thread; gives the URL."""
    loop, server = asyncio.new_event_loop(), socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    port = server.getsockname()[1]
    task = loop.create_task(rpc.serve(server, manners, Calls()))

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(PATIENCE)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        server.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines short enough to run into."""
    monkeypatch.setattr(gateway_module, "CONNECT_S", 0.4)
    monkeypatch.setattr(gateway_module, "CALL_S", 0.4)


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    opened: list[Gateway] = []

    def open_one(url: str, token: str = TOKEN, **more: Any) -> Gateway:
        gateway = open_gateway(Access(url, Secret(token), **more), own_device(str(tmp_path)))
        opened.append(gateway)
        return gateway

    yield open_one
    for gateway in opened:
        gateway.close()


def trouble(act: Callable[[], object]) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        act()
    assert TOKEN not in caught.value.sentence
    assert TOKEN not in repr(caught.value)
    return caught.value


def test_a_connection_knows_version_protocol_scopes_and_answers(connect: Callable[..., Gateway]) -> None:
    with serving(Manners(TOKEN, state_dir="/srv/root")) as url:
        gateway = connect(url)
        assert gateway.hello.version == Version(2026, 4, 5)
        assert (gateway.hello.protocol, gateway.hello.state_dir) == (3, "/srv/root")
        assert set(gateway.hello.scopes or ()) == set(rpc.ALL)
        assert gateway.call("health") == {"ok": True}


def test_protocol_4_is_spoken_too(connect: Callable[..., Gateway]) -> None:
    with serving(Manners(TOKEN, "2026.7.35", protocol=4)) as url:
        assert connect(url).hello.version == Version(2026, 7, 35)


def test_a_gateway_that_knows_only_the_older_signature_is_spoken_to(connect: Callable[..., Gateway]) -> None:
    with serving(Manners(TOKEN, "2026.2.9", signature="v2")) as url:
        assert connect(url).call("health") == {"ok": True}


def test_a_gateway_that_knows_neither_signature_says_so(connect: Callable[..., Gateway]) -> None:
    with serving(Manners(TOKEN, signature="v9")) as url:
        assert trouble(lambda: connect(url)).kind is Trouble.SIGNATURE


def test_attempts_that_the_gateway_tells_of_are_remembered(connect: Callable[..., Gateway]) -> None:
    with serving(Manners(TOKEN)) as url:
        gateway = connect(url)
        gateway.call("announce")
        gateway.call("health")
        kinds = [(type(event), event.run_id, event.session_key) for event in gateway.run_events()]
        assert kinds == [(AttemptStarted, "r1", "k"), (RunEnded, "r1", "k")]


@pytest.mark.parametrize(
    ("manners", "kind", "words"),
    [
        (Manners("another"), Trouble.AUTH, "AUTH_TOKEN_MISMATCH"),
        (Manners(TOKEN, protocol=7), Trouble.PROTOCOL, "it expects 7"),
    ],
)
def test_a_refused_handshake_says_why_and_the_way_out(
    connect: Callable[..., Gateway], manners: Manners, kind: Trouble, words: str
) -> None:
    with serving(manners) as url:
        error = trouble(lambda: connect(url))
        assert (error.kind, words in error.sentence) == (kind, True), error.sentence


def test_a_missing_scope_is_named(connect: Callable[..., Gateway]) -> None:
    with serving(Manners(TOKEN, scopes=("operator.read",))) as url:
        gateway = connect(url)
        error = trouble(lambda: gateway.call("sessions.reset", {"key": "k"}))
        assert error.kind is Trouble.SCOPE
        assert "operator.admin" in error.sentence


def test_a_refusal_that_repeats_the_token_is_told_without_it(connect: Callable[..., Gateway]) -> None:
    with serving(Manners(TOKEN)) as url:
        gateway = connect(url)
        error = trouble(lambda: gateway.call("whatever"))
        assert error.kind is Trouble.UNAVAILABLE
        assert "***" in error.sentence


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mood", [Mood.MUTE])
def test_a_gateway_that_never_speaks_costs_only_the_deadline(
    connect: Callable[..., Gateway], mood: Mood
) -> None:
    with serving(Manners(TOKEN, mood=mood)) as url:
        began = time.monotonic()
        assert trouble(lambda: connect(url)).kind is Trouble.SILENT
        assert time.monotonic() - began < PATIENCE


@pytest.mark.usefixtures("impatient")
def test_a_blocked_event_loop_costs_only_the_deadline_of_the_call(connect: Callable[..., Gateway]) -> None:
    with serving(Manners(TOKEN, mood=Mood.DEAF)) as url:
        gateway = connect(url)
        error = trouble(lambda: gateway.call("health", seconds=0.2))
        assert (error.kind, "0.2 s" in error.sentence) == (Trouble.SILENT, True)


@pytest.mark.usefixtures("impatient")
def test_a_half_open_socket_costs_only_the_deadline(connect: Callable[..., Gateway]) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        error = trouble(lambda: connect(f"ws://127.0.0.1:{server.getsockname()[1]}"))
        assert error.kind is Trouble.SILENT


def test_a_restarting_gateway_says_so(connect: Callable[..., Gateway]) -> None:
    with serving(Manners(TOKEN, mood=Mood.RESTARTING)) as url:
        gateway = connect(url)
        error = trouble(lambda: gateway.call("health"))
        assert (error.kind, "1012" in error.sentence) == (Trouble.CLOSED, True)
        assert trouble(lambda: gateway.call("health")).kind is Trouble.CLOSED


def test_closing_wakes_whoever_waits(connect: Callable[..., Gateway]) -> None:
    with serving(Manners(TOKEN, mood=Mood.DEAF)) as url:
        gateway = connect(url)
        threading.Timer(0.05, gateway.close).start()
        assert trouble(lambda: gateway.call("health", seconds=PATIENCE)).kind is Trouble.CLOSED


def test_nobody_listening_is_told(connect: Callable[..., Gateway]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = trouble(lambda: connect(f"ws://127.0.0.1:{unused.getsockname()[1]}"))
        assert error.kind is Trouble.UNREACHABLE


@pytest.mark.parametrize(
    ("answer_line", "kind", "words"),
    [
        (b"404 Not Found", Trouble.NOT_A_GATEWAY, "is no gateway"),
        (b"503 Service Unavailable", Trouble.UNAVAILABLE, "was told to end"),
    ],
)
def test_what_takes_no_websocket_is_told(
    connect: Callable[..., Gateway], answer_line: bytes, kind: Trouble, words: str
) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def answer() -> None:
            visitor, _ = server.accept()
            with visitor:
                visitor.recv(4096)
                visitor.sendall(b"HTTP/1.1 " + answer_line + b"\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        error = trouble(lambda: connect(f"ws://127.0.0.1:{server.getsockname()[1]}"))
        thread.join(PATIENCE)
        assert (error.kind, words in error.sentence) == (kind, True)


def test_the_token_is_in_no_debug_log(
    connect: Callable[..., Gateway], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), serving(Manners(TOKEN)) as url:
        connect(url).call("health")
    client = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    assert not any(TOKEN in record.getMessage() for record in client)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, str]:
    """A self-signed certificate with its key in one file, and its fingerprint."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "openclaw-gateway")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, raw = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, raw)
    path = tmp_path / "cert.pem"
    path.write_bytes(made.public_bytes(pem) + private)
    return path, hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()


@pytest.mark.usefixtures("impatient")
def test_another_certificate_hears_no_word_of_ours(
    connect: Callable[..., Gateway], certificate: tuple[Path, str]
) -> None:
    from websockets.sync.server import serve

    path, fingerprint = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    heard: list[object] = []
    with serve(lambda c: heard.extend(c), "127.0.0.1", 0, ssl=context) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"wss://127.0.0.1:{server.socket.getsockname()[1]}"
        wrong = trouble(lambda: connect(url, fingerprint="00" * 32))
        right = trouble(lambda: connect(url, fingerprint=fingerprint.upper()))
        unknown = trouble(lambda: connect(url))
        server.shutdown()
        thread.join(PATIENCE)
    assert (wrong.kind, unknown.kind) == (Trouble.TLS, Trouble.TLS)
    assert right.kind is Trouble.SILENT, "the fingerprint fits, but this server never challenges"
    assert heard == []


def test_an_access_never_shows_its_secrets() -> None:
    access = Access("ws://127.0.0.1:1", Secret(TOKEN), Secret(TOKEN))
    assert TOKEN not in repr(access) + str(access) + repr(replace(access, source="x"))
