"""Commands about rows of the fleet: what the screens share on which a session or a lock can be selected."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lockdeck.tui.dialogs.flow import ask_cancel, ask_release
from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.table.rows import RowKey
from lockdeck.tui.targets import Aim, aims_at, holder_pid
from lockdeck.tui.terminal.clipboard import copy_text
from lockdeck.tui.view.lines import EMPTY, Line, line, span


class TargetScreen(DeckScreen):
    """A screen whose selected, or marked, rows can be acted on."""

    @property
    def hidden_keys(self) -> tuple[RowKey, ...]:
        """Those of the rows an action is for that are not seen."""
        return ()

    def command_release(self) -> None:
        """Ask about the very holds that are shown now."""
        aims = [aim for aim in self._aims() if aim.lock is not None]
        if aims:
            ask_release(self.deck_app, aims, self._remarks(aims))
        else:
            self.deck_app.tell("there is no lock to release", severity="warning")

    def command_cancel(self) -> None:
        """Ask about the sessions that are shown now."""
        aims = [aim for aim in self._aims() if aim.session is not None]
        if aims:
            ask_cancel(self.deck_app, aims, remarks=self._remarks(aims))
        else:
            self.deck_app.tell("no session is known for this lock", severity="warning")

    async def command_holder(self) -> None:
        """Show the locks of the process that has, or is named by, the selected lock."""
        pid = holder_pid(self.selected_row)
        if pid is None:
            self.deck_app.tell("no process is known for this lock", severity="warning")
        elif self.filter_text != f"holder:{pid}":
            await self.deck_app.open_locks_of(pid)
        else:
            self.deck_app.tell(f"these are the locks of pid {pid}")

    def command_copy(self) -> None:
        """Copy key or path of the selected row."""
        if self.selected_key is not None:
            copy_text(self.deck_app, self.selected_key[2])

    def command_pause(self) -> None:
        """Keep the picture of this moment, or go on."""
        self.deck_app.toggle_pause()

    def _remarks(self, aims: Sequence[Aim]) -> tuple[Line, ...]:
        return hidden_lines(aims, self.hidden_keys, self.filter_text)

    def _aims(self) -> tuple[Aim, ...]:
        snapshot = self.deck_app.deck.shown
        return () if snapshot is None else aims_at(self.target_keys, snapshot)


def hidden_lines(aims: Sequence[Aim], hidden: Collection[RowKey], filter_text: str) -> tuple[Line, ...]:
    """Return lines that name those of the marked rows that the filter hides; none where it hides none."""
    rows = [line(span(f"  - {aim.title}", "warning")) for aim in aims if aim.row in hidden]
    if not rows:
        return ()
    which = "the marked row" if len(aims) == 1 else f"{len(rows)} of the {len(aims)} marked rows"
    return (line(span(f"The filter {filter_text} hides {which}:", "warning")), *rows, EMPTY)
