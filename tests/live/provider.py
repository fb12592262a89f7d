"""A model provider on loopback that answers, hangs or fails as told (OpenAI chat completions).

Runs in threads of the test process. Base URL of provider P: `http://127.0.0.1:<port>/P/v1`.
"""

from __future__ import annotations

import json
import re
import select
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

SLOW_SECONDS_PER_WORD = 1.0
LOOK_FOR_CLOSE_SECONDS = 0.5
MAX_BODY_BYTES = 32 << 20


class Mode(StrEnum):
    """What happens to a request."""

    OK = "ok"  # a short answer at once
    SLOW = "slow"  # the same, one word a second
    HANG = "hang"  # accepted, not one byte in reply
    STALL = "stall"  # headers and three words, then silence
    ERROR401 = "error401"
    ERROR429 = "error429"
    ERROR500 = "error500"
    ERROR503 = "error503"


ERRORS: Mapping[Mode, tuple[int, str, str]] = {
    Mode.ERROR401: (401, "invalid_request_error", "Incorrect API key provided."),
    Mode.ERROR429: (429, "rate_limit_error", "Rate limit reached for requests. Please try again later."),
    Mode.ERROR500: (500, "server_error", "The server had an error while processing your request."),
    Mode.ERROR503: (503, "server_error", "The server is overloaded. Please try again later."),
}


AGENT_MARK = "[run of {agent}]"
"""What a message carries so that the provider can tell whose run asks."""
_MARK = re.compile(r"\[run of (\w+)\]")


@dataclass(slots=True)
class ProviderRequest:
    """One request as it arrived; `number` counts from 1. Times are epoch seconds; `ended_at` is None while it is open.

    `agent` is the one whose message it carries last, None where no message has a mark.
    """

    number: int
    provider: str
    model: str
    key: str
    mode: Mode
    agent: str | None = None
    began_at: float = 0.0
    ended_at: float | None = None


class Provider:
    """The provider of one instance; usable at once, `close()` ends it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._modes: dict[str, Mode] = {"*": Mode.OK}
        self._requests: list[ProviderRequest] = []
        self._open: dict[int, ProviderRequest] = {}
        self._history: list[ProviderRequest] = []
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="provider", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The loopback port."""
        return int(self._server.server_address[1])

    @property
    def requests(self) -> tuple[ProviderRequest, ...]:
        """Every request since the start or the last `forget()`, in order of arrival."""
        with self._lock:
            return tuple(self._requests)

    @property
    def open_requests(self) -> tuple[ProviderRequest, ...]:
        """The requests not answered and not given up by the caller."""
        with self._lock:
            return tuple(self._open.values())

    @property
    def history(self) -> tuple[ProviderRequest, ...]:
        """Every request there ever was, in the order of their ends, the open ones last."""
        with self._lock:
            return (*self._history, *self._open.values())

    def base_url(self, provider: str) -> str:
        """The `baseUrl` to put into OpenClaw's config for that provider id."""
        return f"http://127.0.0.1:{self.port}/{provider}/v1"

    def mode(self, mode: str, *, model: str | None = None, key: str | None = None) -> None:
        """Set what happens from the next request on: for one API key, for one model, or for all.

        A key beats a model beats the rest; setting it for all forgets the exceptions.
        """
        wanted = Mode(mode)
        with self._lock:
            if key is not None:
                self._modes[f"key:{key}"] = wanted
            elif model is not None:
                self._modes[model] = wanted
            else:
                self._modes = {"*": wanted}

    def forget(self) -> None:
        """Start counting requests anew (open ones stay open)."""
        with self._lock:
            self._requests.clear()

    def admit(self, provider: str, model: str, key: str, agent: str | None = None) -> ProviderRequest:
        """Record a request that has arrived and decide what happens to it."""
        with self._lock:
            mode = self._modes.get(f"key:{key}") or self._modes.get(model) or self._modes["*"]
            number = len(self._requests) + 1
            request = ProviderRequest(number, provider, model, key, mode, agent, time.time())
            self._requests.append(request)
            self._open[id(request)] = request
            return request

    def done(self, request: ProviderRequest) -> None:
        """Record that a request is over."""
        with self._lock:
            if self._open.pop(id(request), None) is not None:
                request.ended_at = time.time()
                self._history.append(request)

    def close(self) -> None:
        """Stop listening and let go of every hanging request. May be called twice."""
        if self.closing.is_set():
            return
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], provider: Provider) -> None:
        self.provider = provider
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a caller that went away is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Keep the test output clean."""

    def do_GET(self) -> None:
        self._json(200, {"object": "list", "data": []})

    def do_POST(self) -> None:
        length = min(int(self.headers.get("content-length") or 0), MAX_BODY_BYTES)
        body = json.loads(self.rfile.read(length) or b"{}")
        if not self.path.endswith("/chat/completions"):
            self._json(404, {"error": {"message": "not found"}})
            return
        provider = cast(_Server, self.server).provider
        key = (self.headers.get("authorization") or "").removeprefix("Bearer ").strip()
        agents = _MARK.findall(json.dumps(body.get("messages", "")))
        agent = agents[-1] if agents else None
        request = provider.admit(self.path.split("/")[1], str(body.get("model", "?")), key, agent)
        try:
            self._answer(request, streaming=bool(body.get("stream")))
        finally:
            provider.done(request)

    def _answer(self, request: ProviderRequest, *, streaming: bool) -> None:
        if request.mode is Mode.HANG:
            self._wait_until_caller_leaves()
        elif request.mode in ERRORS:
            self._fail(*ERRORS[request.mode])
        elif streaming:
            self._stream(request)
        else:
            text = _text(request)
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            self._json(200, {**_head(request, "chat.completion"), "choices": [choice], "usage": _usage(text)})

    def _fail(self, status: int, kind: str, message: str) -> None:
        error = {"message": message, "type": kind, "param": None, "code": None}
        self._json(status, {"error": error}, {"retry-after": "1"} if status == 429 else {})

    def _stream(self, request: ProviderRequest) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        head = _head(request, "chat.completion.chunk")
        text = _text(request)
        self._event({**head, "choices": [_delta({"role": "assistant", "content": ""})]})
        for index, word in enumerate(text.split(" ")):
            if request.mode is Mode.STALL and index == 3:
                self._wait_until_caller_leaves()
                return
            if request.mode is Mode.SLOW and self._provider_closing(SLOW_SECONDS_PER_WORD):
                return
            self._event({**head, "choices": [_delta({"content": f" {word}" if index else word})]})
        self._event({**head, "choices": [_delta({}, "stop")]})
        self._event({**head, "choices": [], "usage": _usage(text)})
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _provider_closing(self, seconds: float) -> bool:
        return cast(_Server, self.server).provider.closing.wait(seconds)

    def _wait_until_caller_leaves(self) -> None:
        self.close_connection = True
        while not self._provider_closing(0):
            readable, _, _ = select.select([self.connection], [], [], LOOK_FOR_CLOSE_SECONDS)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return

    def _event(self, event: Mapping[str, Any]) -> None:
        self._chunk(b"data: " + json.dumps(event).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _json(self, status: int, answer: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _text(request: ProviderRequest) -> str:
    return f"Hello from {request.model}, request {request.number}. All is well."


def _head(request: ProviderRequest, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{request.number}", "object": kind, "created": 0, "model": request.model}


def _delta(delta: Mapping[str, str], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _usage(text: str) -> dict[str, int]:
    words = len(text.split(" "))
    return {"prompt_tokens": 100, "completion_tokens": words, "total_tokens": 100 + words}
