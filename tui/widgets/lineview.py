"""A widget that shows lines made for its width; its height is theirs. Changed lines only are painted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from lockdeck.tui.view.lines import EMPTY, Line, LongPage
from lockdeck.tui.widgets.appearance import appearance_of, repaint_on_theme_change

LineMaker = Callable[[int], Sequence[Line]]
"""Makes the lines for a width in cells."""


class LineView(Widget):
    """Lines on one ground (lockdeck.themes.palette.GROUNDS)."""

    DEFAULT_CSS = "LineView { height: auto; width: 1fr; }"

    def __init__(self, ground: str = "base", *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._ground = ground
        self._maker: LineMaker = lambda _width: ()
        self._lines: Sequence[Line] = ()
        self._width = 0

    def on_mount(self) -> None:
        """Follow the theme."""
        repaint_on_theme_change(self)

    def on_resize(self) -> None:
        """Make the lines for the width there is, where nobody asked how high they are."""
        if self.size.width != self._width:
            self._width = self.size.width
            self.show(self._maker)

    @property
    def lines(self) -> Sequence[Line]:
        """The lines as last made."""
        return self._lines

    def show(self, maker: LineMaker) -> None:
        """Show what the maker makes, now and after each change of width."""
        self._maker = maker
        previous, self._lines = self._lines, _kept(maker(self._width or self.size.width))
        if isinstance(self._lines, LongPage) or len(previous) != len(self._lines):
            self.refresh(layout=True)
            return
        width = self.size.width
        changed = [y for y, (old, new) in enumerate(zip(previous, self._lines, strict=True)) if old != new]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002 - Textual's signature
        """Take all the width there is."""
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's signature
        """Return the number of lines made for this width."""
        if width != self._width:
            self._width = width
            self._lines = _kept(self._maker(width))
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """Return the strip of one line."""
        row = self._lines[y] if y < len(self._lines) else EMPTY
        return appearance_of(self).stylebook.strip(row, self.size.width, self._ground)


def _kept(lines: Sequence[Line]) -> Sequence[Line]:
    """Return lines as they are; of a long page they are made as they come in sight."""
    return lines if isinstance(lines, LongPage) else tuple(lines)
