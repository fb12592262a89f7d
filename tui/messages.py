"""The messages that the threads beside the UI post to the dashboard."""

from __future__ import annotations

from textual.message import Message

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.system.text import SafeText
from lockdeck.themes.loader import ThemeCatalog
from lockdeck.tui.jobs import Piece
from lockdeck.tui.preferences.records import SettingsReading


class Published(Message):
    """A snapshot came. Each is handled: it says only what is different from the one before."""

    def __init__(self, snapshot: FleetSnapshot) -> None:
        super().__init__()
        self.snapshot = snapshot


class CatalogChanged(Message):
    """A theme file of the user's own has changed; of several waiting catalogs only the newest is handled."""

    def __init__(self, catalog: ThemeCatalog) -> None:
        super().__init__()
        self.catalog = catalog

    def can_replace(self, message: Message) -> bool:
        """Let a newer catalog take the place of one not handled yet."""
        return isinstance(message, CatalogChanged)


class ConfigurationRead(Message):
    """The configuration was read anew; of several waiting readings only the newest is handled."""

    def __init__(self, reading: SettingsReading) -> None:
        super().__init__()
        self.reading = reading

    def can_replace(self, message: Message) -> bool:
        """Let a newer reading take the place of one not handled yet."""
        return isinstance(message, ConfigurationRead)


class SourceFailed(Message):
    """The source ended with an error; `sentence` says which."""

    def __init__(self, sentence: SafeText) -> None:
        super().__init__()
        self.sentence = sentence


class JobNews(Message):
    """The present state of one piece of a job."""

    def __init__(self, number: int, index: int, piece: Piece) -> None:
        super().__init__()
        self.number = number
        self.index = index
        self.piece = piece


class JobFailed(Message):
    """A job ended with an error of lockdeck itself."""

    def __init__(self, number: int, sentence: SafeText) -> None:
        super().__init__()
        self.number = number
        self.sentence = sentence


class Recovered(Message):
    """Releases that an earlier lockdeck left half done were put right; a sentence for each."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        super().__init__()
        self.sentences = sentences
