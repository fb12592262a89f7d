"""The last word of the gateways of all roots, and the root whose gateway named a run."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping

from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.events import Event
from lockdeck.backend.openclaw.gateway.rows import SessionRow, ends_of, run_ids_of
from lockdeck.backend.watch.gateway_feed.feeds import problem_of, silence_of
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.joins import RECENT_S
from lockdeck.backend.watch.root import WatchedRoot

MOST_RUNS = 10_000
"""Of so many runs it is remembered which root's gateway named them."""
NO_NEWS = FeedNews()


class LatestNews:
    """Keeps the news of each root with a feed. Owned by the collector's thread.

    `by_root` is by the root's path; `run_roots` is the path of the root whose gateway named a run, by run id.
    """

    def __init__(self) -> None:
        self.by_root: Mapping[str, FeedNews] = {}
        self.run_roots: dict[str, str] = {}
        self._told: list[tuple[SessionRow, ...]] = []
        self._keys: dict[str, str] = {}

    def take(
        self, news: Mapping[str, FeedNews], roots: Mapping[str, WatchedRoot], now: float
    ) -> list[Event] | None:
        """Take in what the feeds bring; return the events in it, None where nothing at all is new."""
        previous, self.by_root = self.by_root, news
        events: list[Event] | None = None
        for path, root in roots.items():
            latest = news.get(path)
            alive = root.gateway.alive if root.gateway else None
            # Up to 2026.7 files tell most of it: what is lost without the gateway stands with the sources.
            tells_all = latest is not None and root.era == "sqlite"
            root.access_problem = problem_of(latest, alive) if latest is not None and tells_all else None
            if latest is not None and _is_new(latest, previous.get(path, NO_NEWS)):
                events = [*(events or ()), *self._take_one(latest, root, now)]
        return events

    def of(self, root: str) -> FeedNews:
        """Return what the gateway of a root told last."""
        return self.by_root.get(root, NO_NEWS)

    @property
    def session_keys(self) -> Mapping[str, str]:
        """Session keys by session id, as the gateways name them; made once for what they told last."""
        told = [news.sessions or () for news in self.by_root.values()]
        if len(told) != len(self._told) or any(map(operator.is_not, told, self._told)):
            rows = (row for of_root in told for row in of_root)
            self._told = told
            self._keys = {row.session_id: row.key for row in rows if row.session_id is not None}
        return self._keys

    def silences(self) -> dict[str, str]:
        """Return by root a sentence on each gateway that has neither answered nor failed."""
        sentences = ((path, silence_of(news)) for path, news in self.by_root.items())
        return {path: sentence for path, sentence in sentences if sentence is not None}

    def notes(self) -> Iterator[str]:
        """Yield what was not kept, in sentences."""
        for path, news in self.by_root.items():
            if news.dropped:
                yield f"{path}: {news.dropped} gateway events of a flood were not kept"

    def _take_one(self, latest: FeedNews, root: WatchedRoot, now: float) -> list[Event]:
        rows = latest.sessions or ()
        ends = ends_of(rows, now - RECENT_S) if latest.told_at else ()
        events = [*latest.events, *ends]
        run_roots = self.run_roots | dict.fromkeys(run_ids_of(events, rows), root.path)
        if run_roots != self.run_roots:
            self.run_roots = dict(list(run_roots.items())[-MOST_RUNS:])
        root.gateway_version = Version.parse(latest.version) or root.gateway_version
        # Up to 2026.7 log and locks tell the attempts; another teller would count them again.
        return events if root.era == "sqlite" else []


def _is_new(latest: FeedNews, previous: FeedNews) -> bool:
    return bool(latest.events) or (latest.told_at, latest.problem) != (previous.told_at, previous.problem)
