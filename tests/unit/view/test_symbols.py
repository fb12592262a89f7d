"""Symbols: in each set one symbol means one thing, on both front ends."""

from __future__ import annotations

from collections import defaultdict

import pytest
from rich.cells import cell_len

from lockdeck.backend.model.fleet import State
from lockdeck.backend.model.locks import Verdict
from lockdeck.tui.view.symbols import ASCII, UNICODE, Symbols

SAME_MEANING = ({State.UNKNOWN, Verdict.UNREADABLE}, {State.IDLE, Verdict.LITTER})
"""It can't be told; there is nothing to do."""


@pytest.mark.parametrize("symbols", [UNICODE, ASCII])
def test_a_symbol_means_one_thing(symbols: Symbols) -> None:
    meanings = defaultdict(set)
    for meaning, symbol in (*symbols.states.items(), *symbols.verdicts.items()):
        meanings[symbol].add(meaning)
    for name in ("problem", "tried", "trying", "to_come"):
        meanings[getattr(symbols, name)].add(name)
    assert all(len(same) == 1 or same in SAME_MEANING for same in meanings.values()), meanings


@pytest.mark.parametrize("symbols", [UNICODE, ASCII])
def test_every_state_and_verdict_has_a_symbol_of_one_cell(symbols: Symbols) -> None:
    assert set(symbols.states) == set(State)
    assert set(symbols.verdicts) == set(Verdict)
    assert {cell_len(symbol) for symbol in (*symbols.states.values(), *symbols.verdicts.values())} == {1}
