"""The mouse, reported to lockdeck or left to the terminal. While it is left there, the terminal's own selection works.

Textual 8.2.8 decides this only once, at its start; what it keeps to itself about it is touched here only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockdeck.tui.shell import Shell

REPORT = "\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?1006h"
"""The modes that Textual's driver sets: presses, moves, and how they are written."""
REPORT_PIXELS = "\x1b[?1016h"
KEEP = "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"


def report_mouse(app: Shell, on: bool) -> None:
    """Have the terminal report the mouse, or keep it; a driver that was suspended comes back in the same way."""
    driver = app._driver  # noqa: SLF001 - no public way
    if driver is None:
        return
    driver._mouse = on  # noqa: SLF001 - what it restores after ctrl+z, and undoes at the end
    pixels = on and getattr(driver, "_mouse_pixels", False)
    app.send_to_terminal(REPORT + (REPORT_PIXELS if pixels else "") if on else KEEP)


def toggle_mouse(app: Shell) -> None:
    """Take the mouse, or leave it to the terminal, and say so."""
    app.mouse = not app.mouse
    report_mouse(app, app.mouse)
    app.tell("the mouse chooses rows here" if app.mouse else "the mouse is the terminal's own")
