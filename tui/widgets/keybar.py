"""The bottom line: the keys that work here and now, read from the live bindings."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.binding import Binding
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from lockdeck.tui.bindings import live_bindings
from lockdeck.tui.view.lines import Line, span, width_of
from lockdeck.tui.widgets.appearance import appearance_of, repaint_on_theme_change
from lockdeck.tui.widgets.text import content

Label = tuple[Binding, bool, Line]
"""A binding, whether its key works now, and what is shown of it."""


class KeyBar(Widget):
    """Shows key and label of each shown binding, as many as fit; a click presses the key. Beneath a dialog it shows none."""

    DEFAULT_CSS = "KeyBar { dock: bottom; height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._painted: Sequence[Label] = ()

    def on_mount(self) -> None:
        """Follow the theme and the bindings."""
        repaint_on_theme_change(self)
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)
        self.app.screen_change_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, _screen: Screen[object]) -> None:
        if self._labels() != self._painted:
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        binding = self._at(event.x)
        if binding is not None:
            self.app.simulate_key(binding.key)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Have the key under the mouse say what it does."""
        binding = self._at(event.x)
        self.tooltip = content(binding.tooltip) if binding is not None and binding.tooltip else None

    def _at(self, x: int) -> Binding | None:
        """Return the binding whose key works and whose label covers a cell."""
        start = 1
        for binding, enabled, label in self._labels():
            if start <= x < start + width_of(label):
                return binding if enabled else None
            start += width_of(label) + 2
        return None

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - Textual's signature
        """Return the strip of the bar."""
        width = self.size.width
        row: Line = (span(" "),)
        self._painted = self._labels()
        for _binding, _enabled, label in self._painted:
            if width_of(row) + width_of(label) > width:
                break
            row = (*row, *label, span("  "))
        return appearance_of(self).stylebook.strip(row, width, "panel")

    def _labels(self) -> Sequence[Label]:
        labels: list[Label] = []
        if not self.screen.is_active:
            return labels
        actions: set[str] = set()
        for _node, binding, enabled, _tooltip in live_bindings(self.screen):
            if binding.show and binding.action not in actions:
                actions.add(binding.action)
                key = span(self.app.get_key_display(binding), "accent" if enabled else "dim")
                labels.append((binding, enabled, (key, span(f" {binding.description}", "dim"))))
        return labels
