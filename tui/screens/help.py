"""The keys that work on a screen, read from its live bindings, and the legend of what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen

from lockdeck.tui.bindings import live_bindings
from lockdeck.tui.view.legend import indent as legend_indent
from lockdeck.tui.view.legend import legend
from lockdeck.tui.view.lines import EMPTY, Line, fit, line, span, wrap
from lockdeck.tui.view.symbols import Symbols
from lockdeck.tui.widgets.lineview import LineView
from lockdeck.tui.widgets.scroll import PagerScroll

_HOUSEKEEPING = frozenset(
    {"app.focus_next", "app.focus_previous", "screen.copy_text", "screen.minimize"}
    | {"scroll_left", "scroll_right", "page_left", "page_right", "help_quit"}
)
"""Textual's own bindings that say nothing about lockdeck."""
_KEY_WIDTH = 12
_WORD_WIDTH = legend_indent() - _KEY_WIDTH


class HelpScreen(ModalScreen[None]):
    """Lists key, command and what it does, and under them what every column, symbol and word means."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "Close"),
    ]

    def __init__(self, about: Screen[None], columns: Sequence[tuple[str, str]], symbols: Symbols) -> None:
        super().__init__()
        self._rows = [*_keys(about), *legend(columns, symbols), EMPTY, line(span("esc closes", "dim"))]

    def compose(self) -> ComposeResult:
        """Put the list in a box."""
        yield PagerScroll(LineView("overlay", id="help-lines"), id="help-box")

    def on_mount(self) -> None:
        """Fill the list."""
        self.query_one("#help-lines", LineView).show(self._wrapped)

    def _wrapped(self, width: int) -> list[Line]:
        return [
            part
            for row in self._rows
            for part in (wrap(row, width, indent=_KEY_WIDTH + _WORD_WIDTH) if row else (row,))
        ]


def _keys(screen: Screen[None]) -> Sequence[Line]:
    rows: dict[str, tuple[list[str], str, str]] = {}
    live = [(binding, tooltip) for _node, binding, _enabled, tooltip in live_bindings(screen)]
    for binding, tooltip in sorted(live, key=lambda pair: not pair[1]):
        if binding.system or not binding.description or binding.action in _HOUSEKEEPING:
            continue
        keys = rows.setdefault(binding.action, ([], binding.description, tooltip))[0]
        keys.append(screen.app.get_key_display(binding))
    listed = [
        line(
            *fit(line(span(" ".join(keys), "accent")), _KEY_WIDTH),
            *fit(line(span(word)), _WORD_WIDTH),
            span(tooltip, "dim"),
        )
        for keys, word, tooltip in rows.values()
    ]
    return [
        line(
            span("Keys on this screen", "heading"),
            span("   under them: columns, states, symbols, words", "dim"),
        ),
        EMPTY,
        *listed,
    ]
