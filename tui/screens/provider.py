"""The palette's view of the commands: those that work on this screen now."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from functools import partial
from typing import cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from lockdeck.tui.bindings import key_of
from lockdeck.tui.commands import COMMANDS, Command
from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.widgets.text import content

BELOW_NAMED_COMMANDS = 1000.0
"""The score of the first row of the fleet: below commands whose name has what was typed, above those that are alike."""


class CommandProvider(Provider):
    """Offers the commands of the screen under the palette."""

    async def discover(self) -> Hits:
        """Offer all commands before anything is typed."""
        for command in self._commands():
            yield DiscoveryHit(
                content(self._title(command)), self._runner(command), command.name, command.tooltip
            )

    async def search(self, query: str) -> Hits:
        """Offer the commands whose name matches."""
        matcher = self.matcher(query)
        for command in self._commands():
            score = matcher.match(command.name)
            if score > 0:
                named = query.lower() in command.name.lower()
                score += BELOW_NAMED_COMMANDS if named else 0.0
                yield Hit(
                    score, content(self._title(command)), self._runner(command), command.name, command.tooltip
                )

    @property
    def _screen(self) -> DeckScreen:
        return cast("DeckScreen", self.screen)

    def _commands(self) -> Iterator[Command]:
        for name in self._screen.COMMAND_IDS:
            if name != "palette" and self._screen.check_action("command", (name,)):
                yield COMMANDS[name]

    def _runner(self, command: Command) -> partial[Coroutine[None, None, None]]:
        return partial(self._screen.action_command, command.id)

    def _title(self, command: Command) -> str:
        """Return the name with the key that runs the command now."""
        key = key_of(self.screen, command.id)
        return f"{command.name}  ({key})" if key else command.name
