"""A wall clock that is set again and again, for this process only: every reader of the time of day sees it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

STEPS_S = (-86_400.0, -3600.0, -60.0, -1.0, 0.0, 1.0, 60.0, 3600.0, 86_400.0)


@contextmanager
def stepping_clock(dice: random.Random) -> Iterator[None]:
    """Set the wall clock anew at every fourth look at it."""
    real, offset = time.time, 0.0

    def stepped() -> float:
        nonlocal offset
        if dice.random() < 0.25:
            offset = dice.choice(STEPS_S)
        return real() + offset

    with mock.patch.object(time, "time", stepped):
        yield
