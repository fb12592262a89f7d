"""Whose a session is: the run that has the lock, and not the callers that failed on it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.fleet import State
from lockdeck.backend.model.locks import Judgement, Verdict
from lockdeck.backend.model.occupation import Sighting, observe
from lockdeck.backend.model.runs.attempt_times import gap_grace
from lockdeck.backend.model.runs.budget import Budget
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.model.runs.events import (
    AllModelsFailed,
    Event,
    FailoverDecision,
    LockTimeout,
    ModelFallbackDecision,
    RunTimeout,
)
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.joins import runs_by_key
from lockdeck.backend.model.runs.records import Hold, Occupation
from lockdeck.backend.model.runs.rotation import rotation_of
from lockdeck.backend.model.runs.run import recency
from lockdeck.backend.model.sessions.blocked import blocked_on, failures_by_subject
from lockdeck.backend.model.sessions.facts import SessionFacts
from lockdeck.backend.model.sessions.ownership import foreign_holds, holds_of, session_run
from lockdeck.backend.model.sessions.state import assess
from tests.folders import RECORDINGS
from tests.reading import read_events

PATH = "/r/agents/silas/sessions/s.jsonl.lock"
GATEWAY, CALLER = 396, 29692
CHAIN = FailoverChain((Candidate("a", "large", ("a:1", "a:2")), Candidate("b", "small", ("b:1",))), 60.0)
HELD = Judgement(Verdict.HELD, ("its holder has the lock file open",), False)


def timed_out(at: float, run: str = "gateway-run", what: str = "rotate_profile") -> FailoverDecision:
    return FailoverDecision(at, run, "assistant", what, "timeout", timed_out=True)


def locked(
    at: float, attempt: int, run: str = "s", pid: int | None = GATEWAY, total: int = 3
) -> ModelFallbackDecision:
    """A candidate that died waiting for the lock; a local caller's run id is its session id."""
    following = "x/y" if attempt < total else None
    return ModelFallbackDecision(
        at, run, "candidate_failed", attempt, total, candidate=f"c/{attempt}", next_candidate=following,
        reason="timeout", lock_timeout=LockTimeout(PATH, 10_000, pid),
    )  # fmt: skip


def occupied(*spans: tuple[float, float | None, int]) -> Occupation:
    holds = tuple(Hold(f"h{n}", pid, start, end) for n, (start, end, pid) in enumerate(spans))
    return Occupation(PATH, spans[0][0], len(holds), holds)


def owner(now: float, *events: Event, occupation: Occupation | None = None) -> str | None:
    runs = sorted(fold_all(RunBook(), events).runs.values(), key=recency)
    run = session_run(runs, PATH, occupation, now)
    return None if run is None else run.run_id


IN_THREE = occupied((0.0, 59.9, GATEWAY), (60.5, 120.9, GATEWAY), (122.0, None, GATEWAY))
TWICE = (timed_out(60.0), timed_out(121.0, what="fallback_model"))


@pytest.mark.parametrize("failed", [1, 2, 3])
def test_a_caller_that_failed_on_the_lock_is_not_the_run_of_its_session(failed):
    told = [locked(130.0 + n, n) for n in range(1, failed + 1)]
    assert owner(140.0, *TWICE, *told, occupation=IN_THREE) == "gateway-run"


def test_a_caller_whose_holder_has_no_name_is_a_caller_too():
    assert owner(140.0, *TWICE, locked(130.0, 1, pid=None), occupation=IN_THREE) == "gateway-run"


def test_of_a_taken_session_of_which_only_a_caller_is_known_no_run_is_known():
    assert owner(140.0, locked(130.0, 1), occupation=IN_THREE) is None


def test_a_caller_is_all_that_is_known_of_a_free_session():
    assert owner(140.0, locked(130.0, 3)) == "s"


def test_a_caller_that_gets_the_lock_after_the_other_run_has_ended_has_the_session():
    ended = (*TWICE, AllModelsFailed(150.0, 2, "All models failed (2): …", "gateway-run"))
    taken = occupied((122.0, 149.0, GATEWAY), (151.0, None, CALLER))
    assert owner(160.0, *ended, locked(145.0, 1), occupation=taken) == "s"
    assert owner(160.0, *ended, locked(145.0, 3), occupation=taken) == "gateway-run"


