"""What the machine draws: sizes, keys, bursts of keys, and what happens in the fleet."""

from __future__ import annotations

from hypothesis import strategies as st

from lockdeck.tui.commands import COMMANDS
from tests.tui.keyboard import BYTES
from tests.tui.machine.world import NAMES

WIDTHS, HEIGHTS = (60, 80, 100, 120, 160), (20, 24, 35, 50)
SIZES = st.tuples(st.sampled_from(WIDTHS), st.sampled_from(HEIGHTS))
PUNCTUATION = {"slash": "/", "colon": ":", "question_mark": "?", "asterisk": "*", "exclamation_mark": "!"} | {
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}
KEYS = sorted(
    {PUNCTUATION.get(key, key) for command in COMMANDS.values() for key in command.keys}
    | {*BYTES, *"jkgG", *"ads", "é"} - {"ctrl+q"}
)
"""The keys of all commands of all screens, those that move, and letters for fields."""
MOVES = ["down", "up", "j", "k", "g", "G", "end", "home", "ctrl+d", "ctrl+u", "pagedown"]
MARKS = ["space", "space", "u", "*", "f", "p", "w", ">", "<", "o", "i", "n", "t"]
TAILS = (
    ("enter", "enter"),
    ("right", "enter"),
    ("tab", "enter", "enter"),
    ("right", "space", "enter"),
    ("1", "enter"),
    ("2", "enter", "enter"),
    ("down", *"reset", "enter"),
    ("down", "up", "right", "enter"),
    ("escape", "enter", "R", "right", "enter"),
    (*"reset", "enter", "right", "enter"),
)
"""What is typed behind R or c before the question can be read, as somebody does who knows what it asks."""
BURSTS = st.one_of(
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=6),
    st.tuples(st.sampled_from(MOVES), st.sampled_from(["R", "c", "C"]), st.sampled_from(TAILS)).map(
        lambda parts: [parts[0], parts[1], *parts[2]]
    ),
    st.sampled_from(TAILS).map(list),
)
HAPPENINGS = ["sort", "sort", "vanish", "replace", "come", "calm"]
ORDERS = st.tuples(st.permutations(NAMES[:5]), st.integers(0, 29)).map(
    lambda order: (*order[0], *NAMES[5 + order[1] :], *NAMES[5 : 5 + order[1]])
)
