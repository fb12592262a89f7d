"""Words that a shell completes with: sessions, locks, release ids and providers as they are at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import click

from lockdeck.backend.model.fleet import FleetSnapshot, every_lock
from lockdeck.backend.model.locks import LockKind


def session_keys(_context: click.Context, _parameter: click.Parameter, begin: str) -> list[str]:
    """Return the full keys of the sessions, those that need a person first."""
    return _beginning(begin, (session.key for session in _snapshot().sessions))


def lock_paths(_context: click.Context, _parameter: click.Parameter, begin: str) -> list[str]:
    """Return the paths of the locks that stand."""
    return _beginning(begin, (view.record.path for view in every_lock(_snapshot())))


def locks_and_sessions(context: click.Context, parameter: click.Parameter, begin: str) -> list[str]:
    """Return session keys and lock paths."""
    return session_keys(context, parameter, begin) + lock_paths(context, parameter, begin)


def release_ids(context: click.Context, _parameter: click.Parameter, begin: str) -> list[str]:
    """Return the release id of the lock that the line names, of all where it names none."""
    path = context.params.get("lock")
    views = [view for view in every_lock(_snapshot()) if view.record.kind is LockKind.SESSION]
    meant = [view for view in views if path in (None, view.record.path)]
    return _beginning(begin, (view.release_id for view in meant if view.release_id is not None))


def providers(_context: click.Context, _parameter: click.Parameter, begin: str) -> list[str]:
    """Return the providers and models that answer nobody."""
    return _beginning(
        begin, (name for i in _snapshot().incidents for name in i.subjects if i.is_of_provider(name))
    )


def rungs(_context: click.Context, _parameter: click.Parameter, begin: str) -> list[str]:
    """Return the rungs that any ladder has."""
    from lockdeck.tui.cli.cancel import RUNGS

    return _beginning(begin, RUNGS)


def _beginning(begin: str, words: Iterable[str]) -> list[str]:
    return [word for word in dict.fromkeys(words) if word.startswith(begin) and word.isprintable()]


@lru_cache(maxsize=1)
def _snapshot() -> FleetSnapshot:
    """Look once, quietly: a configuration that is wrong completes nothing, and no log command is run for it."""
    from lockdeck.backend.settings.check import SettingsError
    from lockdeck.backend.settings.load import load_settings
    from lockdeck.backend.settings.records import RootSettings, Settings
    from lockdeck.backend.watch.collector import Collector

    try:
        settings = load_settings(None)
    except (SettingsError, OSError):
        return FleetSnapshot(0.0, "")
    roots = tuple(RootSettings(root.path, own_namespace=root.own_namespace) for root in settings.roots)
    collector = Collector.discover((), Settings(roots=roots))
    try:
        return collector.look()
    finally:
        collector.close()
