"""A gateway that means us harm: whatever it sends is an answer or one sentence, and gives no credential back."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close
from websockets.sync.server import serve

from lockdeck import __version__
from lockdeck.backend.openclaw.gateway import frames, rows
from lockdeck.backend.openclaw.gateway.client import Gateway, open_gateway
from lockdeck.backend.openclaw.gateway.credentials import Access
from lockdeck.backend.openclaw.gateway.device import Device, own_device
from lockdeck.backend.openclaw.gateway.redaction import STRUCK, Redaction
from lockdeck.backend.openclaw.gateway.secret import Secret
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.watch.gateway_feed.inbox import FeedBox

TOKEN, PASSWORD, GRANTED = "sesame/62351+open", "pass word", "granted-later-4711"
PATIENCE = 20.0
CHALLENGE = {"type": "event", "event": "connect.challenge", "payload": {"nonce": "n"}}
HELLO = {
    "type": "res",
    "id": frames.CONNECT_ID,
    "ok": True,
    "payload": {"server": {"version": "2026.9.6"}, "auth": {"deviceToken": GRANTED}},
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("type", "id", "ok", "error", "event", "payload", "code", "message", "details", "runId", "stream",
          "data", "phase", "sessionKey", "sessions", "tasks", "key", "status", "expectedProtocol", "reason")  # fmt: skip
MESSAGES = st.dictionaries(
    st.sampled_from(FIELDS),
    VALUES | st.sampled_from(["res", "event", "agent", "lifecycle", "start", "connect", "call", "error"])
    | st.dictionaries(st.sampled_from(FIELDS), VALUES | st.dictionaries(st.sampled_from(FIELDS), VALUES), max_size=4),
    max_size=6,
)  # fmt: skip


class Pipe:
    """A connection of which the other side is a list: it gives the texts, then closes as it was told to."""

    def __init__(self, *texts: str | bytes, close: Close | None = None) -> None:
        self.texts, self.close_frame = list(texts), close
        self.sent: list[str] = []

    def recv(self, timeout: float) -> str | bytes:
        if not self.texts:
            raise ConnectionClosedError(self.close_frame, None)
        return self.texts.pop(0)

    def __iter__(self) -> Iterator[str | bytes]:
        with contextlib.suppress(IndexError):
            while True:
                yield self.recv(0) if self.texts or self.close_frame else self.texts.pop(0)

    def send(self, text: str) -> None:
        self.sent.append(text)

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    return own_device(str(tmp_path_factory.mktemp("deck")))


def gateway(device: Device) -> Gateway:
    return Gateway(Access("ws://127.0.0.1:1", Secret(TOKEN), Secret(PASSWORD)), device, lambda: 1000.0)


def conversed(device: Device, *messages: object, close: Close | None = None) -> GatewayError | None:
    """Let a gateway say these; return the trouble that comes of it, which must be one of ours."""
    texts = [message if isinstance(message, (str, bytes)) else json.dumps(message) for message in messages]
    one = gateway(device)
    box = FeedBox(lambda: 1000.0, threading.Event())
    one.hear = box.hear
    try:
        one._converse(Pipe(*texts, close=close))  # type: ignore[arg-type]
    except GatewayError as error:
        return error
    except ConnectionClosedError as error:
        return one._why_closed(error, "call")
    return None


@given(message=MESSAGES | VALUES | st.binary(max_size=60))
@example(message={"type": "res", "id": "connect", "error": {"code": {}}})
@example(message={"type": "res", "id": "connect", "error": {"details": {"code": [], "expectedProtocol": {}}}})
@example(
    message={"type": "res", "id": "connect", "ok": True, "payload": {"snapshot": {"stateDir": "\0\ud800"}}}
)
@example(message={"type": "event", "event": {}, "payload": {"stream": [], "data": {"phase": {}}}})
def test_any_message_is_an_answer_or_one_sentence(device: Device, message: object) -> None:
    assert conversed(device, message) is not None, "it never shook hands, and then it was gone"
    conversed(device, CHALLENGE, message)
    conversed(device, CHALLENGE, HELLO, message)


@given(message=MESSAGES | VALUES)
def test_any_answer_to_a_call_is_a_payload_or_a_refusal(device: Device, message: Any) -> None:
    from concurrent.futures import Future

    one, reply = gateway(device), Future[Any]()
    one._waiting["call"] = ("sessions.list", reply)
    answer = {**(message if isinstance(message, dict) else {"payload": message}), "type": "res", "id": "call"}
    one._take(frames.decode(json.dumps(answer), Redaction()))
    error = reply.exception(0)
    assert error is None or isinstance(error, GatewayError)
    if error is None:
        payload = reply.result(0)
        assert isinstance(payload, dict)
        rows.rows_of(payload)
        rows.queued_of(payload)
        list(rows.running_of(payload, 1000.0))
        rows.log_path_of(payload)


def echoes(device: Device, signature: str) -> list[str | bytes]:
    """Everything that we showed at the door, and what the gateway gave us there."""
    seed = device.secrets[0]
    assert isinstance(seed, bytes)
    return [TOKEN, PASSWORD, GRANTED, signature, base64.b64encode(TOKEN.encode()).decode(), seed.hex()]


@pytest.mark.parametrize(
    "place",
    [
        lambda word: {"code": word},
        lambda word: {"code": "X", "message": f"you sent {word}!"},
        lambda word: {"code": "X", "details": {"code": word}, "message": word},
        lambda word: {"details": {"expectedProtocol": word}},
        lambda word: {"message": f"missing scope: operator.{word}"},
    ],
)
def test_what_was_shown_at_the_door_is_repeated_nowhere(
    device: Device, place: Callable[[str], object]
) -> None:
    pipe, one = Pipe(json.dumps(CHALLENGE), json.dumps(HELLO)), gateway(device)
    one._converse(pipe)  # type: ignore[arg-type]
    (request,) = pipe.sent
    for word in echoes(device, json.loads(request)["params"]["device"]["signature"]):
        frame = frames.decode(json.dumps({"error": place(str(word))}), one._redaction)
        with pytest.raises(GatewayError) as caught:
            one._payload("call", frame or {})
        for shown in (caught.value.sentence, caught.value.code, repr(caught.value)):
            assert str(word) not in shown
            assert TOKEN not in shown
    close = Close(1008, f"{TOKEN} {PASSWORD} {GRANTED}")
    closed = one._why_closed(ConnectionClosedError(close, None), "call")
    assert f"{STRUCK} {STRUCK} {STRUCK}" in closed.sentence


def test_a_root_that_is_named_like_the_credential_is_told_without_it(device: Device) -> None:
    hello = {**HELLO, "payload": {"snapshot": {"stateDir": f"/srv/{PASSWORD}/{TOKEN}"}}}
    one = gateway(device)
    told = one._shake_hands(Pipe(json.dumps(CHALLENGE), json.dumps(hello)))  # type: ignore[arg-type]
    assert told.state_dir == f"/srv/{STRUCK}/{STRUCK}"


@given(code=st.integers(0, 65535), reason=st.text(max_size=120))
def test_any_close_is_one_sentence(device: Device, code: int, reason: str) -> None:
    error = conversed(device, CHALLENGE, HELLO, close=Close(code, reason + TOKEN))
    assert error is not None
    assert (error.kind, TOKEN in error.sentence) == (Trouble.CLOSED, False)


# -- real sockets -------------------------------------------------------------------------------------


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket, bytes], None]) -> Iterator[int]:
    """A server that hears one visitor's first words and answers; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)

        def meet() -> None:
            with contextlib.suppress(OSError):
                visitor, _ = server.accept()
                with visitor:
                    answer(visitor, visitor.recv(8192))

        thread = threading.Thread(target=meet)
        thread.start()
        yield server.getsockname()[1]
        thread.join(PATIENCE)
        assert not thread.is_alive()


