"""A long page: its lines are those of its rows and items, and an item is made when it is looked at."""

from __future__ import annotations

import pytest

from lockdeck.tui.view.lines import EMPTY, LEAD, Line, ListItem, LongPage, line, plain, span, width_of

NAMES = ("main main", "silas discord:channel:119834421:thread:1690", "ezra " + "会" * 20, "", "a\x1b[2J b")


def page(width: int, made: list[str] | None = None) -> LongPage:
    def lead(name: str) -> Line:
        (made if made is not None else []).append(name)
        return line(span(" ✖ stuck"))

    items = [ListItem(lambda name=name: lead(name), name) for name in NAMES]
    return LongPage([line("all of it"), EMPTY, *items], width)


@pytest.mark.parametrize("width", [16, 20, 31, 80])
def test_every_line_fits_and_nothing_of_a_name_is_lost(width: int) -> None:
    lines = list(page(width))
    assert len(lines) == len(page(width))
    assert all(width_of(one) <= max(width, LEAD + 2) for one in lines)
    told = "".join(plain(one)[LEAD:] for one in lines[2:])
    assert told.replace(" ", "") == "".join(NAMES).replace("\x1b", "␛").replace(" ", "")


def test_an_entry_is_made_only_when_one_of_its_lines_is_asked_for() -> None:
    made: list[str] = []
    long = page(40, made)
    assert (len(long) > len(NAMES), made) == (True, [])
    assert plain(long[2]).startswith(" ✖ stuck")
    assert made == ["main main"]
    assert plain(long[-1]).endswith("[2J b")
    assert made == ["main main", NAMES[-1]]


def test_what_is_beyond_the_page_is_no_line() -> None:
    with pytest.raises(IndexError):
        page(40)[len(page(40))]
    assert len(LongPage([], 40)) == 0
