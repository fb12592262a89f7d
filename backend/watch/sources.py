"""What is read of one root: its log, gateway, locks, stores and the process table, as its snapshot tells them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from lockdeck.backend.model.fleet import SessionView, State
from lockdeck.backend.model.knowledge import activity_of, can_run, processes_source
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.table import LockScope
from lockdeck.backend.model.sources import (
    Activity,
    SourceKind,
    SourceLook,
    SourceState,
    SourceView,
    gateway_source,
    log_sources,
)
from lockdeck.backend.model.words import time_of_day
from lockdeck.backend.openclaw.gateway.trouble import Trouble
from lockdeck.backend.openclaw.roots.sessionsdirs import missing_store
from lockdeck.backend.system.text import safe
from lockdeck.backend.watch.directory import WatchedDirectory
from lockdeck.backend.watch.gateway_feed.feeds import needs_feed
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.joins import RECENT_S
from lockdeck.backend.watch.root import WatchedRoot

FRESH_S = 30.0
"""The word of a gateway that was given longer ago than this (seconds) says nothing about now."""
FIRST_ANSWER_S = 5.0
"""A run that a gateway tells of so soon (seconds) after it was reached may have begun before."""
_UNREACHED = frozenset({Trouble.UNREACHABLE, Trouble.SILENT, Trouble.CLOSED, Trouble.UNAVAILABLE})
"""Troubles in which nobody refuses: there is no answer."""


def sources_of(
    root: WatchedRoot, views: Sequence[SessionView], news: FeedNews, now: float
) -> tuple[SourceView, ...]:
    """Return the sources of a root at `now` (epoch seconds).

    `views` are its sessions, or as many of them as show what there is to be seen (`RootSessions.signs`).
    """
    # Of thousands of sessions most have neither: what can be running is among the rest.
    views = [view for view in views if view.lock is not None or view.state is not State.IDLE]
    activity = activity_of(root.gateway, views, root.gateway_started_at, news.connected, now)
    look = _gateway_look(news, now) if needs_feed(root) else None
    gateway_tells = look is not None and look.state is SourceState.READ
    heard = gateway_tells and not any(_began_unheard(view, news) for view in views)
    logs = tuple(log_sources(root.log_looks, activity, heard))
    log_suffices = traits_of(root.version).log_tells_runs and _is_whole(logs)
    version = str(root.version) if root.version else None
    return (
        *logs,
        gateway_source(
            look, _gateway_place(root), activity, log_suffices, version, _broken_off(root, news, now)
        ),
        *_locks_and_stores(root, views, activity),
        processes_source(views, "/proc" if os.path.isdir("/proc/self") else "process table", now),
    )


def _began_unheard(view: SessionView, news: FeedNews) -> bool:
    """Return whether a run goes on that began before we listened: the gateway does not tell what it went through."""
    if view.state is not State.RUNNING:
        return False
    began = view.occupation.since if view.occupation is not None else None
    return began is None or news.connected_at is None or began <= news.connected_at + FIRST_ANSWER_S


def _is_whole(logs: Sequence[SourceView]) -> bool:
    return any(log.state is SourceState.READ for log in logs) and not any(log.lost for log in logs)


def _broken_off(root: WatchedRoot, news: FeedNews, now: float) -> str | None:
    """Say that a gateway was cut off and that what ran in it is not known; None where it ended in order, or is heard.

    Who ends in order takes its lock away and closes its database; of the runs of another no file tells.
    """
    gateway = root.gateway
    if gateway is None or gateway.alive is not False or news.told_at is not None:
        return None
    wrote_at = max(filter(None, map(_changed_at, _traces(root))), default=None)
    if wrote_at is None or now - wrote_at > RECENT_S:
        return None
    return (
        f"gateway pid {gateway.pid} was killed or broke off at {time_of_day(wrote_at, now)} or later: what ran in it was cut "
        "off, and only OpenClaw can tell what that was; start the gateway again"
    )


def _traces(root: WatchedRoot) -> tuple[str, ...]:
    """Return what a gateway changes when runs begin and end, where no lock need be left of one that was cut off."""
    if root.era == "sqlite":
        return (os.path.join(root.path, "state", "openclaw.sqlite-wal"),)
    if traits_of(root.version).lock_scope is LockScope.ATTEMPT:
        return ()
    homes = [home.where for home in root.directories.values()]
    return (*(where.path for where in homes), *(where.store_path for where in homes))


def _changed_at(path: str) -> float | None:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return None


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
    homes = root.homes
    listed, stored = (safe(path or root.path, 4096) for path in (homes.listed, homes.stored))
    yield SourceView(SourceKind.LOCKS, listed, SourceState.READ, activity.now)
    yield SourceView(SourceKind.STORE, stored, SourceState.READ, activity.now)
    for home in homes.lacking:
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
    missing = missing_store(root.config, homes.places) if root.config else None
    if missing is not None and activity.gateway_lives and not root.hidden:
        yield _refused(SourceKind.STORE, root.path, missing)


def _runs_in(home: WatchedDirectory, view: SessionView) -> bool:
    """Return whether something can be running in a session whose lock stands in a directory."""
    return view.lock is not None and view.lock.record.path in home.locks and can_run(view)


def _refused(kind: SourceKind, where: str, sentence: str) -> SourceView:
    return SourceView(kind, safe(where, 4096), SourceState.REFUSED, None, safe(sentence, 4096))
