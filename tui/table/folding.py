"""Rows that need no eye are folded into one line until they are asked for. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from enum import StrEnum

from lockdeck.backend.model.fleet import LockView, State
from lockdeck.backend.model.locks import Verdict
from lockdeck.tui.table.rows import Row
from lockdeck.tui.view.lines import Line, line, span
from lockdeck.tui.view.severity import is_quiet
from lockdeck.tui.view.symbols import Symbols


class Fold(StrEnum):
    """The kinds of rows that are folded, in the word that stands for them."""

    IDLE = "idle"
    LITTER = "litter"
    UNSEEN = "not seen"


def fold_of(row: Row) -> Fold | None:
    """Return what a row is folded as, where nothing happens in it and nothing is wrong; of locks those that nobody reads.

    Where nothing happened when its host was lost, nobody knows what happens now.
    """
    if isinstance(row, LockView):
        return Fold.LITTER if row.judgement.verdict is Verdict.LITTER else None
    if not is_quiet(row):
        return None
    return Fold.IDLE if row.last_seen is None else Fold.UNSEEN


def fold_line(counts: Mapping[Hashable, int], symbols: Symbols, key: str | None) -> Line:
    """Return the line that stands for folded rows; `key` unfolds them. Empty where there are none."""
    words = [f"{counts[fold]} {fold}" for fold in Fold if counts.get(fold)]
    if not words:
        return ()
    hint = (span(key, "accent"), span(" shows them", "dim")) if key else ()
    return line(span(f" {symbols.states[State.IDLE]} {', '.join(words)}   ", "dim"), *hint)
