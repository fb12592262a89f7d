"""What a command is. Bindings, key bar, help and palette all read these classes, so they can't disagree."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

if TYPE_CHECKING:
    from lockdeck.tui.screens.base import DeckScreen


class Danger(StrEnum):
    """What a command can do to the world; all but `safe` ones vanish with --read-only."""

    SAFE = "safe"
    REVERSIBLE = "reversible"
    HARD = "hard to reverse"


class Needs(StrEnum):
    """What must be selected for the command to make sense; else it is greyed out."""

    NOTHING = "nothing"
    ROW = "a row"
    SESSION = "a session"
    LOCK = "a lock"


class Command:
    """One thing a person can do. `id` names the binding in keymaps; `key` may list several, by comma."""

    id: ClassVar[str]
    key: ClassVar[str]
    name: ClassVar[str]
    label: ClassVar[str]
    tooltip: ClassVar[str]
    danger: ClassVar[Danger] = Danger.SAFE
    needs: ClassVar[Needs] = Needs.NOTHING
    shown: ClassVar[bool] = True
    leaves: ClassVar[frozenset[str]] = frozenset()
    """The kinds of entries that it leaves in the journal."""

    @classmethod
    def binding(cls) -> Binding:
        """Return the binding that runs this command on the screen it is listed on."""
        action = f"screen.command('{cls.id}')"
        return Binding(cls.key, action, cls.label, show=cls.shown, tooltip=cls.tooltip, id=cls.id)

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Do it, on behalf of the screen the key was pressed on."""
        raise NotImplementedError


def bindings_of(commands: Sequence[type[Command]]) -> list[BindingType]:
    """Return the bindings of a screen's commands, in the order of the key bar."""
    return [command.binding() for command in commands]
