"""Rows whose order is kept by difference stand as if all had been sifted and sorted anew."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lockdeck.tui.table.columns.fleet import COLUMNS
from lockdeck.tui.table.folding import fold_of
from lockdeck.tui.table.ordered import OrderedRows
from lockdeck.tui.table.rows import Row, fleet_rows
from lockdeck.tui.table.sorting import Sort
from lockdeck.tui.view.names import RowKey, row_key
from tests.tui.samples import hostile, incident, large

WORLD: tuple[Row, ...] = (
    *fleet_rows(incident()).values(),
    *fleet_rows(hostile()).values(),
    *fleet_rows(large(40)).values(),
)
KEYS = sorted({row_key(row) for row in WORLD})
SORTS = [
    Sort(),
    Sort(reverse=True),
    *(Sort.of(column, reverse=back) for column in COLUMNS for back in (False, True)),
]


class Shelf:
    """Rows as a screen keeps them: what says their order and which are shown can be chosen anew at any time."""

    def __init__(self) -> None:
        self.sort = Sort()
        self.folds = False
        self.exempt: frozenset[RowKey] = frozenset()
        self.rows: OrderedRows[RowKey, Row] = self.empty()

    def empty(self) -> OrderedRows[RowKey, Row]:
        return OrderedRows(lambda _key, row: self.sort.rank(row), self.sift)

    def sift(self, key: RowKey, row: Row) -> str | None:
        return fold_of(row) if self.folds and key not in self.exempt else None

    def anew(self) -> OrderedRows[RowKey, Row]:
        rows = self.empty()
        rows.take_all(self.rows.items)
        return rows


CHANGES = st.dictionaries(st.sampled_from(KEYS), st.none() | st.sampled_from(WORLD), max_size=8)
STEPS = st.one_of(
    CHANGES,
    st.lists(st.sampled_from(WORLD), min_size=20, unique_by=row_key),
    st.sampled_from(SORTS),
    st.booleans(),
    st.frozensets(st.sampled_from(KEYS), max_size=5),
)


def step(shelf: Shelf, what: object) -> None:
    """Take changes, take all rows, sort, fold or exempt: whatever it is."""
    match what:
        case dict():
            shelf.rows.take(what)
        case list():
            shelf.rows.take_all({row_key(row): row for row in what})
        case Sort():
            shelf.sort = what
            shelf.rows.arrange()
        case bool():
            shelf.folds = what
            shelf.rows.arrange()
        case frozenset():
            changed, shelf.exempt = shelf.exempt ^ what, what
            shelf.rows.sift_again(changed)


@given(st.lists(STEPS, max_size=30))
def test_rows_kept_by_difference_stand_as_if_sorted_anew(steps: list[object]) -> None:
    shelf = Shelf()
    step(shelf, list({row_key(row): row for row in WORLD}.values()))
    for what in steps:
        step(shelf, what)
        anew = shelf.anew()
        assert shelf.rows.order == anew.order
        assert +shelf.rows.counts == +anew.counts
        assert set(shelf.rows.order) == {key for key in shelf.rows.items if shelf.rows.shows(key)}
        everything = shelf.rows.in_order(KEYS)
        assert set(everything) == set(shelf.rows.items)
        assert [key for key in everything if shelf.rows.shows(key)] == list(shelf.rows.order)
    assert sum(shelf.rows.counts.values()) == len(shelf.rows.items) - len(shelf.rows.order)


@given(st.lists(CHANGES, max_size=12))
def test_a_frozen_row_keeps_its_place_and_those_that_come_stand_at_the_end(
    changes: list[dict[RowKey, Row | None]],
) -> None:
    shelf = Shelf()
    step(shelf, list({row_key(row): row for row in WORLD}.values())[::2])
    shelf.rows.freeze()
    expected = list(shelf.rows.order)
    for changed in changes:
        shelf.rows.take(changed)
        expected = [key for key in expected if key in shelf.rows.items]
        new = {key for key in shelf.rows.items if key not in expected}
        expected += [key for key in shelf.anew().order if key in new]
        assert list(shelf.rows.order) == expected
    shelf.rows.thaw()
    assert shelf.rows.order == shelf.anew().order


def test_an_order_is_the_very_same_object_until_it_changes() -> None:
    shelf = Shelf()
    shelf.rows.take_all(fleet_rows(large(40)))
    order, (first, *_) = shelf.rows.order, shelf.rows.order
    shelf.rows.take({first: shelf.rows.items[first]})
    assert shelf.rows.order is order
    shelf.rows.take({first: None})
    assert shelf.rows.order == order[1:]


def test_of_many_rows_only_those_that_changed_are_sifted_and_ranked() -> None:
    looked_at: Counter[RowKey] = Counter()

    def rank(key: RowKey, row: Row) -> object:
        looked_at[key] += 1
        return Sort().rank(row)

    rows: OrderedRows[RowKey, Row] = OrderedRows(rank, lambda _key, _row: None)
    fleet = large(1000)
    rows.take_all(fleet_rows(fleet))
    looked_at.clear()
    changed = fleet.sessions[7]
    rows.take({row_key(changed): changed})
    assert looked_at == {row_key(changed): 1}
