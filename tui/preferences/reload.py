"""The configuration of a dashboard that runs: read and checked anew when its file changes, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lockdeck.backend.settings.check import SettingsError
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.watch.wakeup.filewatch import FileWatch
from lockdeck.tui.preferences.check import preferences_of
from lockdeck.tui.preferences.records import SettingsReading, Watched


def reading(read: Callable[[], Settings]) -> SettingsReading:
    """Read and check once."""
    try:
        settings = read()
        preferences_of(settings)
    except SettingsError as error:
        return SettingsReading(fault=str(error))
    return SettingsReading(settings)


class ConfigurationWatch:
    """Hands over a reading after every change of the file, from a thread of its own.

    A daemon thread: a file system that hangs must not keep the terminal.
    """

    def __init__(self, watched: Watched, tell: Callable[[SettingsReading], object]) -> None:
        self._watch = FileWatch(watched.path)
        self._read = watched.read
        self._tell = tell

    def start(self) -> None:
        """Begin to watch."""
        threading.Thread(target=self._run, name="lockdeck-configuration", daemon=True).start()

    def stop(self) -> None:
        """Ask the thread to end; does not wait for it."""
        self._watch.stop()

    def _run(self) -> None:
        while self._watch.wait():
            self._tell(reading(self._read))
        self._watch.close()
