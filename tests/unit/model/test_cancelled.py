"""What a cancel leaves on the row: who and when, until the next run begins; a run that we ended has not failed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lockdeck.backend.model.cancel import OURS, Cancel
from lockdeck.backend.model.fleet import Severity, State
from lockdeck.backend.model.runs.events import AllModelsFailed, AttemptStarted, RunEnded
from lockdeck.backend.model.sessions.cancelled import with_cancel
from lockdeck.backend.model.sessions.state import Assessment, assess
from lockdeck.backend.model.words import time_of_day
from tests.unit.model.test_state import IN_TWO, TWICE, decision, facts, holds

CANCEL = Cancel(130.0, OURS, "alice", "abort", "r1")
BY_US = f"cancelled by lockdeck (user alice) at {time_of_day(130.0)}"


def after(now: float, *events, cancel: Cancel | None = CANCEL, **more) -> Assessment:
    return assess(with_cancel(facts(now, *events, **more), cancel), now)


@pytest.mark.parametrize(
    "events",
    [
        TWICE,
        (*TWICE, decision(129.5, "surface_error", "cygnus:s")),
        (*TWICE, RunEnded(129.5, "r1", ok=False)),
        (*TWICE, AllModelsFailed(131.0, 3, "All models failed (3)", "r1")),
    ],
    ids=["in a gap", "surfaced", "chat run ended in an error", "told late"],
)
@pytest.mark.parametrize("now", [131.5, 160.0, 3000.0])
def test_a_run_that_we_cancelled_is_idle_and_says_so_whatever_its_last_line(events, now):
    told = after(now, *events, occupation=IN_TWO)
    assert (told.state, told.severity) == (State.IDLE, Severity.OK)
    assert told.reasons[0] == BY_US


def test_without_the_cancel_the_same_run_is_stuck_or_failed():
    assert after(160.0, *TWICE, cancel=None).state is State.STUCK
    assert after(160.0, *TWICE, RunEnded(129.5, "r1", ok=False), cancel=None).state is not State.IDLE


@pytest.mark.parametrize(
    ("events", "more"),
    [
        ((*TWICE, decision(300.0, "rotate_profile", "cygnus:s")), {}),
        (TWICE, {"occupation": holds((0.0, 120.9), (140.0, None))}),
        (TWICE, {"occupation": holds((0.0, 120.9), (140.0, 150.0))}),
        (TWICE, {"transcript_at": 200.0}),
        (TWICE, {"store_status": "running", "store_at": 200.0}),
        ((*TWICE, RunEnded(129.5, "r1", ok=False), AttemptStarted(131.0, "r1")), {}),
    ],
    ids=["its lines go on", "a lock stands", "a lock stood", "an answer", "the store says so", "an attempt"],
)
def test_the_next_run_takes_the_cancel_off_the_row(events, more):
    told = after(320.0, *events, **more)
    assert not any("cancelled" in reason for reason in told.reasons)


def test_a_cancel_under_way_is_the_state_until_nothing_goes_on():
    """What it did not end is told again when it has ended: it is never taken for a cancel that worked."""
    begun = replace(CANCEL, under_way=True)
    now = 130.5
    assert after(now, *TWICE, occupation=IN_TWO, cancel=begun).state is State.CANCELLING
    over = after(160.0, *TWICE, RunEnded(129.5, "r1", ok=False), cancel=begun)
    assert over == after(160.0, *TWICE, RunEnded(129.5, "r1", ok=False), cancel=None)


def test_a_run_that_goes_on_after_its_cancel_is_stuck_as_before():
    """A cancel that did not take must not make green what goes on."""
    goes_on = (*TWICE, decision(150.0, "rotate_profile", "cygnus:s"))
    told = after(152.0, *goes_on, occupation=holds((0.0, 120.9), (122.0, 149.9), (151.0, None)))
    assert told.state is State.STUCK


def test_an_abort_of_others_is_told_on_the_row_by_openclaws_own_word():
    events = (AttemptStarted(10.0, "r1"), RunEnded(60.0, "r1", ok=False, aborted=True))
    told = after(80.0, *events, cancel=None)
    assert (told.state, told.severity) == (State.IDLE, Severity.OK)
    sentence = f"the last run (r1) was aborted at {time_of_day(60.0)}; OpenClaw does not tell by whom"
    assert told.reasons[0] == sentence
    assert after(80.0, *events, cancel=None, occupation=holds((70.0, 75.0))).reasons[0] != sentence


def test_a_cancel_hides_nothing_that_is_wrong_besides():
    assert (
        after(160.0, *TWICE, suspension="pid 1 is stopped", occupation=holds((0.0, None))).state
        is State.STUCK
    )
