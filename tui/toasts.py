"""Toasts: one at a time, those that came close together in one, and none over a dialog."""

from __future__ import annotations

from msgspec import Struct
from textual.app import App
from textual.notifications import Notification, Notify, SeverityLevel
from textual.screen import ModalScreen

from lockdeck.backend.system.text import safe

MOST_LINES = 4
"""So many lines are told at once; the rest are counted."""
_SEVERITIES: tuple[SeverityLevel, ...] = ("information", "warning", "error")


class _Told(Struct, frozen=True):
    """A text and how urgent it is."""

    text: str
    severity: SeverityLevel


class Toasts:
    """Shows texts above the screen. While a dialog is open they wait for its end."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._waiting: list[_Told] = []
        self._shown: Notification | None = None
        self._last: _Told | None = None

    def tell(self, text: str, severity: str) -> None:
        """Show a text now, in the place of the last one, or once no dialog is open; no markup is read from it."""
        level = severity if severity in _SEVERITIES else "information"
        self._waiting.append(_Told("\n".join(safe(row) for row in text.split("\n")), level))
        self.show_waiting()

    def show_waiting(self) -> None:
        """Show what waits, unless a dialog is open: then what is shown waits for its end, too."""
        stack = self._app.screen_stack
        if stack and isinstance(stack[-1], ModalScreen):
            self._take_back()
            return
        if not self._waiting:
            return
        rows = list(dict.fromkeys(row for told in self._waiting for row in told.text.split("\n")))
        more = len(rows) - MOST_LINES
        text = "\n".join([*rows[:MOST_LINES], f"and {more} more: see Events"] if more > 0 else rows)
        worst = max((told.severity for told in self._waiting), key=_SEVERITIES.index)
        self._waiting.clear()
        if self._shown is not None:
            self._app._unnotify(self._shown)  # noqa: SLF001 - no public way
        self._last = _Told(text, worst)
        self._shown = Notification(text, severity=worst, markup=False)
        self._app.post_message(Notify(self._shown))

    def _take_back(self) -> None:
        shown, self._shown = self._shown, None
        if shown is None or self._last is None or shown.has_expired:
            return
        self._waiting.insert(0, self._last)
        self._app._unnotify(shown)  # noqa: SLF001 - no public way
