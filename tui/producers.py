"""The threads that feed the dashboard: with snapshots, with themes of the person's own, and with the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual.message import Message
from textual.message_pump import MessagePump

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.system.text import SafeText
from lockdeck.themes.loader import ThemeCatalog
from lockdeck.themes.watch import ThemeWatch
from lockdeck.tui.messages import CatalogChanged, ConfigurationRead, Published, SourceFailed
from lockdeck.tui.preferences.records import SettingsReading, Watched
from lockdeck.tui.preferences.reload import ConfigurationWatch
from lockdeck.tui.snapshots import Source, SourceThread


class Producers:
    """Runs the source, and the watches over theme files and configuration; all only post messages to the dashboard."""

    def __init__(
        self, to: MessagePump, source: Source, theme_folders: Sequence[Path], watched: Watched | None = None
    ) -> None:
        self._to = to
        self._source = SourceThread(source, self.publish, self._source_failed)
        self._themes = ThemeWatch(theme_folders, self.offer_catalog)
        self._configuration = None if watched is None else ConfigurationWatch(watched, self.offer_reading)

    def start(self) -> None:
        """Start watching."""
        self._source.start()
        self._themes.start()
        if self._configuration is not None:
            self._configuration.start()

    def stop(self) -> None:
        """Tell the threads to end; nobody waits for them."""
        self._source.stop()
        self._themes.stop()
        if self._configuration is not None:
            self._configuration.stop()

    def publish(self, snapshot: FleetSnapshot) -> None:
        """Hand over a snapshot, from any thread."""
        self._post(Published(snapshot))

    def offer_catalog(self, catalog: ThemeCatalog) -> None:
        """Hand over the themes there are now, from any thread."""
        self._post(CatalogChanged(catalog))

    def offer_reading(self, reading: SettingsReading) -> None:
        """Hand over the configuration as it is now, from any thread."""
        self._post(ConfigurationRead(reading))

    def _source_failed(self, sentence: SafeText) -> None:
        self._post(SourceFailed(sentence))

    def _post(self, message: Message) -> None:
        try:
            self._to.post_message(message)
        except RuntimeError:
            self.stop()  # the event loop is closed: the dashboard is gone
