"""Completion of the filter: pure rules, and through the keys a person presses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from textual.widgets import Input

from lockdeck.backend.system.text import safe
from lockdeck.tui.table.column import Field
from lockdeck.tui.table.completion import MAX_COMPLETIONS, Completion, complete, completions_line
from lockdeck.tui.table.filter import FilterError, parse, words
from lockdeck.tui.table.rows import Row, fleet_rows
from lockdeck.tui.table.tables import EVENTS, FLEET
from lockdeck.tui.view.lines import plain, width_of
from tests.tui.samples import PAYLOADS, hostile, incident, large, session
from tests.tui.stage import at_rest, dashboard, frame, show, wait_for

FIELDS = FLEET.fields
NAMES = [field.name for field in FIELDS]
ROWS = tuple(fleet_rows(incident()).values())
WORDS = (
    "stuck",
    "!idle",
    "state:idle",
    '!agent:"silas"',
    '"a b"',
    "x:y",
    'key:"a',
    "!",
    "sta",
    "agent:s",
    "",
)


def of_rows(field: Field[Row]) -> set[str]:
    return {value.lower() for row in ROWS for value in field.values(row)}


def labels(text: str, cursor: int | None = None) -> list[str]:
    return [found.label for found in complete(text, len(text) if cursor is None else cursor, FIELDS, of_rows)]


def texts(text: str, cursor: int | None = None) -> list[str]:
    return [found.text for found in complete(text, len(text) if cursor is None else cursor, FIELDS, of_rows)]


def spans(text: str) -> list[tuple[int, int, str]]:
    return [(word.start(), word.end(), word[0]) for word in words(text)]


def test_fields_are_completed_by_their_beginning_also_after_a_bang() -> None:
    assert texts("sta") == ["state:"]
    assert texts("!L") == ["!lock:"]
    assert texts("stuck hol") == ["stuck holder:"]
    assert labels("") == [f"{name}:" for name in NAMES]
    assert labels("zzz") == []


def test_values_are_those_of_the_fleet() -> None:
    assert texts("state:st") == ["state:stuck"]
    assert texts("agent:si") == ["agent:silas"]
    assert texts("!lock:de") == ["!lock:dead"]
    assert labels("agent:") == ["ezra", "juno", "main", "silas"]
    assert labels("holder:3") == ["30211", "30507", "396"]
    assert texts("holder:openc") == ["holder:openclaw-gateway"]
    assert labels("state:compacting") == []


def test_a_value_that_begins_as_typed_comes_before_one_that_only_holds_it() -> None:
    found = [each.label for each in complete("agent:a", 7, FIELDS, lambda _field: {"ba", "ab", "cac", "aa"})]
    assert found == ["aa", "ab", "ba", "cac"]


def test_the_word_at_the_cursor_is_completed_and_no_other() -> None:
    assert texts("sta agent:si", 3) == ["state: agent:si"]
    assert texts("sta agent:si") == ["sta agent:silas"]
    assert texts("state:stuck", 3) == []
    assert texts("a  b", 2) == [f"a {name}: b" for name in NAMES]


def test_values_with_blanks_are_quoted_and_what_cannot_be_written_is_left_out() -> None:
    def known(_field: Field[Row]) -> set[str]:
        return {"open claw", 'say "hi" now', 'b"c', "", *PAYLOADS}

    found = {each.label: each.text for each in complete("agent:", 6, FIELDS, known)}
    assert found["open claw"] == 'agent:"open claw"'
    assert found['b"c'] == 'agent:b"c'
    assert found["[/foo]"] == "agent:[/foo]"
    assert not {'say "hi" now', ""} & set(found)
    assert all(label == safe(label) for label in found)
    assert complete('agent:"open cl', 14, FIELDS, known)[0].text == 'agent:"open claw"'


def test_nothing_is_completed_within_a_quote_or_beside_another_word() -> None:
    assert texts('"a  b"', 3) == []
    assert texts('"a  b', 3) == []
    assert texts('"a"sta') == []
    assert texts('state:"st"x', 10) == []


VALUES = st.frozensets(st.text(max_size=12).map(str.lower), max_size=5)
TEXTS = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=6)), max_size=4).map(" ".join)


@given(TEXTS, st.data(), VALUES)
def test_every_completion_can_be_read_and_leaves_all_other_words_alone(text, data, known) -> None:
    cursor = data.draw(st.integers(0, len(text)))
    for found in complete(text, cursor, FIELDS, lambda _field: known):
        assert found.text[: found.start] == text[: found.start]
        assert found.text[found.cursor :] == text[cursor:]
        word = found.text[found.start : found.cursor]
        (term,) = parse(
            f"{word}x" if word.endswith(":") and found.label.endswith(":") else word, FIELDS
        ).terms
        (field,) = term.fields
        assert found.label in (f"{field.name}:", term.value)
        before = [each for each in spans(text) if not each[0] <= cursor <= each[1]]
        shift = len(found.text) - len(text)
        moved = [(a + shift, b + shift, w) if a >= cursor else (a, b, w) for a, b, w in before]
        assert [each for each in spans(found.text) if each[2] != word or each[0] != found.start] == moved


@given(st.sampled_from(ROWS), st.sampled_from(FIELDS))
def test_a_completed_value_finds_the_row_it_came_from(row, field) -> None:
    for value in field.values(row):
        typed = f"{field.name}:{value[:2]}"
        for found in complete(typed, len(typed), FIELDS, of_rows):
            if found.label == value.lower():
                assert parse(found.text, FIELDS).matches(row)


@given(st.lists(st.text(max_size=30).map(safe), min_size=1, max_size=30), st.data(), st.integers(1, 100))
def test_the_list_has_its_width_and_shows_the_one_that_was_taken(names, data, width) -> None:
    candidates = [Completion(name, name, 0, 0) for name in names]
    at = data.draw(st.integers(-1, len(names) - 1))
    row = completions_line(candidates, at, width, "…")
    assert width_of(row) == width
    if at >= 0 and cell_len(names[at]) + 5 <= width:
        assert names[at] in plain(row)


def test_of_ten_thousand_values_only_some_are_offered() -> None:
    rows = fleet_rows(large(10_000)).values()
    known = {row.key for row in rows}
    assert len(complete("key:agent", 9, FIELDS, lambda _field: known)) == MAX_COMPLETIONS


async def typed(pilot: object, *keys: str) -> str:
    await pilot.press(*keys)  # type: ignore[attr-defined]
    await pilot.pause()  # type: ignore[attr-defined]
    return pilot.app.screen.query_one("Input").value  # type: ignore[attr-defined]


async def test_tab_completes_field_and_value_and_the_table_follows() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        assert await typed(pilot, "slash", *"sta", "tab") == "state:"
        assert "failed  idle" in frame(app)
        assert await typed(pilot, *"st", "tab") == "state:stuck"
        assert frame(app).count("✖ stuck") == 2
        assert "rotating    juno" not in frame(app)
        assert app.screen.filter_text == "state:stuck"


async def test_each_tab_takes_the_next_candidate_and_shift_tab_the_one_before() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        assert await typed(pilot, "slash", *"!agent:", "tab") == "!agent:ezra"
        assert await typed(pilot, "tab") == "!agent:juno"
        assert await typed(pilot, "shift+tab", "shift+tab") == "!agent:silas"
        assert await typed(pilot, "tab") == "!agent:ezra"
        assert await typed(pilot, "space", *"lock:d", "tab") == "!agent:ezra lock:dead"


async def test_the_word_under_the_cursor_is_completed_in_the_middle() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        assert (
            await typed(pilot, "slash", *"ag lock:held", "home", "right", "right", "tab")
            == "agent: lock:held"
        )
        assert await typed(pilot, *"ju", "tab") == "agent:juno lock:held"


async def test_the_right_arrow_takes_what_is_shown_behind_the_cursor() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        await pilot.press("slash", *"agent:si")
        await wait_for(pilot, lambda: "agent:silas" in frame(app).split("\n")[-3])
        assert await typed(pilot, "right") == "agent:silas"


async def test_values_are_those_of_the_newest_picture() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        assert await typed(pilot, "slash", *"agent:na", "tab") == "agent:na"
        more = replace(incident(), sessions=(*incident().sessions, session("nadia", "main")))
        await show(pilot, more)
        assert await typed(pilot, "tab") == "agent:nadia"


async def test_what_is_wrong_with_another_word_is_still_said() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        await pilot.press("slash", *"state:")
        assert "says nothing" not in frame(app)
        await pilot.press("escape", "slash", *"stat:x ag")
        shown = frame(app)
        assert "did you mean state:" in shown
        assert " agent:" in shown


async def test_hostile_values_are_not_offered() -> None:
    app = dashboard()
    async with app.run_test(size=(160, 60)) as pilot:
        await show(pilot, hostile())
        for name in NAMES:
            await pilot.press("slash", *f"{name}:")
            for _turn in range(5):
                await pilot.press("tab")
                shown = frame(app)
                assert all(row == safe(row, 1000) for row in shown.split("\n"))
            await pilot.press("escape")


async def test_locks_events_and_journal_have_the_same_prompt() -> None:
    app = dashboard()
    async with app.run_test(size=(100, 30)) as pilot:
        await show(pilot, incident())
        gone = replace(incident(), sessions=incident().sessions[1:], locks=())
        await show(pilot, gone)
        assert await typed(pilot, "l", "slash", *"lock:le", "tab", "enter") == "lock:leaked"
        assert "dead" not in "\n".join(frame(app).split("\n")[3:])
        await pilot.press("e")
        assert "dead lock is gone" not in frame(app)
        assert "left the fleet" in frame(app)
        assert await typed(pilot, "slash", *"!ab", "tab", *"mai", "tab") == '!about:"main main"'
        assert "left the fleet" not in frame(app)
        await pilot.press("escape")
        assert "left the fleet" in frame(app)
        await pilot.press("J", "slash", *"zzz", "enter")
        assert app.screen.filter_text == "zzz"


def test_a_refusal_names_the_fields_of_its_own_table() -> None:
    with pytest.raises(FilterError, match="known: host, severity, about, what, time;"):
        parse("state:x", EVENTS.fields)


async def test_enter_leaves_a_filter_open_that_means_nothing_and_says_why() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        await typed(pilot, "slash", *"stat:x", "enter")
        await at_rest(pilot)
        assert isinstance(app.focused, Input)
        assert "did you mean state:" in frame(app)
        assert await typed(pilot, *["backspace"] * 2, *"e:stuck", "enter") == "state:stuck"
        assert not isinstance(app.focused, Input)
        assert "2 of 11" in frame(app)