def test_a_newer_run_of_the_same_process_has_the_session_although_the_older_one_had_more_timeouts():
    holds = occupied(
        (0.0, 59.9, GATEWAY), (60.5, 120.9, GATEWAY), (121.0, 122.0, GATEWAY), (122.5, 150.0, GATEWAY)
    )
    assert owner(151.0, *TWICE, timed_out(150.1, "next-run"), occupation=holds) == "next-run"


def test_a_rotation_that_another_process_keeps_from_the_lock_goes_on():
    turns = (
        (0.0, 60.0, GATEWAY), (60.5, 121.0, GATEWAY), (121.1, 141.0, CALLER), (141.5, None, GATEWAY)
    )  # fmt: skip
    events = (*TWICE, locked(110.0, 1), locked(131.7, 2, "gateway-run", CALLER), timed_out(141.1, "s"))
    for count, now in ((3, 141.2), (4, 150.0)):
        assert owner(now, *events, occupation=occupied(*turns[:count])) == "gateway-run"
    assert owner(400.0, *events, occupation=occupied((399.0, None, CALLER))) == "s"


def test_holds_of_other_processes_are_told_by_attempts_that_ended_with_a_hold_and_by_pids_failed_on():
    turns = occupied((0.0, 60.0, GATEWAY), (60.5, 121.0, GATEWAY), (121.1, None, CALLER))
    book = fold_all(RunBook(), [*TWICE, locked(110.0, 1)])
    gateway, caller = book.runs["gateway-run"], book.runs["s"]
    assert [hold.pid for hold in foreign_holds(gateway, turns)] == [CALLER]
    assert [hold.pid for hold in foreign_holds(caller, turns)] == [GATEWAY, GATEWAY]
    assert [hold.pid for hold in holds_of(caller, turns).recent] == [CALLER]
    assert holds_of(gateway, IN_THREE) is IN_THREE
    assert holds_of(caller, IN_THREE) is None


# --- the recorded incident with a local caller, lived through -------------------------------------------------

RECORDED = RECORDINGS / "2026.4.5-incident-hang-with-local-probe"
SILAS = "7f313556-2fe6-4f45-a759-bb6ac6241cee"
KEY = "agent:silas:main"
RECORDED_PIDS = (20673, 20673, 20673, 29692, 20673, 29692)
"""Who created each of the recorded holds, by the payloads: the gateway, and twice the caller in a gap."""
RUN = "gateway-run"


@dataclass
class Look:
    """One moment of the recording: what was known by then, and what follows from it."""

    at: float
    state: State
    run: str | None
    callers: int


def gateways_lines(ends: list[float], path: str) -> list[Event]:
    """What the gateway logs of these holds in its own, unrecorded log: five attempts, one of them kept out."""

    def candidate(at: float, number: int, **more) -> ModelFallbackDecision:
        following = "x/y" if number < 3 else None
        return ModelFallbackDecision(
            at, RUN, "candidate_failed", number, 3, candidate=f"c/{number}", next_candidate=following, **more
        )

    told: list[Event] = []
    for at, what in zip(ends[:3], ("rotate_profile", "fallback_model", "rotate_profile"), strict=True):
        told += [RunTimeout(at + 0.01, RUN, SILAS, 20_000), timed_out(at + 0.02, RUN, what)]
    told.append(candidate(ends[1] + 0.03, 1, reason="timeout"))
    kept_out = LockTimeout(path, 10_000, 29692)
    told.append(candidate(ends[2] + 10.8, 2, reason="timeout", lock_timeout=kept_out))
    last = ends[4]
    told += [RunTimeout(last + 0.01, RUN, SILAS, 20_000), timed_out(last + 0.02, RUN, "fallback_model")]
    return [*told, candidate(last + 0.03, 3, reason="timeout")]


