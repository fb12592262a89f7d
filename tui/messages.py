"""What the source's thread posts to the dashboard."""

from __future__ import annotations

from textual.message import Message

from backend.model.fleet import FleetSnapshot
from backend.system.text import SafeText


class Published(Message):
    """A snapshot came; of several waiting ones only the newest is handled."""

    def __init__(self, snapshot: FleetSnapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """Let a newer snapshot take the place of one not handled yet."""
        return isinstance(message, Published)


class SourceFailed(Message):
    """The source ended with an error; `sentence` says which."""

    def __init__(self, sentence: SafeText) -> None:
        super().__init__()
        self.sentence = sentence
