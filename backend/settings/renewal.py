"""What of a configuration that was changed can be used at once, and what needs a new start. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.settings.keys import config_keys
from lockdeck.backend.settings.records import RootSettings, Settings

AT_ONCE = frozenset(
    {
        *("theme", "columns", "locks_columns", "events_columns", "journal_columns", "hosts_columns"),
        *("mouse", "keys"),
        *("notify", "notify_after_s", "notify_every_s", "rescan_s", "gap_grace_s"),
    }
)
"""The settings that a running dashboard can change. `read_only` can begin at once, but ends with a new start only."""


class Renewal(Struct, frozen=True):
    """The settings to go on with, the names of those that are used at once, and of those that wait for a new start."""

    settings: Settings
    used: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def renewed(before: Settings, now: Settings) -> Renewal:
    """Return what becomes of the settings in use where the configuration says something else now."""
    names = [key.name for key in config_keys(Settings) if getattr(before, key.name) != getattr(now, key.name)]
    begins = "read_only" in names and now.read_only
    roots = tuple(_with_read_only(root, now) for root in before.roots)
    used = [name for name in names if name in AT_ONCE or (name == "read_only" and begins)]
    used += [f"read_only of {root.path}" for root in roots if root not in before.roots]
    settings = replace(
        before,
        **{name: getattr(now, name) for name in names if name in AT_ONCE},
        read_only=before.read_only or now.read_only,
        roots=roots,
        origin=now.origin,
        lines=now.lines,
    )
    return Renewal(settings, tuple(used), tuple(_waiting(names, begins, roots, now)))


def _with_read_only(root: RootSettings, now: Settings) -> RootSettings:
    """Return a root as it is used, which becomes read-only where the configuration says so now."""
    told = next((other for other in now.roots if other.path == root.path), root)
    return replace(root, read_only=root.read_only or told.read_only)


def _waiting(names: list[str], begins: bool, roots: tuple[RootSettings, ...], now: Settings) -> Iterator[str]:
    for name in names:
        if name == "roots":
            yield from ("roots",) if roots != now.roots else ()
        elif name not in AT_ONCE and not (name == "read_only" and begins):
            yield name