def trouble(device: Device, url: str) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        open_gateway(Access(url, Secret(TOKEN)), device)
    return caught.value


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_redirect_is_an_answer_and_the_other_place_hears_nothing(
    device: Device, status: int, host: str
) -> None:
    heard: list[object] = []
    with serve(heard.append, "127.0.0.1", 0) as elsewhere:
        thread = threading.Thread(target=elsewhere.serve_forever)
        thread.start()
        where = f"ws://{host}:{elsewhere.socket.getsockname()[1]}/{TOKEN}"

        def send_away(visitor: socket.socket, _words: bytes) -> None:
            head = f"HTTP/1.1 {status} Over there\r\nLocation: {where}\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n"
            visitor.sendall(head.encode())

        with answering(send_away) as port:
            error = trouble(device, f"ws://127.0.0.1:{port}")
        elsewhere.shutdown()
        thread.join(PATIENCE)
    assert error.kind is Trouble.NOT_A_GATEWAY
    assert f"HTTP {status}" in error.sentence
    assert "follows no redirect" in error.sentence
    assert TOKEN not in error.sentence
    assert heard == []


def test_a_name_is_resolved_once_and_only_this_machine_is_spoken_to_without_tls(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo
    answers = iter([("127.0.0.1",), ("192.0.2.1",)])

    def rebinding(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        asked.append(host)
        return [place for address in next(answers) for place in real(address, port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with answering(lambda visitor, _words: visitor.sendall(b"HTTP/1.1 404 No\r\n\r\n")) as port:
        assert trouble(device, f"ws://localhost:{port}").kind is Trouble.NOT_A_GATEWAY
        assert asked == ["localhost"], "the address that was checked is the one that was spoken to"
        error = trouble(device, f"ws://localhost:{port}")
    assert (error.kind, "in the clear" in error.sentence) == (Trouble.BAD_URL, True)


def test_a_gateway_is_told_our_own_version(device: Device) -> None:
    params = frames.connect_params(Access("ws://127.0.0.1:1", Secret(TOKEN)), device, "n", 1)
    assert params["client"]["version"] == __version__


def test_a_port_that_another_account_has_taken_hears_nothing(device: Device) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ws://127.0.0.1:{server.getsockname()[1]}"
        access = Access(url, Secret(TOKEN), owners=frozenset({os.geteuid() + 1}))
        with pytest.raises(GatewayError) as caught:
            open_gateway(access, device)
        visitor, _ = server.accept()
        with visitor:
            heard.append(visitor.recv(100))
    assert caught.value.kind is Trouble.OTHER_GATEWAY
    assert "it is told nothing" in caught.value.sentence
    assert heard == [b""]


def test_a_port_of_which_nothing_shows_who_answers_hears_nothing(
    device: Device, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("lockdeck.backend.system.sockets._TABLES", (str(tmp_path / "none"),))
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ws://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(GatewayError) as caught:
            open_gateway(Access(url, Secret(TOKEN), owners=frozenset({os.geteuid()})), device)
        visitor, _ = server.accept()
        with visitor:
            heard = visitor.recv(100)
    assert (caught.value.kind, heard) == (Trouble.UNREACHABLE, b"")
    assert "nothing shows whose process answers" in caught.value.sentence
    assert "docker exec" in caught.value.sentence


def accepted(visitor: socket.socket, words: bytes) -> None:
    """Go over to WebSocket."""
    from websockets.utils import accept_key

    key = next(line.split(b": ")[1] for line in words.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
    head = f"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept_key(key.decode())}"
    visitor.sendall(head.encode() + b"\r\n\r\n")


@pytest.mark.parametrize(
    "said",
    [
        b"\x81\x05\xff\xfe\xfd\xfc\xfb",
        b"\x88\x02\x03",
        b"\x88\x04\x03\xe8\xff\xff",
        b"\x88\x02\x00\x00",
        b"\x88\x03\x03\xe8x",
        b"\xff\xff",
        b"\x81\x7f" + struct.pack("!Q", 1 << 40),
        b"\x82\x02\xff\xff\x88\x00",
        b"",
    ],
)
def test_bytes_that_are_no_frames_are_one_sentence(device: Device, said: bytes) -> None:
    def speak(visitor: socket.socket, words: bytes) -> None:
        accepted(visitor, words)
        visitor.sendall(said)

    with answering(speak) as port:
        assert trouble(device, f"ws://127.0.0.1:{port}").kind is Trouble.CLOSED


@pytest.mark.parametrize(
    "said", [b"", b"\0" * 2000, b"HTTP/1.1 101 Yes\r\n\r\n", b"HTTP/9 x\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"]
)
def test_what_speaks_something_else_is_no_gateway(device: Device, said: bytes, tmp_path: Path) -> None:
    with answering(lambda visitor, _words: visitor.sendall(said)) as port:
        assert trouble(device, f"ws://127.0.0.1:{port}").kind is Trouble.NOT_A_GATEWAY
