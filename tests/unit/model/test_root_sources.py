"""The sources of a root: nothing is lost where nothing can be running, and nothing is green that no source would contradict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.model.fleet import SessionView, State
from lockdeck.backend.model.knowledge import activity_of
from lockdeck.backend.model.sources import (
    NO_LOG,
    Activity,
    LogLook,
    SourceLook,
    SourceState,
    gateway_source,
    log_sources,
)
from tests.tui import samples

NOW = 1_800_000_000.0
HOUR, DAY = 3600.0, 86_400.0
RUNS = Activity(NOW, gateway_lives=True, gateway_pid=7, gateway_began=NOW - DAY, held=True, occupied=True)
STOPPED = Activity(NOW, gateway_lives=False)
PLACE = "/tmp/openclaw"


def log(state=SourceState.READ, as_of=NOW - 60.0, why="", **more):
    return LogLook(PLACE, state, as_of if state is SourceState.READ else None, why, **more)


MISSING = log(SourceState.MISSING, why="holds no log")
REFUSED = log(SourceState.REFUSED, why="Permission denied")


def lost(looks, activity=RUNS, gateway_tells=False):
    return [source.lost for source in log_sources(looks, activity, gateway_tells)]


looks = st.lists(
    st.builds(
        LogLook,
        st.sampled_from(["/a", "/b"]),
        st.sampled_from([SourceState.READ, SourceState.MISSING, SourceState.REFUSED]),
        st.one_of(st.none(), st.floats(NOW - 9 * DAY, NOW)),
        st.sampled_from(["", "Permission denied"]),
        st.booleans(),
    ),
    max_size=4,
)


@given(looks, st.booleans())
def test_where_nothing_can_be_running_no_log_is_missed(looked_at, tells):
    sources = list(log_sources(looked_at, STOPPED, tells))
    assert all(source.lost is None for source in sources)
    assert {source.state for source in sources} <= {SourceState.READ, SourceState.NOT_NEEDED}


@given(looks)
def test_while_something_can_run_every_log_that_is_not_read_is_told_with_its_place(looked_at):
    for source in log_sources(looked_at, RUNS, False):
        assert (source.lost is None) == (source.state is SourceState.READ)
        assert source.lost is None or source.where in source.lost


@given(looks)
def test_where_the_gateway_tells_itself_no_log_is_missed(looked_at):
    assert set(lost(looked_at, gateway_tells=True)) <= {None}


@pytest.mark.parametrize("look", [MISSING, REFUSED])
def test_what_is_lost_names_place_cause_and_way_out(look):
    (sentence,) = lost([look])
    assert sentence.startswith(f"{NO_LOG}: {PLACE}: {look.why}")
    assert "--log" in sentence


def test_one_of_the_default_places_is_enough():
    assert lost([MISSING, log(), REFUSED]) == [None]


def test_each_log_that_a_person_named_has_to_be_read():
    assert lost([log(named=True), LogLook("/b", SourceState.REFUSED, None, "no permission", named=True)]) == [
        None,
        "/b is not read (no permission): what it tells is not known",
    ]


@pytest.mark.parametrize("quiet_s", [0.0, HOUR, 23 * HOUR])
def test_a_quiet_log_is_no_missing_one(quiet_s):
    assert lost([log(as_of=NOW - quiet_s)]) == [None]


def test_a_log_from_before_its_gateway_started_is_stale():
    began = NOW - 600.0
    activity = Activity(NOW, gateway_lives=True, gateway_pid=7, gateway_began=began)
    (source,) = log_sources([log(as_of=began - 60.0)], activity, False)
    assert source.state is SourceState.STALE
    assert "before the gateway (pid 7) started" in source.lost


def test_a_gateway_that_has_just_started_may_not_have_logged_yet():
    activity = Activity(NOW, gateway_lives=True, gateway_pid=7, gateway_began=NOW - 20.0)
    assert lost([log(as_of=NOW - HOUR)], activity) == [None]


def test_a_log_of_days_ago_is_stale_only_while_a_session_is_held():
    old = log(as_of=NOW - 2 * DAY)
    idle = Activity(NOW, gateway_lives=True, gateway_began=NOW - 9 * DAY)
    assert lost([old], idle) == [None]
    assert "more than a day ago" in lost([old], Activity(NOW, False, held=True, occupied=True))[0]


def test_lines_that_could_not_be_read_are_lost_knowledge():
    assert lost([log(unread="3 lines look like OpenClaw's and could not be read")]) == [
        "3 lines look like OpenClaw's and could not be read: what they tell is not known"
    ]


WORD = SourceLook("", SourceState.READ, NOW)
SILENT = SourceLook("", SourceState.REFUSED, None, "no access")


@pytest.mark.parametrize(
    ("look", "activity", "log_suffices", "state", "is_lost"),
    [
        (None, RUNS, False, SourceState.NOT_NEEDED, False),
        (SILENT, STOPPED, False, SourceState.NOT_NEEDED, False),
        (WORD, RUNS, False, SourceState.READ, False),
        (SILENT, RUNS, True, SourceState.REFUSED, False),
        (SILENT, RUNS, False, SourceState.REFUSED, True),
    ],
)
def test_the_gateways_word_is_missed_only_where_no_log_says_as_much(
    look, activity, log_suffices, state, is_lost
):
    source = gateway_source(look, "127.0.0.1:1", activity, log_suffices, "2026.8.2")
    assert (source.state, source.lost is not None) == (state, is_lost)
    assert not is_lost or ("no access" in source.lost and "2026.8.2" in source.lost)


@pytest.mark.parametrize(
    ("began", "as_of", "read"),
    [
        (NOW - HOUR, NOW - HOUR, False),  # made with the gateway, and silent since
        (NOW - HOUR, NOW - 60.0, True),  # written to, and cut to nothing since
        (NOW - 3.0, NOW - 3.0, True),  # the gateway has just started
        (None, NOW - 60.0, False),  # of whom it is nothing tells
    ],
)
def test_a_file_into_which_nothing_was_ever_written_is_no_log_that_is_read(began, as_of, read):
    activity = replace(RUNS, gateway_began=began)
    told = lost([log(as_of=as_of, empty=True)], activity)
    assert told == [None] if read else (told[0] is not None and NO_LOG in told[0])
    assert lost([log(as_of=as_of, empty=True, named=True)], replace(RUNS, gateway_began=None)) == [None]


def test_the_gateway_that_holds_a_session_says_since_when_a_log_must_have_been_written():
    lock = samples.held("main", "main", 60.0)
    gateway = replace(samples.GATEWAY, started_at=NOW - HOUR)
    held = replace(lock, judgement=replace(lock.judgement, holder=gateway))
    view = SessionView("/r", "main", "agent:main:main", None, State.RUNNING, lock=held)
    activity = activity_of(None, [view], None, connected=False, now=NOW)
    assert (activity.gateway_pid, activity.gateway_began) == (gateway.pid, NOW - HOUR)
    assert lost([log(as_of=NOW - DAY)], activity) != [None]
    assert lost([log(as_of=NOW - 60.0)], activity) == [None]
