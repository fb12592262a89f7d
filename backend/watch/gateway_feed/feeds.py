"""The feeds of all roots that need one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.table import LockScope
from lockdeck.backend.openclaw.gateway.trouble import Trouble
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.system.folders import state_dir
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.root import WatchedRoot

if TYPE_CHECKING:
    from lockdeck.backend.openclaw.gateway.client import Gateway
    from lockdeck.backend.watch.gateway_feed.feed import Feed

FIRST_WORD_S = 2.0
"""How long a single look waits for the gateways, all of them together, in seconds."""
BUSY_S = 4.0
"""A gateway that has answered the handshake by then is waited for so much longer, in seconds."""
WITHOUT = "until then run state comes from log and process table alone"

_LETS_GO = frozenset({LockScope.WRITES, LockScope.CALLS})

Clock = Callable[[], float]


class Feeds:
    """One feed for each root whose runs no file shows all the time; owned by the collector's thread."""

    def __init__(self, env: Mapping[str, str], clock: Clock, wake: Callable[[], None]) -> None:
        self._env = env
        self._clock = clock
        self._wake = wake
        self._feeds: dict[str, Feed] = {}
        self._signatures: dict[str, object] = {}

    def keep(self, roots: Mapping[str, WatchedRoot]) -> None:
        """Begin to follow the roots that need it, end the others, and knock again where something changed."""
        followed = {path: root for path, root in roots.items() if needs_feed(root)}
        for path in [path for path in self._feeds if path not in followed]:
            self._feeds.pop(path).stop()
        if followed:
            from lockdeck.backend.watch.gateway_feed.feed import Feed
        for path, root in followed.items():
            signature = (root.gateway, root.gateway_started_at, root.config_signature)
            if path not in self._feeds:
                self._feeds[path] = Feed(self._way_to(root), self._wake, clock=self._clock)
                self._feeds[path].start()
            elif signature != self._signatures.get(path):
                self._feeds[path].retry()
            self._signatures[path] = signature

    def wait_first(self) -> bool:
        """Wait until every gateway has answered or failed, for `FIRST_WORD_S` in all; False without gateways.

        Busy ones get `BUSY_S` more, in all.
        """
        until = time.monotonic() + FIRST_WORD_S
        for feed in self._feeds.values():
            left = until - time.monotonic()
            feed.wait_first(left, min(left, 0.0) + BUSY_S)
        return bool(self._feeds)

    def take(self) -> dict[str, FeedNews]:
        """Return the news of every followed root, by its path."""
        return {path: feed.take() for path, feed in self._feeds.items()}

    def close(self) -> None:
        """End all feeds; does not wait for them."""
        for feed in self._feeds.values():
            feed.stop()

    def _way_to(self, root: WatchedRoot) -> Callable[[], Gateway]:
        def connect() -> Gateway:
            from lockdeck.backend.openclaw.gateway.access import reach
            from lockdeck.backend.openclaw.gateway.client import Gateway
            from lockdeck.backend.openclaw.gateway.trouble import GatewayError

            config = root.config or Config(root.path)
            # No PATH: the `openclaw` command takes seconds of CPU for each call and tells no events.
            line = reach(
                root.path, config, {**self._env, "PATH": ""}, state_dir(self._env), clock=self._clock
            )
            if not isinstance(line, Gateway):
                raise GatewayError(
                    Trouble.NO_CREDENTIALS, "only OpenClaw's own command can reach this gateway"
                )
            return line

        return connect


def needs_feed(root: WatchedRoot) -> bool:
    """Return whether only the gateway tells which runs of a root go on.

    From 2026.8 on there are no lock files; before, from 2026.5.17 on, a run lets go of its lock while it goes on.
    """
    if root.fault is not None:
        return False
    if root.era == "sqlite":
        return True
    lives = root.gateway is not None and root.gateway.alive is True
    return lives and traits_of(root.version).lock_scope in _LETS_GO


def problem_of(news: FeedNews, gateway_alive: bool | None) -> str | None:
    """Say in one line what is wrong between lockdeck and a gateway, and what that means."""
    if gateway_alive is False:
        return "the gateway is not running: its sessions are shown as they were told last"
    if news.problem is None:
        return None
    if news.trouble is Trouble.NOT_OURS:
        return None  # the root's own line says whose it is
    if news.trouble is Trouble.NO_CREDENTIALS:
        return f"no access to the gateway: {news.problem}; {WITHOUT}"
    return f"no word from the gateway: {news.problem}; {WITHOUT}"


def silence_of(news: FeedNews) -> str | None:
    """Say that a single look could not wait for the gateway any longer."""
    if news.sessions is not None or news.problem is not None:
        return None
    return "the gateway did not answer in time: run state comes from log and process table alone"
