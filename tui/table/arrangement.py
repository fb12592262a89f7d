"""The rows of a snapshot in their order; rows that did not change keep what they are sorted by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from lockdeck.backend.model.fleet import FleetSnapshot, every_lock
from lockdeck.tui.table.rows import Row, RowKey, Urgency, locks_without_session, urgency
from lockdeck.tui.table.sorting import Sort


class SortKey(Struct, frozen=True):
    """The value of a row in the column sorted by, None for none, and, for ties, how urgent the row is."""

    value: Any
    urgency: Urgency


class Arrangement(Struct, frozen=True):
    """The rows of one snapshot by key, what each is sorted by, and the keys in their order."""

    items: Mapping[RowKey, Row] = field(default_factory=dict)
    sort_keys: Mapping[RowKey, SortKey] = field(default_factory=dict)
    order: tuple[RowKey, ...] = ()


EMPTY_ARRANGEMENT = Arrangement()
BY_URGENCY = Sort()


def arrange_fleet(
    snapshot: FleetSnapshot, previous: Arrangement = EMPTY_ARRANGEMENT, sort: Sort = BY_URGENCY
) -> Arrangement:
    """Return sessions and the locks that no session has; `previous` must have been made with the same sort."""
    items: dict[RowKey, Row] = {("session", view.root, view.key): view for view in snapshot.sessions}
    for lock in locks_without_session(snapshot):
        items["lock", lock.record.root, lock.record.path] = lock
    return arrange(items, previous, sort)


def arrange_locks(
    snapshot: FleetSnapshot, previous: Arrangement = EMPTY_ARRANGEMENT, sort: Sort = BY_URGENCY
) -> Arrangement:
    """Return all locks of a snapshot; `previous` must have been made with the same sort."""
    items: dict[RowKey, Row] = {
        ("lock", lock.record.root, lock.record.path): lock for lock in every_lock(snapshot)
    }
    return arrange(items, previous, sort)


def arrange(items: Mapping[RowKey, Row], previous: Arrangement, sort: Sort) -> Arrangement:
    """Sort rows; those that are the very same object as before keep their sort key."""
    old_items, old_keys, value = previous.items, previous.sort_keys, sort.value
    sort_keys = {
        key: old_keys[key] if old_items.get(key) is item else SortKey(value(item), urgency(item))
        for key, item in items.items()
    }
    return Arrangement(
        items, sort_keys, previous.order if sort_keys == old_keys else _sort(sort_keys, sort.reverse)
    )


def _sort(sort_keys: Mapping[RowKey, SortKey], reverse: bool) -> tuple[RowKey, ...]:
    """Return the keys by value, ties by urgency; rows without a value come last either way."""
    keys = sorted(sort_keys, key=lambda key: sort_keys[key].urgency)
    valued = [key for key in keys if sort_keys[key].value is not None]
    valued.sort(key=lambda key: sort_keys[key].value, reverse=reverse)
    return (*valued, *(key for key in keys if sort_keys[key].value is None))
