"""All that tells of runs: gateways, logs and transcripts, folded into one book and joined with sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from lockdeck.backend.model.cancel import Cancel
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.sources import without
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.system.patience import PatientCalls
from lockdeck.backend.watch.directory import WatchedDirectory
from lockdeck.backend.watch.gateway_feed.feeds import Feeds
from lockdeck.backend.watch.gateway_feed.latest import LatestNews
from lockdeck.backend.watch.joins import RECENT_S, Joiner, Joins, Touched
from lockdeck.backend.watch.logs.logbook import LogBook, LogPlaces
from lockdeck.backend.watch.progress import Progress
from lockdeck.backend.watch.root import WatchedRoot

CancelSource = Callable[[], Mapping[tuple[str, str], Cancel]]
"""Tells the newest cancel of ours in each session, by root and session key."""


class RunSources:
    """Reads the sources of runs, each when it is told to. Owned by the collector's thread.

    `cancels` tells the newest of ours. `wake` is called, in any thread, when a gateway or a live log has something to tell.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        logs: Sequence[str],
        settings: Settings,
        clock: Callable[[], float],
        wake: Callable[[], None],
        cancels: CancelSource,
        patience: PatientCalls,
    ) -> None:
        self.feeds = Feeds(env, clock, wake)
        self.news = LatestNews()
        self.logs = LogBook(logs, env, settings, wake, patience)
        self.progress = Progress()
        self.book = RunBook()
        self.touched = Touched()
        self._joiner = Joiner()
        self._cancels = cancels

    def take_news(self, roots: Mapping[str, WatchedRoot], now: float) -> bool:
        """Take in what gateways told since; return whether anything is new."""
        events = self.news.take(self.feeds.take(), roots, now)
        if events is None:
            return False
        self.book = fold_all(self.book, events)
        return True

    def log_places(self, root: WatchedRoot) -> LogPlaces:
        """Return where the gateway of a root logs, as far as the root and the gateway itself tell."""
        return self.logs.places_of(root, self._reported_logs.get(root.path))

    def read_logs(self, places: Mapping[str, LogPlaces], now: float) -> bool:
        """Take in what was logged since at the places of each root; return whether any of it matters."""
        events = self.logs.read(places, now)
        if events:
            self.book = fold_all(self.book, events)
        return bool(events)

    def look_at_logs(self, roots: Sequence[WatchedRoot], now: float) -> None:
        """Look where the log of each root is; its locks have told by now which gateway serves it."""
        self.logs.look_at_logs(roots, self._reported_logs, now)

    def hear_out(self, roots: Sequence[WatchedRoot], clock: Callable[[], float]) -> None:
        """For a single look: take in what comes by itself, until that ends, falls silent or takes too long."""
        self.logs.keep_live(roots)
        while self.logs.live.wait_more():
            self.book = fold_all(self.book, self.logs.read_live(clock()))

    def read_transcripts(self, lock_paths: Iterable[str], now: float) -> bool:
        """Take in what the transcripts that locks guard, or would, newly tell of attempts; return whether that is anything."""
        before = self.book
        for lock_path in sorted(lock_paths):
            events = self.progress.news_of(lock_path.removesuffix(".lock"), now - RECENT_S)
            if events:
                self.book = fold_all(self.book, events)
        return self.book is not before

    def join(self, listed: Sequence[WatchedDirectory], full: bool) -> Joins:
        """Join all that is told by now with the sessions of the stores and of the gateways.

        `listed` are the directories that were read anew; with `full` they are all that there are. `touched` are then the
        sessions of which this tells something else than the joining before.
        """
        ids = partial(self._joiner.session_ids, listed, full)
        told, withdrawn = self.logs.attribute(lambda: {*self.news.session_keys, *ids()})
        if withdrawn:
            self.book = without(self.book, withdrawn)
        if told:
            self.book = fold_all(self.book, told)
        self.touched = Touched()
        return self._joined(listed, full)

    def join_again(self) -> Joins:
        """Join what was read since then, too; `touched` grows by that."""
        return self._joined((), full=False)

    def _joined(self, listed: Sequence[WatchedDirectory], full: bool) -> Joins:
        told = (self.news.session_keys, self.news.run_roots, self._cancels())
        joins = self._joiner.join(self.book, listed, full, *told)
        written, self.progress.changed = self.progress.changed, set()
        paths = frozenset(f"{transcript}.lock" for transcript in written)
        self.touched = self.touched.and_also(self._joiner.touched).and_also(Touched(paths=paths))
        return joins

    def close(self) -> None:
        """Let go of connections and files."""
        self.feeds.close()
        self.logs.close()

    @property
    def _reported_logs(self) -> dict[str, str | None]:
        """The log that each gateway says it writes, by root."""
        return {path: news.log_path for path, news in self.news.by_root.items()}
