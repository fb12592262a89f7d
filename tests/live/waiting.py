"""Waiting for something to become true, with a deadline and a name for what never came."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.02


def eventually(predicate: Callable[[], T], seconds: float, what: str | Callable[[], str]) -> T:
    """Return the first truthy answer of `predicate`; AssertionError after `seconds`.

    `what` completes the sentence "waited N s for ..."; as a function it is asked only on failure,
    so it can tell what was there instead.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            told = what() if callable(what) else what
            raise AssertionError(f"waited {seconds:g} s for {told}")
        time.sleep(POLL_SECONDS)
