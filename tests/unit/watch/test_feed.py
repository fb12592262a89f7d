"""The feed against a served protocol: it comes back by itself and never keeps anybody waiting."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lockdeck.backend.model.runs.events import AttemptStarted, RunEnded
from lockdeck.backend.openclaw.gateway.client import Gateway, open_gateway
from lockdeck.backend.openclaw.gateway.credentials import Access
from lockdeck.backend.openclaw.gateway.device import own_device
from lockdeck.backend.openclaw.gateway.rows import Sign
from lockdeck.backend.openclaw.gateway.secret import Secret
from lockdeck.backend.openclaw.gateway.trouble import Trouble
from lockdeck.backend.simulate import rpc
from lockdeck.backend.simulate.rpc import Manners, Mood
from lockdeck.backend.watch.gateway_feed import feed as feed_module
from lockdeck.backend.watch.gateway_feed import inbox as box_module
from lockdeck.backend.watch.gateway_feed.feed import Feed
from lockdeck.backend.watch.gateway_feed.inbox import FeedBox
from lockdeck.backend.watch.gateway_feed.news import FeedNews

TOKEN = "sesame-62351"
PATIENCE = 20.0
KEY = "agent:silas:main"


class Sessions:
    """What a gateway of 2026.9 answers; events on demand."""

    def __init__(self) -> None:
        self.hearers: list[Callable[[dict[str, object]], None]] = []
        self.rows: list[dict[str, object]] = [
            {"key": KEY, "agentId": "silas", "hasActiveRun": True, "status": "running"}
        ]
        self.tasks: list[dict[str, object]] = []
        self.asked = 0
        self.loop: asyncio.AbstractEventLoop | None = None

    def answer(self, method: str, params: Any) -> dict[str, object]:
        if method == "sessions.list":
            self.asked += 1
            return {"sessions": self.rows}
        known = {
            "sessions.subscribe": {"subscribed": True},
            "logs.tail": {"file": "/var/log/openclaw.log"},
            "tasks.list": {"tasks": self.tasks},
        }
        if method in known:
            return known[method]
        raise rpc.RefusedError("INVALID_REQUEST", f"unknown method: {method}")

    def listen(self, hear: Callable[[dict[str, object]], None]) -> Callable[[], None]:
        self.hearers.append(hear)
        return lambda: self.hearers.remove(hear)

    def say(self, *frames: dict[str, object]) -> None:
        """Send frames to whoever is connected, from the server's own thread."""
        assert self.loop is not None

        def tell() -> None:
            for hear in list(self.hearers):
                for frame in frames:
                    hear(frame)

        self.loop.call_soon_threadsafe(tell)


class Server:
    """A gateway on one port that can go away and come back."""

    def __init__(self, manners: Manners, sessions: Sessions) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.sessions = sessions
        self.up(manners)

    def up(self, manners: Manners) -> None:
        """Serve, in a thread."""
        self._loop, self._socket = asyncio.new_event_loop(), socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", self.port))
        self._socket.listen()
        self.sessions.loop = self._loop
        self._task = self._loop.create_task(rpc.serve(self._socket, manners, self.sessions))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)

    def block(self, until: threading.Event) -> None:
        """Answer nobody until then."""
        self._loop.call_soon_threadsafe(until.wait, PATIENCE)

    def down(self) -> None:
        """Go away."""
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(PATIENCE)
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._socket.close()