def lived_through() -> list[Look]:
    told = list(read_events(RECORDED / "gateway.log"))
    path = next(event.lock_timeout.path for event in told if getattr(event, "lock_timeout", None))
    lines = [json.loads(line) for line in (RECORDED / "lock-events.jsonl").read_text().splitlines()]
    mine = [line for line in lines if line["name"] == f"{SILAS}.jsonl.lock"]
    locks = [(line["t"], line["event"]) for line in mine if line["event"] in ("CREATE", "DELETE")]
    told += gateways_lines([at for at, what in locks if what == "DELETE"], path)
    steps = sorted([(at, n, what) for n, (at, what) in enumerate([*locks, *((e.at, e) for e in told)])])
    book, occupation, seen, count = RunBook(), None, None, 0
    looks: list[Look] = []
    for at, _, what in steps:
        if what == "CREATE":
            seen, count = Sighting(f"h{count}", 1, count, RECORDED_PIDS[count], at), count + 1
        elif what == "DELETE":
            seen = None
        else:
            book = fold_all(book, [what])
        runs = runs_by_key(book, {SILAS: KEY}).get(KEY, ())
        before = session_run(runs, path, occupation, at)
        grace = gap_grace(before, holds_of(before, occupation) if before else None)
        occupation = observe(occupation, path, seen, at, grace)
        looks.append(look_at(at, book, runs, path, occupation))
    return looks


def look_at(at, book, runs, path, occupation) -> Look:
    run = session_run(runs, path, occupation, at)
    rotation = rotation_of(run, None, holds_of(run, occupation), at) if run else None
    blocked = blocked_on(failures_by_subject(book).get(path, ()))
    standing = occupation is not None and occupation.current is not None
    facts = SessionFacts(
        judgement=HELD if standing else None, occupation=occupation, run=run, rotation=rotation,
        foreign_holds=foreign_holds(run, occupation) if run else (), blocked=blocked, budget=Budget(20.0, "run timeout"),
    )  # fmt: skip
    return Look(at, assess(facts, at).state, run.run_id if run else None, blocked.count)


def test_the_recorded_incident_stays_stuck_while_a_caller_fails_and_takes_turns_with_it():
    looks = lived_through()
    changes = [look.state for n, look in enumerate(looks) if n == 0 or looks[n - 1].state is not look.state]
    assert changes[:3] == [State.RUNNING, State.ROTATING, State.STUCK]
    stuck_from = next(n for n, look in enumerate(looks) if look.state is State.STUCK)
    over = next(n for n, look in enumerate(looks) if look.run == SILAS)
    assert {look.state for look in looks[stuck_from:over]} == {State.STUCK}
    assert {look.run for look in looks[stuck_from:over]} == {RUN}
    assert looks[over - 1].at - looks[stuck_from].at > 75


def test_the_recorded_caller_goes_on_where_the_gateway_has_given_up():
    last = lived_through()[-1]
    assert (last.run, last.state) == (SILAS, State.ROTATING)


def test_the_recorded_caller_and_the_kept_out_gateway_are_two_callers_and_never_more():
    counts = [look.callers for look in lived_through()]
    assert counts == sorted(counts)
    assert counts[-1] == 2


# --- anything at all ------------------------------------------------------------------------------------------

at_times = st.floats(0, 400)
any_run = st.sampled_from(["gateway-run", "s", "third"])
any_events = st.lists(
    st.one_of(
        st.builds(timed_out, at_times, any_run, st.sampled_from(["rotate_profile", "surface_error"])),
        st.builds(locked, at_times, st.integers(1, 3), any_run, st.sampled_from([GATEWAY, CALLER, None])),
        st.builds(RunTimeout, at_times, any_run, st.just("s"), st.integers(0, 90_000)),
    ),
    max_size=12,
)
any_holds = st.lists(st.tuples(at_times, st.sampled_from([GATEWAY, CALLER, None])), max_size=8)


@given(any_events, any_holds, at_times, st.booleans())
def test_the_order_of_lines_never_changes_whose_a_session_is(events, begun, now, standing):
    begun = sorted(begun, key=lambda hold: hold[0])
    ends = [*(at for at, _ in begun[1:]), None if standing else 400.0]
    spans = [(at, end, pid) for (at, pid), end in zip(begun, ends, strict=False)]
    occupation = occupied(*spans) if spans else None
    found = owner(now, *events, occupation=occupation)
    assert found == owner(now, *reversed(events), *events, occupation=occupation)
    assert found is None or found in {event.run_id for event in events}
    only_callers = all(isinstance(event, ModelFallbackDecision) for event in events)
    if events and occupation is None:
        assert found is not None
    if only_callers and occupation is not None and occupation.current is None:
        assert found is None
