"""Numbers and lengths of time in words."""

from __future__ import annotations

import pytest

from lockdeck.backend.model.words import duration, times


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (0.42, "0.4 s"), (3, "3 s"), (42.4, "42 s"), (59.7, "1 m"), (860, "14 m 20 s"), (7500, "2 h 5 m"),
     (100_000, "1 d 3 h"), (3600, "1 h")],
)  # fmt: skip
def test_lengths_of_time_in_words(seconds: float, words: str):
    assert duration(seconds) == words


def test_numbers_with_their_nouns():
    assert (times(1, "attempt"), times(2, "attempt"), times(2, "try", "tries")) == (
        "1 attempt",
        "2 attempts",
        "2 tries",
    )
