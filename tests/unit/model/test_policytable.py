"""The tables of the failover policy: every ending and every input, before and after the fix."""

from __future__ import annotations

from lockdeck.backend.model.policy import Action
from lockdeck.backend.model.policytable import ASSISTANT, Steps, policy_rows, truth_table
from lockdeck.backend.model.releases.lookup import NEWEST, traits_of
from lockdeck.backend.model.releases.version import Version

INCIDENT = traits_of(Version(2026, 4, 5))
ENDS = Steps(Action.SURFACE, Action.SURFACE, Action.SURFACE)


def test_a_timeout_goes_through_everything_before_the_fix_and_ends_the_run_after_it() -> None:
    rows = {row.ending: row for row in policy_rows(INCIDENT) if row.stage == ASSISTANT}
    for ending in ("idle timeout", "run timeout", "an error that counts as a timeout"):
        assert rows[ending].shipped == Steps(Action.ROTATE, Action.FALLBACK, Action.SURFACE)
        assert rows[ending].fixed == ENDS
    error = rows["any other error of the provider"]
    assert error.shipped == error.fixed


def test_the_newest_release_still_rotates_on_an_idle_timeout() -> None:
    rows = {row.ending: row for row in policy_rows(NEWEST) if row.stage == ASSISTANT}
    assert rows["idle timeout"].shipped.profile_left is Action.ROTATE
    assert rows["run timeout"].shipped == ENDS
    assert rows["a person's abort"].shipped == ENDS


def test_the_truth_table_has_every_input_once() -> None:
    rows = list(truth_table(INCIDENT))
    assert len({row.ending for row in rows}) == len(rows) == 48


def test_only_timeouts_differ_with_the_fix() -> None:
    for row in truth_table(INCIDENT):
        if row.shipped != row.fix:
            assert row.shipped
            assert row.ending.timed_out or row.ending.reason == "timeout"


def test_the_sketch_still_rotates_where_a_silent_model_gives_no_reason() -> None:
    (silent,) = (
        row
        for row in truth_table(INCIDENT)
        if row.ending.timed_out and row.ending.aborted and row.ending.reason is None
        if not row.ending.during_compaction and not row.ending.failover_failure
    )
    assert (silent.shipped, silent.fix, silent.sketch) == (True, False, True)
