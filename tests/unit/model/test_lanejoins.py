"""A lane error joins a run to a session only when the run's own lines, and no other's, enclose it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.runs.events import FailoverDecision, LaneTaskError, ModelFallbackDecision
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.joins import keys_by_trace, runs_by_key
from lockdeck.backend.model.runs.lane_joins import keys_by_lane
from tests.folders import RECORDINGS
from tests.reading import read_events


def failover(run, at, key="agent:ezra:main", lane_at=0.002, end=0.004):
    return [
        FailoverDecision(at, run, "assistant", "fallback_model", "rate_limit"),
        LaneTaskError(at + lane_at - 0.001, "main", None, 900, "FailoverError"),
        LaneTaskError(at + lane_at, f"session:{key}", key, 900, "FailoverError"),
        ModelFallbackDecision(at + end, run, "candidate_failed", 1, 3),
    ]


def joined(*events):
    return keys_by_lane(fold_all(RunBook(), [event for group in events for event in group]))


def test_a_lane_error_between_a_runs_two_lines_names_its_session():
    assert joined(failover("r1", 10.0)) == {"r1": "agent:ezra:main"}
    assert list(runs_by_key(fold_all(RunBook(), failover("r1", 10.0)), {})) == ["agent:ezra:main"]


def test_lines_of_two_runs_that_overlap_join_nothing():
    assert joined(failover("r1", 10.0), failover("r2", 10.001, "agent:juno:main")) == {}


def test_runs_that_fail_over_one_after_the_other_are_kept_apart():
    told = joined(failover("r1", 10.0), failover("r2", 10.01, "agent:juno:main"))
    assert told == {"r1": "agent:ezra:main", "r2": "agent:juno:main"}


def test_a_run_whose_lane_errors_name_two_sessions_is_not_joined():
    assert joined(failover("r1", 10.0), failover("r1", 20.0, "agent:juno:main")) == {}


def test_lines_too_far_apart_enclose_nothing():
    assert joined(failover("r1", 10.0, lane_at=0.5, end=1.0)) == {}


def test_two_lane_errors_inside_join_nothing():
    stranger = [LaneTaskError(10.003, "session:agent:juno:main", "agent:juno:main", 5, "Error")]
    assert joined(failover("r1", 10.0), stranger) == {}


@pytest.mark.parametrize("scenario", ["incident-hang", "incident-error429", "incident-error500"])
def test_the_recorded_runs_are_joined_as_their_session_ids_say(scenario):
    [log] = RECORDINGS.glob(f"2026.4.5-{scenario}/gateway.log")
    book = fold_all(RunBook(), read_events(log))
    keys = keys_by_lane(book)
    assert len(keys) == len(book.runs) == 4
    assert len(set(keys.values())) == 4
    told = {run.session_id: keys[run.run_id] for run in book.runs.values() if run.session_id}
    assert len(set(told.values())) == len(told)


def test_the_recorded_runs_of_later_versions_are_joined_by_trace():
    [log] = RECORDINGS.glob("2026.7.35-hang/gateway.log")
    book = fold_all(RunBook(), read_events(log))
    assert len(set(keys_by_trace(book).values())) == len(book.runs) == 4


pieces = st.tuples(
    st.sampled_from(["r1", "r2", "r3"]), st.floats(0, 1), st.sampled_from(["agent:a:main", "agent:b:main"])
)


@given(st.lists(pieces, max_size=6), st.randoms())
def test_the_order_of_lines_never_changes_what_is_joined(groups, random):
    events = [event for run, at, key in groups for event in failover(run, at, key)]
    before = keys_by_lane(fold_all(RunBook(), events))
    random.shuffle(events)
    assert keys_by_lane(fold_all(RunBook(), events)) == before
