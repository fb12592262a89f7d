"""Desktop notifications through the terminal, so that they also arrive over ssh. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from backend.system.text import safe

_TITLE = "lockdeck"
LIMIT = 200
"""Greatest length of a notification's text."""


def notification(how: str, text: str, env: Mapping[str, str]) -> str:
    """Return the escape sequence that shows `text`: `osc9` (iTerm2, kitty, Windows) or `osc777` (urxvt, foot).

    Inside tmux it is wrapped so that tmux passes it on (needs `allow-passthrough on` there).
    """
    shown = safe(text, LIMIT)
    sequence = f"\x1b]777;notify;{_TITLE};{shown}\x07" if how == "osc777" else f"\x1b]9;{_TITLE}: {shown}\x07"
    if env.get("TMUX"):
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    return sequence
