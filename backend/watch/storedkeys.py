"""The sessions that the stores of all directories name, put together again only where one names others."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lockdeck.backend.watch.directory import WatchedDirectory


class StoredKeys:
    """The session keys by session id as the stores of all directories name them: another dict when that changes."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        self._of_directory: dict[str, tuple[int, dict[str, str]]] = {}
        self._directories: dict[str, WatchedDirectory] = {}

    @property
    def directories(self) -> Collection[WatchedDirectory]:
        """All directories."""
        return self._directories.values()

    def take(self, listed: Sequence[WatchedDirectory], full: bool) -> None:
        """Take up what the stores of some directories name now; with `full` there are no others."""
        before = self._of_directory
        now = {d.where.path: _keys_in(d, before.get(d.where.path)) for d in listed}
        same = all(path in before and before[path][1] is keys for path, (_, keys) in now.items())
        same = same and (not full or len(now) == len(before))
        if full:
            self._of_directory, self._directories = now, {}
        else:
            before.update(now)
        self._directories.update((directory.where.path, directory) for directory in listed)
        if not same:
            self.keys = {}
            for _, keys in self._of_directory.values():
                self.keys.update(keys)


def _keys_in(
    directory: WatchedDirectory, before: tuple[int, dict[str, str]] | None
) -> tuple[int, dict[str, str]]:
    if before is not None and before[0] == directory.generation:
        return before
    entries = directory.store.entries
    keys = {entry.session_id: entry.key for entry in entries if entry.session_id is not None}
    same = before is not None and before[1] == keys
    return (directory.generation, before[1] if before is not None and same else keys)
