"""What is read of one root: its log, gateway, locks, stores and the process table, as its snapshot tells them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from lockdeck.backend.model.fleet import SessionView, State
from lockdeck.backend.model.knowledge import activity_of, can_run, processes_source
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.sources import (
    Activity,
    SourceKind,
    SourceLook,
    SourceState,
    SourceView,
    gateway_source,
    log_sources,
)
from lockdeck.backend.openclaw.gateway.trouble import Trouble
from lockdeck.backend.system.text import safe
from lockdeck.backend.watch.directory import WatchedDirectory
from lockdeck.backend.watch.gateway_feed.feeds import needs_feed
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.root import WatchedRoot

FRESH_S = 30.0
"""The word of a gateway that was given longer ago than this (seconds) says nothing about now."""
_UNREACHED = frozenset({Trouble.UNREACHABLE, Trouble.SILENT, Trouble.CLOSED, Trouble.UNAVAILABLE})
"""Troubles in which nobody refuses: there is no answer."""


def sources_of(
    root: WatchedRoot, views: Sequence[SessionView], news: FeedNews, now: float
) -> tuple[SourceView, ...]:
    """Return the sources of a root, whose sessions are `views`, at `now` (epoch seconds)."""
    # Of thousands of sessions most have neither: what can be running is among the rest.
    views = [view for view in views if view.lock is not None or view.state is not State.IDLE]
    activity = activity_of(root.gateway, views, root.gateway_started_at, news.connected, now)
    look = _gateway_look(news, now) if needs_feed(root) else None
    gateway_tells = look is not None and look.state is SourceState.READ
    logs = tuple(log_sources(root.log_looks, activity, gateway_tells))
    log_suffices = traits_of(root.version).log_tells_runs and _is_whole(logs)
    version = str(root.version) if root.version else None
    return (
        *logs,
        gateway_source(look, _gateway_place(root), activity, log_suffices, version),
        *_locks_and_stores(root, views, activity),
        processes_source(views, "/proc" if os.path.isdir("/proc/self") else "process table", now),
    )


def _is_whole(logs: Sequence[SourceView]) -> bool:
    return any(log.state is SourceState.READ for log in logs) and not any(log.lost for log in logs)


def _gateway_place(root: WatchedRoot) -> str:
    port = root.gateway.port if root.gateway else None
    port = port or (root.config.gateway_port if root.config else None)
    return "gateway" if port is None else f"127.0.0.1:{port}"


def _gateway_look(news: FeedNews, now: float) -> SourceLook:
    """Return what is seen of a gateway that is asked."""
    why = safe(news.problem or "it has not answered yet")
    if news.told_at is not None and now - news.told_at <= FRESH_S:
        return SourceLook("", SourceState.READ, news.told_at)
    if news.told_at is not None:
        return SourceLook("", SourceState.STALE, news.told_at, why)
    refused = news.trouble is not None and news.trouble not in _UNREACHED
    return SourceLook("", SourceState.REFUSED if refused else SourceState.MISSING, None, why)


def _locks_and_stores(
    root: WatchedRoot, views: Sequence[SessionView], activity: Activity
) -> Iterator[SourceView]:
    """Yield the locks and stores of a root: those that can be read as one, and each that can't."""
    if root.era == "sqlite":
        # The gateway tells of its sessions, and nothing reads what is left of the files.
        yield SourceView(SourceKind.LOCKS, safe(root.path, 4096), SourceState.NOT_NEEDED)
        yield SourceView(SourceKind.STORE, safe(root.path, 4096), SourceState.NOT_NEEDED)
        return
    directories = list(root.directories.values())
    listed = [home.where.path for home in directories if home.unlisted is None]
    stored = [home.where.path for home in directories if home.unread_store is None]
    yield SourceView(SourceKind.LOCKS, _place(root, listed), SourceState.READ, activity.now)
    yield SourceView(SourceKind.STORE, _place(root, stored), SourceState.READ, activity.now)
    for home in directories:
        if home.unlisted is not None:
            yield _refused(SourceKind.LOCKS, home.where.path, home.unlisted)
        if home.unread_store is not None:
            yield _refused(SourceKind.STORE, home.where.store_path, home.unread_store)
        elif home.is_without_store and any(_runs_in(home, view) for view in views):
            where = safe(home.where.store_path, 4096)
            lost = f"{where} does not exist, so whose session is held is not known"
            yield SourceView(SourceKind.STORE, where, SourceState.MISSING, None, lost)
    for sentence in root.hidden_stores():
        yield _refused(SourceKind.STORE, root.path, sentence)


def _runs_in(home: WatchedDirectory, view: SessionView) -> bool:
    """Return whether something can be running in a session whose lock stands in a directory."""
    return view.lock is not None and view.lock.record.path in home.locks and can_run(view)


def _place(root: WatchedRoot, paths: Sequence[str]) -> str:
    try:
        return safe(os.path.commonpath(paths) if paths else root.path, 4096)
    except ValueError:
        return safe(root.path, 4096)


def _refused(kind: SourceKind, where: str, sentence: str) -> SourceView:
    return SourceView(kind, safe(where, 4096), SourceState.REFUSED, None, safe(sentence, 4096))
