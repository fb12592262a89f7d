"""Sorted sets of facts: neither the order of arrival nor a second telling changes one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TypeVar

from lockdeck.backend.model.runs.events import Event

_Event = TypeVar("_Event", bound=Event)


def insert(facts: list[_Event], event: _Event) -> None:
    """Put an event into a sorted set, in place: by time, and within one moment by what comes of what."""
    key = _order(event)
    if not facts or _order(facts[-1]) < key:
        facts.append(event)
        return
    low, high = bisect_left(facts, key, key=_order), bisect_right(facts, key, key=_order)
    place = bisect_left(facts, repr(event), low, high, key=repr)
    if place == high or facts[place] != event:
        facts.insert(place, event)


def _order(event: Event) -> tuple[float, int]:
    return (event.at, event.handling.order)
