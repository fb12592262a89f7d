"""Writing of the selected columns to the configuration, in a thread of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.message import Message
from textual.message_pump import MessagePump

from lockdeck.backend.settings.check import SettingsError
from lockdeck.tui.background import post, run_in_thread
from lockdeck.tui.table.tables import TableKind


class ColumnsSaved(Message):
    """The columns are in the configuration, or, `failed`, they are not; the sentence says where or why."""

    def __init__(self, sentence: str, *, failed: bool = False) -> None:
        super().__init__()
        self.sentence = sentence
        self.failed = failed


def save_columns(to: MessagePump, table: TableKind[Any], names: Sequence[str], path: str) -> None:
    """Write the columns of a table to the file `path`; ends in a ColumnsSaved to `to`."""

    def work() -> None:
        from lockdeck.backend.settings.write import save_list

        try:
            save_list(path, table.setting, names)
        except SettingsError as error:
            post(to, ColumnsSaved(f"the columns are shown, but not saved: {error}", failed=True))
            return
        post(to, ColumnsSaved(f"the columns of the {table.name} table are saved in {path}"))

    run_in_thread(work, to, "columns", must_finish=True)
