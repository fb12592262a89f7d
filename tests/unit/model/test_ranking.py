"""An order that is kept by difference is that of a sorted list, and what did not change is shared with the picture before."""

from __future__ import annotations

import operator
from bisect import insort
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.fleet import SessionView, Severity
from lockdeck.backend.model.order.chunks import LONGEST, Chunked, SortedChunks
from lockdeck.backend.model.order.ranking import Ranking
from lockdeck.backend.model.urgency import urgency
from tests.unit.fleetdelta import applied

MANY = range(0, 20 * LONGEST, 2)


def chunks(items: list[int]) -> SortedChunks[int]:
    made: SortedChunks[int] = SortedChunks(operator.pos)
    made.sort(items)
    return made


def parts(sequence: Chunked[int]) -> tuple[tuple[int, ...], ...]:
    return sequence._chunks


@given(st.lists(st.integers(0, 50)), st.lists(st.tuples(st.booleans(), st.integers(0, 50))))
def test_chunks_are_a_sorted_list(begin, steps):
    made, plain = chunks(begin), sorted(begin)
    for comes, number in steps:
        if comes:
            made.add(number)
            insort(plain, number)
        elif number in plain:
            made.remove(number)
            plain.remove(number)
        assert made.picture == tuple(plain)


@given(st.data())
def test_a_sequence_in_chunks_is_the_tuple_of_its_items(data):
    pieces = data.draw(st.lists(st.lists(st.integers(0, 9), min_size=1).map(tuple)))
    made, plain = Chunked(pieces), tuple(item for piece in pieces for item in piece)
    assert (made, hash(made), repr(made), len(made), tuple(made)) == (
        plain,
        hash(plain),
        repr(plain),
        len(plain),
        plain,
    )
    assert made == Chunked([plain] if plain else [])
    assert made != (*plain, 0)
    part = data.draw(st.slices(max(len(plain), 1)))
    assert made[part] == plain[part]
    for place in range(-len(plain), len(plain)):
        assert made[place] == plain[place]
    for value in range(10):
        assert (value in made) is (value in plain)
        assert answer(made.index, value) == answer(plain.index, value)
        assert answer(made.index, value, 2, -1) == answer(plain.index, value, 2, -1)
    for place in (len(plain), -len(plain) - 1):
        with pytest.raises(IndexError):
            made[place]


def answer(ask: Callable[..., int], *words: int) -> int | None:
    try:
        return ask(*words)
    except ValueError:
        return None


def test_a_picture_shares_all_chunks_but_those_that_changed():
    made = chunks(list(MANY))
    last = made.picture
    assert made.picture is last
    made.add(MANY[len(MANY) // 2] + 1)
    shared = sum(any(part is other for other in parts(last)) for part in parts(made.picture))
    assert shared == len(parts(made.picture)) - 1
    assert last == tuple(MANY)


def test_no_chunk_grows_beyond_the_longest_and_short_ones_are_joined():
    made = chunks([])
    for number in MANY:
        made.add(number)
        assert max(map(len, parts(made.picture))) <= LONGEST
    for number in MANY[:-3]:
        made.remove(number)
    assert parts(made.picture) == (tuple(MANY[-3:]),)
    for number in MANY[-3:]:
        made.remove(number)
    assert parts(made.picture) == ()


VIEWS = st.builds(
    lambda key, severity, since: SessionView(
        "/r", "main", f"agent:main:{key}", None, severity=severity, since=since
    ),
    st.integers(0, 30),
    st.sampled_from(list(Severity)),
    st.floats(0, 5),
)


CHANGED = st.lists(st.tuples(VIEWS, st.booleans()), max_size=4)


@given(st.lists(VIEWS, min_size=1, max_size=60, unique_by=lambda view: view.key), st.lists(CHANGED))
def test_a_ranking_is_what_sorting_all_views_gives(begin, rounds):
    ranking, there = Ranking(urgency), {view.key: view for view in begin}
    for view in begin:
        ranking.put(None, view)
    picture, _ = ranking.take()
    for changed in rounds:
        for view, goes in changed:
            ranking.put(there.pop(view.key, None), None if goes else view)
            there |= {} if goes else {view.key: view}
        last, (picture, changes) = picture, ranking.take()
        assert picture == tuple(sorted(there.values(), key=urgency))
        assert applied(changes, last, urgency) == picture
