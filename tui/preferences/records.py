"""The preferences of a person about the dashboard, checked and ready to use."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from lockdeck.backend.settings.load import config_path
from lockdeck.tui.alarms import Rule
from lockdeck.tui.view.header import STALE_AFTER_S


class Preferences(Struct, frozen=True):
    """`columns` by table (lockdeck.tui.table.tables; none: all), `keymap` (command id to keys, by comma).

    A picture older than `stale_after_s` seconds is shown as old news; `notify` says when a person is told.
    `config` is the file that choices made in the dashboard are kept in.
    """

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keymap: Mapping[str, str] = field(default_factory=dict)
    stale_after_s: float = STALE_AFTER_S
    notify: Rule = Rule()
    config: str = field(default_factory=config_path)

    def with_columns(self, table: str, names: tuple[str, ...]) -> Preferences:
        """Return the preferences with other columns of one table."""
        return replace(self, columns={**self.columns, table: names})
