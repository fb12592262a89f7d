"""Commands that change how the fleet is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockdeck.tui.commands.command import Command, Needs
from lockdeck.tui.dialogs.reading import ReadingDialog
from lockdeck.tui.terminal.clipboard import copy_text
from lockdeck.tui.theming import wear_next
from lockdeck.tui.view.lines import line, span
from lockdeck.tui.view.notes import note_rows

if TYPE_CHECKING:
    from lockdeck.tui.screens.base import DeckScreen


class Filter(Command):
    """Show some rows only."""

    id = "filter"
    key = "slash"
    name = "Filter"
    label = "Filter"
    tooltip = "Find rows by words, !word, field:value; tab completes fields and values"

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Ask for the filter."""
        screen.ask_filter()


class Freeze(Command):
    """Keep the order of rows."""

    id = "freeze"
    key = "f"
    name = "Freeze order"
    label = "Freeze"
    tooltip = "Keep the rows where they are; their contents stay live"

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Freeze or thaw the order."""
        screen.toggle_freeze()


class Pause(Command):
    """Keep the whole picture."""

    id = "pause"
    key = "p"
    name = "Pause"
    label = "Pause"
    tooltip = "Keep the picture of this moment; changes are counted and shown afterwards"

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Pause or resume."""
        screen.deck_app.toggle_pause()


class NextTheme(Command):
    """Change colours."""

    id = "theme"
    key = "t"
    name = "Next theme"
    label = "Theme"
    tooltip = "Change to the next theme"

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Put on the next theme."""
        wear_next(screen.deck_app)


class Copy(Command):
    """Copy what the selected row is called."""

    id = "copy"
    key = "y"
    name = "Copy name"
    label = "Copy"
    tooltip = "Copy the session key, or the path of a lock, to the clipboard (OSC 52)"
    needs = Needs.ROW

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Copy key or path of the selected row."""
        key = screen.selected_key
        if key is not None:
            copy_text(screen.deck_app, key[2])


class Notes(Command):
    """Show what the header has no room for."""

    id = "notes"
    key = "exclamation_mark"
    name = "Problems and notes"
    label = "Notes"
    tooltip = "Read the problems and notes of every root whole, those in the header and the rest"

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Show them in a box."""
        app = screen.deck_app
        rows = [*note_rows(app.deck.shown)] if app.deck.shown else []
        app.push_screen(ReadingDialog(rows or [line(span("nothing to note", "dim"))]))


class SortRight(Command):
    """Sort by another column."""

    id = "sort_right"
    key = "greater_than_sign"
    name = "Sort by next column"
    label = "Sort"
    tooltip = "Sort by the next column; a click on a title sorts by that one"
    shown = False

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Move the sort column to the right."""
        screen.move_sort(1)


class SortLeft(Command):
    """Sort by another column."""

    id = "sort_left"
    key = "less_than_sign"
    name = "Sort by previous column"
    label = "Sort"
    tooltip = "Sort by the previous column"
    shown = False

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Move the sort column to the left."""
        screen.move_sort(-1)


class SortReverse(Command):
    """Turn the order round."""

    id = "sort_reverse"
    key = "o"
    name = "Reverse order"
    label = "Reverse"
    tooltip = "Sort the other way round"
    shown = False

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Reverse the order."""
        screen.reverse_sort()


class Wide(Command):
    """Show all columns."""

    id = "wide"
    key = "w"
    name = "Wide"
    label = "Wide"
    tooltip = "Show all columns (left and right arrow lead to them), or those that fit"
    shown = False

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Toggle the wide table."""
        screen.toggle_wide()


class Columns(Command):
    """Choose columns."""

    id = "columns"
    key = "C"
    name = "Columns"
    label = "Columns"
    tooltip = "Choose which columns this table shows and in which order, for now or in the configuration"
    shown = False

    @classmethod
    async def run(cls, screen: DeckScreen) -> None:
        """Ask for the columns."""
        screen.ask_columns()
