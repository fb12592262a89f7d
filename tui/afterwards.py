"""What is done after the next picture, by a widget that may have gone by then."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from textual.widget import Widget

P = ParamSpec("P")


def after_refresh(widget: Widget, act: Callable[P, object], *args: P.args, **options: P.kwargs) -> None:
    """Do it once the widget has been laid out and painted; never where it is about to go, or has gone.

    Textual still calls what a screen has put off when its children are gone already.
    """

    def unless_gone() -> None:
        if widget.display:
            act(*args, **options)

    widget.call_after_refresh(unless_gone)
