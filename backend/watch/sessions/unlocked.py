"""Runs that go on while no lock stands (2026.5.17 to 2026.7): by the word of their gateway, as occupations."""

from __future__ import annotations

from collections.abc import Iterator

from lockdeck.backend.model.runs.records import Hold, Occupation
from lockdeck.backend.openclaw.gateway.rows import SessionRow
from lockdeck.backend.watch.gateway_feed.news import FeedNews
from lockdeck.backend.watch.joins import Joins

FRESH_S = 30.0
"""A gateway is asked every 10 s: what it said longer ago than this (seconds) is not of now."""


def running_rows(news: FeedNews, joins: Joins, root: str, now: float) -> Iterator[SessionRow]:
    """Yield the sessions of a root in which, by its gateway's last word, a run goes on; later words go before.

    That it shows none proves nothing: 2026.5.28 calls a run over when its first attempt ends, and 2026.7.35 between two
    attempts (read, and seen on 2026.5.28).
    """
    told_at = news.told_at
    if told_at is None or not news.connected or now - told_at > FRESH_S:
        return
    for row in news.sessions or ():
        ends = (run.ended_at for run in joins.runs_of(row.key, root))
        if row.active and not any(ended_at is not None and ended_at > told_at for ended_at in ends):
            yield row


def holder_without_lock(occupation: Occupation | None) -> str | None:
    """Say who has a session whose lock does not stand; None where nobody says so."""
    hold = occupation.current if occupation is not None else None
    if hold is None:
        return None
    gateway = "its gateway" if hold.pid is None else f"its gateway (pid {hold.pid})"
    return f"{gateway} says that a run goes on; the lock is let go of meanwhile"


def with_gateways_word(
    occupation: Occupation | None, row: SessionRow, lock_path: str, news: FeedNews, pid: int | None
) -> Occupation:
    """Return the occupation of a session whose run goes on without its lock.

    It goes on from the holds that were seen before, if any: letting go of the lock does not end a run. The hold that
    stands for it begins with the attempt (`startedAt` is that of the attempt, seen on 2026.4.5), or with the last hold
    seen where no newer attempt is told.
    """
    active_since = (news.active_since or {}).get(row.key)
    began = row.started_at or active_since or news.told_at or 0.0
    name = f"run of {row.key}"
    if occupation is None:
        return Occupation(lock_path, min(began, active_since or began), 1, (Hold(name, pid, began),))
    hold = Hold(name, pid, max(began, occupation.recent[-1].started_at))
    since = min(occupation.since, began)
    return Occupation(lock_path, since, max(occupation.holds, 1), (*occupation.recent, hold))
