"""Reads what is painted: rows with their cursor and marks, and what a dialog is about."""

from __future__ import annotations

import re
from typing import NamedTuple
from weakref import WeakKeyDictionary

from textual.strip import Strip
from textual.widgets import Button

from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.dialogs.ask import AskDialog
from lockdeck.tui.screens.tablescreen import TableScreen
from lockdeck.tui.view.lines import plain, span
from lockdeck.tui.widgets.lineview import LineView
from tests.tui.machine.world import LONELY, NAMES

_NAME = re.compile(rf"\b({'|'.join((*NAMES, *LONELY))})\b")
_MARKED = re.compile(r"\b(\d+) MARKED")
_HEADING = re.compile(r"^(?:Release|Cancel) ", re.MULTILINE)


_PAINTED: WeakKeyDictionary[LockdeckApp, list[Strip]] = WeakKeyDictionary()


class PaintedRow(NamedTuple):
    """One row of a table; `name` is None where no column shows it."""

    name: str | None
    under_cursor: bool
    marked: bool


def painted_rows(app: LockdeckApp) -> list[PaintedRow]:
    """Return the rows that are seen of the uppermost table, which must not be covered."""
    screen = app.screen
    assert isinstance(screen, TableScreen)
    region = screen.table.region
    strips = _painted(app)
    ground = next(iter(app.stylebook.strip((span(" "),), 1, "cursor"))).style
    assert ground is not None
    count = min(len(screen.table.order) - int(screen.table.scroll_y), region.height - 1)
    rows = []
    for strip in strips[region.y + 1 : region.y + 1 + count]:
        cut = strip.crop(region.x, region.right - 1)
        name = _NAME.search(cut.text)
        marked = cut.text.startswith((app.symbols.mark,))
        rows.append(PaintedRow(name and name[1], _is_on(cut, ground.bgcolor, ground.reverse), marked))
    return rows


def _is_on(strip: Strip, colour: object, reverse: bool | None) -> bool:
    """Return whether a row is on the cursor's ground; where that has no colour it is the reversed one."""
    last = list(strip)[-1].style
    if last is None or last.bgcolor != colour:
        return False
    return colour is not None or bool(last.reverse) == bool(reverse)


def picture(app: LockdeckApp) -> str:
    """Return what the screen shows, also outside of the dashboard's task."""
    return "\n".join(strip.text.rstrip() for strip in _painted(app))


def _painted(app: LockdeckApp) -> list[Strip]:
    """Return the lines of the screen. Nothing changes them outside of the dashboard's task, so each moment is painted once."""
    if app not in _PAINTED:
        with app._context():
            _PAINTED[app] = app.screen._compositor.render_strips()
    return _PAINTED[app]


def look_again(app: LockdeckApp) -> None:
    """Have what is painted looked at anew: something was done."""
    _PAINTED.pop(app, None)


def marks_told(app: LockdeckApp) -> int:
    """Return how many rows are marked, as the header says it."""
    told = _MARKED.search(picture(app))
    return int(told[1]) if told else 0


class Asked(NamedTuple):
    """What an open dialog says: what would be done to whom, its whole text, and the label that does it.

    The label is None where it asks nothing.
    """

    names: frozenset[str]
    text: str
    label: str | None

    @property
    def squeezed(self) -> str:
        """The text without blanks: a long path is broken into lines."""
        return "".join(self.text.split())


def asked(app: LockdeckApp) -> Asked | None:
    """Return what the uppermost dialog asks about; None where no dialog that acts is open, or nothing can be read yet."""
    screen = app.screen
    if not isinstance(screen, AskDialog) or screen.painted_at is None:
        return None
    text = "\n".join(plain(row) for row in screen.query_one("#box-lines", LineView).lines)
    yes = screen.query_one("#ask-yes", Button)
    label = str(yes.label) if yes.display and screen._question is not None else None
    heading = _HEADING.search(text)
    about = text[heading.start() :].partition("Will not be touched")[0] if heading else ""
    return Asked(frozenset(_NAME.findall(about)), text, label)


def names_in(text: str) -> frozenset[str]:
    """Return the names of sessions and locks in a text."""
    return frozenset(_NAME.findall(text))
