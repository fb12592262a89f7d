"""Logs that share an id are of one source, and their books become the book of all lines; others stay apart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.sources import LogPart, merge, sources_of
from tests.folders import RECORDINGS
from tests.reading import read_events

LOGS = {path.parent.name: list(read_events(path)) for path in sorted(RECORDINGS.glob("*/gateway.log"))}


@given(st.sampled_from(sorted(LOGS)), st.integers(0, 2**64 - 1))
def test_books_of_two_parts_become_the_book_of_the_whole(name, chance):
    events = LOGS[name]
    one = [event for place, event in enumerate(events) if chance >> place % 64 & 1]
    two = [event for place, event in enumerate(events) if not chance >> place % 64 & 1]
    whole = fold_all(RunBook(), events)
    merged = merge(fold_all(RunBook(), one), fold_all(RunBook(), two))
    assert merged.runs == whole.runs
    assert merged.notices == whole.notices
    assert merged.waiting == whole.waiting
    assert merged.traces == whole.traces
    assert merged.profiles == whole.profiles


def test_logs_of_one_host_are_one_source_and_those_of_others_stay_apart():
    hang = LOGS["2026.4.5-incident-hang"]
    books = {
        "a/1": fold_all(RunBook(), hang[:60]),
        "b": fold_all(RunBook(), LOGS["2026.9.6-hang"]),
        "a/2": fold_all(RunBook(), hang[60:]),
        "silent": RunBook(),
    }
    assert [source.logs for source in sources_of({LogPart(name): book for name, book in books.items()})] == [
        ("b",),
        ("a/1", "a/2"),
    ]
    (_, together) = sources_of({LogPart(name): book for name, book in books.items()})
    assert together.book.runs == fold_all(RunBook(), hang).runs


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(2, 4))
def test_every_log_is_of_one_source_and_those_of_a_chain_of_shared_ids_are_together(places, spread):
    events = LOGS["2026.4.5-incident-hang"]
    runs = sorted({event.run_id for event in events if event.run_id})
    books = {
        str(number): fold_all(
            RunBook(), [e for e in events if e.run_id in runs[place % len(runs) : place % len(runs) + spread]]
        )
        for number, place in enumerate(places)
    }
    sources = sources_of({LogPart(name): book for name, book in books.items()})
    assert sorted(log for source in sources for log in source.logs) == sorted(books)
    told = [set(source.book.runs) for source in sources]
    assert all(not one & other for number, one in enumerate(told) for other in told[number + 1 :])
    assert set().union(*told) == set().union(*(book.runs for book in books.values()))
