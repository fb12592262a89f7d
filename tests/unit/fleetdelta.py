"""What a picture becomes by a difference: the other half of `backend/model/delta.py`, which the tests alone need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lockdeck.backend.model.delta import Change, View


def applied(
    changes: Iterable[Change[View]], views: Sequence[View], order: Callable[[View], Any]
) -> tuple[View, ...]:
    """Return views as they are after some changes, sorted by `order`."""
    after = list(views)
    for change in changes:
        if change.old is not None:
            after.remove(change.old)
        if change.new is not None:
            after.append(change.new)
    return tuple(sorted(after, key=order))
