"""The line above the table: what is wrong and when it is over never give way to its counts."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lockdeck.tui.view.cause import cause_rows
from lockdeck.tui.view.lines import line, plain, span
from lockdeck.tui.view.symbols import UNICODE
from tests.tui import samples

HINT = line(
    span("a", "accent"), span(" cause", "dim"), span("   "), span("C", "accent"), span(" cancel all", "dim")
)


def told(width: int, **changes: object) -> str:
    snapshot = samples.incident()
    (incident,) = snapshot.incidents
    snapshot = replace(snapshot, incidents=(replace(incident, **changes),))
    (row,) = cause_rows(snapshot, samples.NOW, HINT, UNICODE, width)
    return plain(row)


def test_with_room_for_it_the_whole_sentence_is_told():
    assert " since " in told(200)
    assert "over by itself by 06:30:27 UTC" in told(200)


def test_the_beginning_gives_way_first_and_then_the_counts():
    without_beginning = told(140)
    assert " since " not in without_beginning
    assert "3 agents" in without_beginning
    assert "over by itself by 06:30:27 UTC" in without_beginning
    assert "github-copilot answers nobody; over by 06:30:27 UTC " in told(80)


@pytest.mark.parametrize("width", [58, 60, 64, 72])
def test_in_little_room_the_keys_lose_their_words_and_never_until_when_it_lasts(width: int):
    row = told(width)
    assert "github-copilot answers nobody; over by 06:30:27 UTC " in f"{row} "
    assert "cancel" not in row.lower()


def test_the_keys_alone_stay_where_they_have_room():
    assert told(64).endswith("  a C")


def test_what_has_no_room_in_one_line_has_two():
    incident = samples.incident().incidents[0]
    snapshot = replace(samples.incident(), incidents=(incident,))
    lines = [plain(row) for row in cause_rows(snapshot, samples.NOW, HINT, UNICODE, 40)]
    assert len(lines) == 2
    assert " ".join(part.strip() for part in lines).endswith("over by 06:30:27 UTC")


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_what_nothing_bounds_promises_no_end(width: int):
    assert "over by" not in told(width, free_by=None)
    assert "answers nobody" in told(width, free_by=None)
