"""The filter language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.fleet import State
from lockdeck.tui.table.column import Field
from lockdeck.tui.table.filter import FilterError, parse
from lockdeck.tui.table.rows import Row, fleet_rows
from lockdeck.tui.table.tables import FLEET
from tests.tui.samples import incident
from tests.tui.stage import dashboard, show

NAMES = [field.name for field in FLEET.fields]


def matching(text: str) -> list[str]:
    query = parse(text, FLEET.fields)
    return [key[3] for key, row in fleet_rows(incident()).items() if query.matches(row)]


def test_words_are_looked_for_anywhere_and_all_must_occur() -> None:
    assert len(matching("discord")) == 2
    assert matching("discord silas") == ["agent:silas:discord:channel:119834421"]


def test_a_bang_turns_a_term_around() -> None:
    assert len(matching("!state:idle")) == len(fleet_rows(incident())) - 3
    assert set(matching("state:stuck")) & set(matching("!state:stuck")) == set()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("state:STUCK", 2),
        ("agent:juno", 3),
        ("lock:dead", 1),
        ("holder:396", 4),
        ("holder:node", 1),
        ("root:openclaw", 11),
        ("key:cron", 1),
        ('key:"group:120363"', 1),
    ],
)
def test_each_field_can_be_asked(text: str, count: int) -> None:
    assert len(matching(text)) == count


def test_a_pasted_session_key_finds_its_session() -> None:
    assert matching("agent:silas:discord:channel:119834421") == ["agent:silas:discord:channel:119834421"]


def test_an_unknown_field_is_refused_with_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(FilterError) as refusal:
        parse("stat:x", FLEET.fields)
    assert "did you mean state:" in str(refusal.value)
    assert all(field in str(refusal.value) for field in NAMES)


@pytest.mark.parametrize("text", ['"open', "!", "state:", '""'])
def test_a_term_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        parse(text, FLEET.fields)


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_a_refusal(text: str) -> None:
    try:
        query = parse(text, FLEET.fields)
    except FilterError as refusal:
        query = None
        sentence = str(refusal)
    if query is None:
        assert sentence
        return
    assert all(term.value for term in query.terms)
    assert bool(query.terms) == bool(text.split())


@given(
    st.sampled_from(FLEET.fields),
    st.text(st.characters(exclude_characters='"'), min_size=1, max_size=20),
    st.booleans(),
)
def test_a_quoted_value_is_kept_as_it_is(field: Field[Row], value: str, inverse: bool) -> None:
    (term,) = parse(f'{"!" if inverse else ""}{field.name}:"{value}"', FLEET.fields).terms
    assert (term.fields, term.value, term.inverse) == ((field,), value.lower(), inverse)


async def test_a_row_comes_and_goes_as_the_filter_says_while_it_changes() -> None:
    app, silas = dashboard(), "agent:silas:discord:channel:119834421"
    calm = tuple(
        replace(view, state=State.IDLE) if view.key == silas else view for view in incident().sessions
    )
    async with app.run_test(size=(140, 30)) as pilot:
        await show(pilot, incident())
        await pilot.press("slash", *"state:stuck agent:silas", "enter")
        for sessions, seen in ((incident().sessions, True), (calm, False), (incident().sessions, True)):
            await show(pilot, replace(incident(), sessions=sessions))
            assert ([key[3] for key in app.screen.table.order] == [silas]) is seen
        await pilot.press("slash", "escape")
        assert silas in [key[3] for key in app.screen.table.order]
