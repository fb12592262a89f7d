"""Watch the user's own theme files, by name, size and time of change; the kernel tells when to look."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from lockdeck.backend.watch.wakeup.filewatch import StateWatch
from lockdeck.themes.loader import ThemeCatalog, load_catalog, theme_files

Traits = tuple[tuple[str, int, int], ...]


def traits(folders: Sequence[Path]) -> Traits:
    """Return path, size and time of change (nanoseconds) of every theme file."""
    files = []
    for folder in folders:
        for path in theme_files(folder):
            try:
                status = path.stat()
            except OSError:
                continue  # gone since it was listed
            files.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(files)


class ThemeWatch:
    """Waits in a thread of its own and hands over a new catalog when a theme has changed.

    A daemon thread: a folder on a file system that hangs must not keep the terminal.
    """

    def __init__(self, folders: Sequence[Path], tell: Callable[[ThemeCatalog], object]) -> None:
        self._folders = tuple(folders)
        self._tell = tell
        self._watch: StateWatch | None = None

    def start(self) -> None:
        """Begin to watch; with no folder there is nothing to watch."""
        if self._folders:
            self._watch = StateWatch(self._where, lambda: traits(self._folders))
            threading.Thread(
                target=self._run, args=(self._watch,), name="lockdeck-themes", daemon=True
            ).start()

    def stop(self) -> None:
        """Ask the thread to end; does not wait for it."""
        if self._watch is not None:
            self._watch.stop()

    def _run(self, watch: StateWatch) -> None:
        while watch.wait():
            self._tell(load_catalog(self._folders))
        watch.close()

    def _where(self) -> set[str]:
        """Return the folders that theme files are named in, and those that they are in."""
        files = (os.path.realpath(path) for folder in self._folders for path in theme_files(folder))
        return {*map(os.path.abspath, self._folders), *map(os.path.dirname, files)}