class Follower:
    """A feed and what it has told, waited for without sleeping."""

    def __init__(self, connect: Callable[[], Gateway]) -> None:
        self._told = threading.Condition()
        self.events: list[object] = []
        self.feed = Feed(connect, self._wake, chance=lambda: 0.0)
        self.feed.start()

    def _wake(self) -> None:
        with self._told:
            self._told.notify()

    def until(self, fits: Callable[[FeedNews], object], what: str = "fitting news") -> FeedNews:
        deadline = time.monotonic() + PATIENCE
        with self._told:
            while True:
                news = self.feed.take()
                self.events += news.events
                if fits(news):
                    return news
                left = deadline - time.monotonic()
                assert left > 0, f"no {what}: {news}"
                self._told.wait(min(left, 0.1))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses short enough for a test, and a gateway that knows what 2026.9 knows."""
    for name, value in (
        ("FIRST_PAUSE_S", 0.02),
        ("LONGEST_PAUSE_S", 0.1),
        ("LIST_S", 0.3),
        ("SPACING_S", 0.02),
    ):
        monkeypatch.setattr(feed_module, name, value)
    monkeypatch.setitem(rpc._NEEDS, "tasks.list", "operator.read")


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


@pytest.fixture
def serve(sessions: Sessions) -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(manners: Manners = Manners(TOKEN, "2026.9.6", 4)) -> Server:  # noqa: B008 - an immutable value
        made.append(Server(manners, sessions))
        return made[-1]

    yield start
    for server in made:
        server.down()


@pytest.fixture
def follow(tmp_path: Any) -> Iterator[Callable[..., Follower]]:
    made: list[Follower] = []

    def start(port: int, token: str = TOKEN) -> Follower:
        def connect() -> Gateway:
            return open_gateway(Access(f"ws://127.0.0.1:{port}", Secret(token)), own_device(str(tmp_path)))

        made.append(Follower(connect))
        return made[-1]

    yield start
    for follower in made:
        follower.feed.stop()


def lifecycle(phase: str, run: str = "r1", **data: object) -> dict[str, object]:
    payload = {"runId": run, "stream": "lifecycle", "sessionKey": KEY, "data": {"phase": phase, **data}}
    return {"type": "event", "event": "agent", "payload": payload}


def test_sessions_log_path_and_version_are_told_on_both_protocols(serve, follow):
    for manners in (Manners(TOKEN, "2026.9.6", 4), Manners(TOKEN, "2026.4.5", 3)):
        server = serve(manners)
        news = follow(server.port).until(lambda news: news.connected)
        assert [row.key for row in news.sessions] == [KEY]
        assert (news.version, news.log_path, news.problem) == (manners.version, "/var/log/openclaw.log", None)
        assert KEY in news.active_since


def test_what_happens_to_a_run_is_heard_and_the_sessions_are_asked_for_again(serve, follow, sessions):
    follower = follow(serve().port)
    follower.until(lambda news: news.connected)
    sessions.rows = [{"key": KEY, "agentId": "silas", "hasActiveRun": False, "status": "done"}]
    sessions.say(
        lifecycle("start"), lifecycle("end"), {"type": "event", "event": "sessions.changed", "payload": {}}
    )
    follower.until(lambda news: news.sessions[0].active is False and not news.active_since)
    assert [type(event) for event in follower.events] == [AttemptStarted, RunEnded]


def test_a_gateway_that_goes_away_is_one_sentence_and_is_found_again(serve, follow):
    server = serve()
    follower = follow(server.port)
    follower.until(lambda news: news.connected)
    server.down()
    gone = follower.until(lambda news: not news.connected)
    assert gone.problem
    assert "\n" not in gone.problem
    assert gone.sessions is not None, "what was told last is kept"
    server.up(Manners(TOKEN, "2026.9.6", 4))
    assert follower.until(lambda news: news.connected).problem is None


@pytest.mark.parametrize(
    ("manners", "token", "trouble"),
    [
        (Manners("another", "2026.9.6", 4), TOKEN, Trouble.AUTH),
        (Manners(TOKEN, "2027.1.1", 9), TOKEN, Trouble.PROTOCOL),
        (Manners(TOKEN, "2026.9.6", 4, scopes=()), TOKEN, Trouble.SCOPE),
        (Manners(TOKEN, "2026.9.6", 4, mood=Mood.RESTARTING), TOKEN, Trouble.CLOSED),
    ],
)
def test_a_refusal_is_one_sentence_without_the_token(serve, follow, manners, token, trouble):
    news = follow(serve(manners).port, token).until(lambda news: news.problem)
    assert news.trouble is trouble
    assert TOKEN not in repr(news)
    assert not news.connected


def test_what_nobody_expected_is_told_and_tried_again():
    tries: list[int] = []

    def connect() -> Gateway:
        tries.append(1)
        raise ValueError("a strange config")

    follower = Follower(connect)
    try:
        news = follower.until(lambda news: news.problem and len(tries) > 1)
    finally:
        follower.feed.stop()
    assert "a strange config" in news.problem


def test_a_half_open_socket_is_noticed_and_replaced(serve, follow, monkeypatch):
    monkeypatch.setattr(feed_module, "ANSWER_S", 0.2)
    server = serve(Manners(TOKEN, "2026.9.6", 4, mood=Mood.DEAF))
    follower = follow(server.port)
    assert follower.until(lambda news: news.problem).trouble is Trouble.SILENT
    server.down()
    server.up(Manners(TOKEN, "2026.9.6", 4))
    follower.until(lambda news: news.connected)


def test_a_first_word_is_waited_for_no_longer_than_asked(serve, follow, monkeypatch):
    follower = follow(serve(Manners(TOKEN, mood=Mood.MUTE)).port)
    began = time.monotonic()
    assert not follower.feed.wait_first(0.1)
    assert time.monotonic() - began < PATIENCE / 4
    assert follow(serve().port).feed.wait_first(PATIENCE)


def test_a_gateway_that_takes_the_connection_and_is_busy_is_waited_for_longer(serve, follow, sessions):
    asked, free, answer = threading.Event(), threading.Event(), sessions.answer

    def busy(method: str, params: Any) -> dict[str, object]:
        asked.set()
        free.wait(PATIENCE)
        return answer(method, params)

    sessions.answer = busy
    feed = follow(serve().port).feed
    assert asked.wait(PATIENCE)
    assert not feed.wait_first(0.0)
    free.set()
    assert feed.wait_first(0.0, PATIENCE)


def test_the_end_of_a_run_that_the_tasks_tell_again_and_again_is_passed_on_once(
    serve, follow, sessions, monkeypatch
):
    monkeypatch.setattr(feed_module, "LIST_S", 0.05)
    at_ms = int(time.time() * 1000)
    told = {"status": "failed", "sessionKey": KEY, "createdAt": at_ms - 9000, "startedAt": at_ms - 8000}
    sessions.tasks = [{**told, "runId": run_id, "endedAt": at_ms} for run_id in ("r1", "r2")]
    follower = follow(serve().port)
    follower.until(lambda _news: sessions.asked > 3)
    ends = [event for event in follower.events if isinstance(event, RunEnded)]
    assert sorted((end.run_id, end.ok, end.settled) for end in ends) == [
        ("r1", False, True),
        ("r2", False, True),
    ]


def test_a_flood_keeps_the_newest_and_counts_the_rest(monkeypatch):
    monkeypatch.setattr(box_module, "MOST_EVENTS", 10)
    bell = threading.Event()
    box = FeedBox(time.time, bell)
    for number in range(1000):
        box.hear(lifecycle("start", f"r{number}"))
    heard = box.empty()
    assert [event.run_id for event in heard.events] == [f"r{n}" for n in range(990, 1000)]
    assert heard.dropped == 990
    assert bell.is_set()
    assert box.empty().events == ()


def test_a_flood_of_words_wakes_nobody():
    bell = threading.Event()
    box = FeedBox(lambda: 5.0, bell)
    payload = {"runId": "r1", "stream": "assistant", "sessionKey": KEY, "data": {"delta": "x"}}
    for _ in range(1000):
        box.hear({"type": "event", "event": "agent", "payload": payload})
    assert not bell.is_set()
    assert box.empty().progress == {KEY: Sign(5.0)}


def test_a_flood_of_changes_is_answered_by_few_questions(serve, follow, sessions, monkeypatch):
    monkeypatch.setattr(feed_module, "SPACING_S", 5.0)
    monkeypatch.setattr(feed_module, "LIST_S", 60.0)
    follower = follow(serve().port)
    follower.until(lambda news: news.connected)
    changed = {"type": "event", "event": "sessions.changed", "payload": {}}
    sessions.say(*[changed] * 2000, lifecycle("start"))
    follower.until(lambda _news: follower.events, "the event behind the flood")
    assert sessions.asked <= 2
