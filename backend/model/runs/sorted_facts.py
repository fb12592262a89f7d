"""Sorted sets of facts: neither the order of arrival nor a second telling changes one.

Two tellings of one happening are the record in OpenClaw's JSON log, and the words that its console shows of it: these
tell less, and what wraps them tells a time of its own.  Where both agree in all that both tell, close together, the
record stays.  Two records, or two lines of words, are never made one here: so a single log reads as it did, and the
order of arrival changes nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import TypeVar

from lockdeck.backend.model.runs.events import Event

_Event = TypeVar("_Event", bound=Event)

TOLD_AGAIN_S = 2.0
"""A record and the console's words for it stand within this many seconds.

In the recordings of 2026.4.5, 2026.7.35 and 2026.9.6 no run tells the same twice within 2.17 s.
"""


def insert(facts: list[_Event], event: _Event) -> None:
    """Put an event into a sorted set, in place: by time, and within one moment by what comes of what.

    Words of the console stay out, or go, where the set holds the record that they are of.
    """
    if facts and facts[-1].at >= event.at - TOLD_AGAIN_S and not _is_fuller(facts, event):
        return
    key = _order(event)
    if not facts or _order(facts[-1]) < key:
        facts.append(event)
        return
    low, high = bisect_left(facts, key, key=_order), bisect_right(facts, key, key=_order)
    place = bisect_left(facts, repr(event), low, high, key=repr)
    if place == high or facts[place] != event:
        facts.insert(place, event)


def _is_fuller(facts: list[_Event], event: _Event) -> bool:
    """Return whether no fact tells more fully what an event tells; facts that tell it less fully go."""
    low = bisect_left(facts, event.at - TOLD_AGAIN_S, key=_at)
    high = bisect_right(facts, event.at + TOLD_AGAIN_S, key=_at)
    near = facts[low:high]
    if any(is_retelling(event, fact) for fact in near):
        return False
    left = [fact for fact in near if not is_retelling(fact, event)]
    if len(left) < len(near):
        facts[low:high] = left
    return True


def _at(event: Event) -> float:
    return event.at


def _order(event: Event) -> tuple[float, int]:
    return (event.at, event.handling.order)


def is_retelling(words: Event, record: Event) -> bool:
    """Return whether words of the console tell what a record tells more fully."""
    if type(words) is not type(record) or abs(words.at - record.at) > TOLD_AGAIN_S:
        return False
    return is_record(record) and not is_record(words) and _agree(words, record)


def is_record(event: Event) -> bool:
    """Return whether an event tells what the console never does."""
    if event.trace_id is not None:
        return True
    return any(getattr(event, name) is not None for name in event.handling.record_fields)


def are_alike(event: Event, same: Event) -> bool:
    """Return whether two events agree in all that both tell, whenever that was."""
    return type(event) is type(same) and all(
        None in pair or pair[0] == pair[1] for pair in _fields_of(event, same)
    )


def _agree(words: Event, record: Event) -> bool:
    """Return whether words tell nothing but what the record tells."""
    return all(of_words is None or of_words == of_record for of_words, of_record in _fields_of(words, record))


def _fields_of(event: Event, same: Event) -> Iterator[tuple[object, object]]:
    """Yield what two events of one class tell, but for their times and what a record and its words tell apart."""
    handling = event.handling
    apart = {"at", "trace_id", *handling.record_fields, *handling.wording_fields}
    for name in event.__struct_fields__:
        if name not in apart:
            yield getattr(event, name), getattr(same, name)
