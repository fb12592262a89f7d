"""A place to scroll, with the keys of a pager."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

PAGER_BINDINGS: tuple[Binding, ...] = (
    Binding("k", "scroll_up", "Up", show=False),
    Binding("j", "scroll_down", "Down", show=False),
    Binding("ctrl+u", "page_up", "Page up", show=False),
    Binding("ctrl+d", "page_down", "Page down", show=False),
    Binding("g", "scroll_home", "First", show=False),
    Binding("G", "scroll_end", "Last", show=False),
)


class PagerScroll(VerticalScroll):
    """Scrolls by arrows, and by j, k, g, G, ctrl+d and ctrl+u."""

    BINDINGS: ClassVar[list[BindingType]] = [*PAGER_BINDINGS]
