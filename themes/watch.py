"""Watch the user's own theme files, by name, size and time of change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from lockdeck.themes.loader import ThemeCatalog, load_catalog, theme_files

POLL_S = 1.0
"""Seconds between two looks at the theme folders."""

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
    """Looks at the folders in a thread of its own and hands over a new catalog when a theme has changed.

    A daemon thread: a folder on a file system that hangs must not keep the terminal.
    """

    def __init__(
        self, folders: Sequence[Path], tell: Callable[[ThemeCatalog], object], poll_s: float = POLL_S
    ) -> None:
        self._folders = tuple(folders)
        self._tell = tell
        self._poll_s = poll_s
        self._traits = traits(self._folders)
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to watch; with no folder there is nothing to watch."""
        if self._folders:
            threading.Thread(target=self._run, name="lockdeck-themes", daemon=True).start()

    def stop(self) -> None:
        """Ask the thread to end; does not wait for it."""
        self._stop.set()

    def look(self) -> ThemeCatalog | None:
        """Return the themes anew when a file has changed since the last look, else None."""
        now = traits(self._folders)
        if now == self._traits:
            return None
        self._traits = now
        return load_catalog(self._folders)

    def _run(self) -> None:
        while not self._stop.wait(self._poll_s):
            catalog = self.look()
            if catalog is not None:
                self._tell(catalog)
