"""The glyphs of states, verdicts and drawings: one table for both front ends, in Unicode and in plain ASCII."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from lockdeck.backend.model.fleet import State
from lockdeck.backend.model.locks import Verdict


class Symbols(Struct, frozen=True):
    """One glyph, one cell wide, for everything that is drawn."""

    states: Mapping[State, str]
    verdicts: Mapping[Verdict, str]
    problem: str
    """Before what is wrong or worth knowing."""
    tried: str
    trying: str
    to_come: str
    cells: str
    """The fillings of a bar's cell, from empty to full."""
    cut: str
    """At the cell where one hold ended and the next began."""
    rule: str
    dot: str
    arrow: str
    mark: str
    ellipsis: str
    up: str
    down: str
    spark: str
    """One cell for nothing, then from a little to much."""
    ascii_only: bool = False


UNICODE = Symbols(
    states={
        State.IDLE: "◦",
        State.RUNNING: "▶",
        State.COMPACTING: "≡",
        State.ROTATING: "↻",
        State.STUCK: "✖",
        State.FAILED: "▼",
        State.CANCELLING: "◌",
        State.UNKNOWN: "?",
    },
    verdicts={
        Verdict.CREATING: "+",
        Verdict.HELD: "■",
        Verdict.LEAKED: "◆",
        Verdict.RECYCLED: "◇",
        Verdict.DEAD: "†",
        Verdict.REMOVED: "∅",
        Verdict.FOREIGN: "◊",
        Verdict.UNREADABLE: "?",
        Verdict.LITTER: "·",
        Verdict.RELEASING: "△",
    },
    problem="!",
    tried="●",
    trying="◐",
    to_come="○",
    cells="─╸━",
    cut="│",
    rule="─",
    dot="·",
    arrow="→",
    mark="✓",
    ellipsis="…",
    up="↑",
    down="↓",
    spark=" ▁▂▃▄▅▆▇█",
)

ASCII = Symbols(
    states={
        State.IDLE: "-",
        State.RUNNING: ">",
        State.COMPACTING: "=",
        State.ROTATING: "~",
        State.STUCK: "X",
        State.FAILED: "V",
        State.CANCELLING: "<",
        State.UNKNOWN: "?",
    },
    verdicts={
        Verdict.CREATING: "+",
        Verdict.HELD: "#",
        Verdict.LEAKED: "L",
        Verdict.RECYCLED: "R",
        Verdict.DEAD: "x",
        Verdict.REMOVED: "0",
        Verdict.FOREIGN: "F",
        Verdict.UNREADABLE: "?",
        Verdict.LITTER: "-",
        Verdict.RELEASING: "^",
    },
    problem="!",
    tried="*",
    trying="o",
    to_come=".",
    cells="-=",
    cut="|",
    rule="-",
    dot="-",
    arrow="->",
    mark="*",
    ellipsis="~",
    up="^",
    down="v",
    spark=" .:-=+*#",
    ascii_only=True,
)


def choose_symbols(env: Mapping[str, str]) -> Symbols:
    """Pick what this terminal can show: ASCII for the Linux console, a dumb one, or a locale without UTF-8."""
    locale = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    unicode_locale = "utf-8" in locale.lower() or "utf8" in locale.lower()
    if env.get("TERM") in ("linux", "dumb") or not unicode_locale:
        return ASCII
    return UNICODE
