"""Where it is worth waiting for what is logged next."""

from __future__ import annotations

from msgspec import Struct


class LogPaths(Struct, frozen=True):
    """The `files` that are followed, those that are `expected` to appear, and `directories` in which any log may.

    `behind`: more is to be read already.
    """

    files: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    behind: bool = False
