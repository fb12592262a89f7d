"""Rows of the fleet by a part of their name: agent, session key, state in words, path of a lock. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest

from msgspec import Struct

from lockdeck.backend.model.fleet import FleetSnapshot, LockView
from lockdeck.backend.model.hosts import HostView
from lockdeck.tui.table.rows import Row, locks_without_session, urgency
from lockdeck.tui.view.names import RowKey, row_key
from lockdeck.tui.view.severity import LOCK_WORDS, state_word

_SIGNS = frozenset(':!"')
"""Signs that say something of their own in a filter."""


class Match(Struct, frozen=True):
    """A row that has all the words, and its key."""

    key: RowKey
    row: Row


class Findings(Struct, frozen=True):
    """The most urgent of the rows that have all the words, and how many more have them."""

    matches: tuple[Match, ...] = ()
    more: int = 0


def find_rows(snapshot: FleetSnapshot, text: str, most: int) -> Findings:
    """Return the rows that have each word of a text, in any case, most urgent first, and at most so many."""
    words = text.lower().split()
    if not words:
        return Findings()
    matches = [match for match, name in _named(snapshot, words) if all(word in name for word in words)]
    first = nsmallest(most, matches, key=lambda match: urgency(match.row))
    return Findings(tuple(first), len(matches) - len(first))


def find_hosts(snapshot: FleetSnapshot, text: str) -> list[HostView]:
    """Return the hosts whose name or group has each word of a text, in any case."""
    words = text.lower().split()
    return [
        host
        for host in snapshot.hosts
        if words and all(word in f"{host.name} {host.group}".lower() for word in words)
    ]


def as_filter(text: str) -> str:
    """Return the filter that looks for the same words."""
    words = (word.replace('"', "") for word in text.split())
    return " ".join(f'"{word}"' if _SIGNS.intersection(word) else word for word in words if word)


def host_filter(host: str) -> str:
    """Return the filter that lets the rows of one host through, and no other's whose name begins alike."""
    return f'host:"{host}"'


def holder_filter(host: str, pid: int) -> str:
    """Return the filter that lets the locks of one process through; a pid on another host is another process."""
    return f"{host_filter(host)} holder:{pid}" if host else f"holder:{pid}"


def _named(snapshot: FleetSnapshot, words: list[str]) -> Iterator[tuple[Match, str]]:
    """Yield the rows with their names; a session's lock where only it has all the words."""
    for view in snapshot.sessions:
        name = f"{view.host} {view.agent} {view.key} {state_word(view)}".lower()
        yield Match(row_key(view), view), name
        if view.lock is not None and not all(word in name for word in words):
            yield _named_lock(view.lock, view.key)
    for lock in locks_without_session(snapshot):
        yield _named_lock(lock)


def _named_lock(lock: LockView, session: str = "") -> tuple[Match, str]:
    record, word = lock.record, LOCK_WORDS[lock.judgement.verdict]
    return Match(row_key(lock), lock), f"{lock.host} {session} {record.path} {word}".lower()
