"""All that tells of runs: gateways, logs and transcripts, folded into one book and joined with sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.watch.directory import WatchedDirectory
from lockdeck.backend.watch.gateway_feed.feeds import Feeds
from lockdeck.backend.watch.gateway_feed.latest import LatestNews
from lockdeck.backend.watch.joins import RECENT_S, Joiner, Joins
from lockdeck.backend.watch.logs.logbook import LogBook
from lockdeck.backend.watch.progress import Progress
from lockdeck.backend.watch.root import WatchedRoot


class RunSources:
    """Reads the sources of runs, each when it is told to. Owned by the collector's thread.

    `wake` is called, in any thread, when a gateway or a live log has something to tell.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        logs: Sequence[str],
        settings: Settings,
        clock: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self.feeds = Feeds(env, clock, wake)
        self.news = LatestNews()
        self.logs = LogBook(logs, env, settings, wake)
        self.progress = Progress()
        self.book = RunBook()
        self._joiner = Joiner()

    def take_news(self, roots: Mapping[str, WatchedRoot], now: float) -> bool:
        """Take in what gateways told since; return whether anything is new."""
        events = self.news.take(self.feeds.take(), roots, now)
        if events is None:
            return False
        self.book = fold_all(self.book, events)
        return True

    def read_logs(self, roots: Sequence[WatchedRoot], now: float) -> bool:
        """Take in what was logged since; return whether any of it matters."""
        events = self.logs.read(roots, self._reported_logs, now)
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

    def read_transcripts(self, lock_paths: Iterable[str], now: float) -> None:
        """Take in what the transcripts that locks guard newly tell of failed attempts."""
        for lock_path in sorted(lock_paths):
            failures = self.progress.new_failures(lock_path.removesuffix(".lock"), now - RECENT_S)
            if failures:
                self.book = fold_all(self.book, failures)

    def join(self, directories: Sequence[WatchedDirectory]) -> Joins:
        """Join all that is told by now with the sessions of the stores and of the gateways."""
        return self._joiner.join(self.book, directories, self.news.session_keys, self.news.run_roots)

    def close(self) -> None:
        """Let go of connections and files."""
        self.feeds.close()
        self.logs.close()

    @property
    def _reported_logs(self) -> dict[str, str | None]:
        """The log that each gateway says it writes, by root."""
        return {path: news.log_path for path, news in self.news.by_root.items()}
