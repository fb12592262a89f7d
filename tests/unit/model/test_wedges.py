"""OpenClaw's own word that a session is stuck, and what its recoveries came to."""

from __future__ import annotations

from lockdeck.backend.model.runs.events import Event, RecoveryOutcome, StuckSession
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.past.happenings import kind_of
from lockdeck.backend.model.sessions.wedges import Wedge, wedges_by_key

KEY = "agent:main:main"


def diagnosis(at: float, queued: int = 1, kind: str = "stuck") -> StuckSession:
    return StuckSession(at, kind, "s1", KEY, "processing", 120_000, queued)


def outcome(at: float, status: str | None = "aborted", released: int = 0) -> RecoveryOutcome:
    return RecoveryOutcome(at, "s1", KEY, status, "abort_embedded_run", released=released)


def wedge(*events: Event) -> Wedge:
    return wedges_by_key(fold_all(RunBook(), events), {})[KEY]


def test_diagnoses_and_recoveries_are_one_chain_with_the_last_figures():
    told = [diagnosis(0.0, 7), outcome(0.1, None), outcome(0.2), diagnosis(360.0, 8), outcome(360.2)]
    found = wedge(*told)
    assert (found.since, found.last_at, found.aborts, found.released) == (0.0, 360.2, 2, 0)
    assert found.is_proven
    assert found.sentences(600.0) == (
        "OpenClaw says stuck for 10m 00s, 8 messages queued; its recovery reported 2 aborts and released nothing",
    )


def test_a_recovery_that_freed_something_is_no_wedge():
    assert not wedge(diagnosis(0.0, 0), outcome(0.2), outcome(30.2, released=1)).is_proven


def test_a_queue_must_wait_for_five_minutes_before_it_alone_shows_a_wedge():
    assert not wedge(diagnosis(0.0), diagnosis(270.0)).is_proven
    assert wedge(diagnosis(0.0), diagnosis(300.0)).is_proven
    assert not wedge(diagnosis(0.0, 0), diagnosis(300.0, 0)).is_proven


def test_after_a_long_silence_a_new_chain_begins():
    assert wedge(diagnosis(0.0), outcome(0.1), diagnosis(2000.0)).since == 2000.0


def test_a_run_that_only_takes_long_is_no_wedge():
    assert wedges_by_key(fold_all(RunBook(), [diagnosis(0.0, 3, "long-running")]), {}) == {}


def test_in_a_timeline_a_recovery_that_was_skipped_hides_none_that_did_something():
    assert kind_of(outcome(0.0)) != kind_of(outcome(30.0, "skipped"))
    assert kind_of(outcome(30.0, "skipped")) == kind_of(outcome(60.0, "skipped"))
