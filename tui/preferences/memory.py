"""The memory of the dashboard for how a person left its tables and theme: read at the start, written when it changes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from msgspec import Struct

from lockdeck.backend.settings.looks import (
    Change,
    Looks,
    LooksError,
    change_looks,
    looks_path,
    read_looks,
    set_aside,
)
from lockdeck.backend.system.folders import NoHomeError


class Recollection(Struct, frozen=True):
    """What was kept, where further changes are kept (None: nowhere), and what is wrong with it, in a sentence."""

    looks: Looks = Looks()
    path: str | None = None
    problem: str = ""


NOTHING_KEPT = Recollection()


def recollect(*, fresh: bool = False) -> Recollection:
    """Read what was kept; where it is broken it is set aside, and where it is not ours nothing is kept.

    `fresh`: all of it is forgotten.
    """
    try:
        path = looks_path()
    except NoHomeError:
        return NOTHING_KEPT
    try:
        if fresh:
            _forget(path)
        return Recollection(read_looks(path), path)
    except LooksError as error:
        return _without(path, error)
    except OSError as error:
        return Recollection(problem=_sentence(path, error))


class Memory:
    """Keeps changes, one after another, in a thread of their own; `spawn` runs it, `failed` hears of the first fault."""

    def __init__(
        self, path: str, spawn: Callable[[Callable[[], None]], None], failed: Callable[[str], None]
    ) -> None:
        self._path, self._spawn, self._failed = path, spawn, failed
        self._lock = threading.Lock()
        self._waiting: list[Change] = []
        self._at_work = self._told = False

    def keep(self, change: Change) -> None:
        """Keep a change; returns at once."""
        with self._lock:
            self._waiting.append(change)
            begins, self._at_work = not self._at_work, True
        if begins:
            self._spawn(self._write)

    def _write(self) -> None:
        while changes := self._next():
            try:
                change_looks(self._path, lambda looks, changes=changes: _changed(looks, changes))  # type: ignore[misc]
            except (LooksError, OSError) as error:
                if not self._told:
                    self._told = True
                    self._failed(_sentence(self._path, error))

    def _next(self) -> tuple[Change, ...]:
        with self._lock:
            changes = tuple(self._waiting)
            self._waiting.clear()
            self._at_work = bool(changes)
            return changes


def _changed(looks: Looks, changes: tuple[Change, ...]) -> Looks:
    for change in changes:
        looks = change(looks)
    return looks


def _forget(path: str) -> None:
    try:
        change_looks(path, lambda _looks: Looks())
    except LooksError as error:
        if not error.broken:
            raise


def _without(path: str, error: LooksError) -> Recollection:
    if not error.broken:
        return Recollection(problem=_sentence(path, error))
    try:
        beside = set_aside(path)
    except OSError as fault:
        return Recollection(problem=_sentence(path, fault))
    return Recollection(
        path=path, problem=f"how the tables were left is not known: {error}; it is now {beside}"
    )


def _sentence(path: str, error: LooksError | OSError) -> str:
    reason = str(error) if isinstance(error, LooksError) else f"{path}: {error.strerror or error}"
    return f"how the tables are left is not kept: {reason}"
