"""One look and many looks agree, and the state does not flicker where an attempt ends and the next one begins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from lockdeck.backend.model.fleet import State
from lockdeck.backend.model.locks import Judgement, Verdict
from lockdeck.backend.model.occupation import Sighting, observe
from lockdeck.backend.model.releases.table import LockScope
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.attempt_times import gap_grace
from lockdeck.backend.model.runs.budget import Budget
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.model.runs.events import (
    AttemptStarted,
    Event,
    FailoverDecision,
    LockTimeout,
    ModelFallbackDecision,
    PromptError,
    RunTimeout,
)
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.records import Hold, Occupation
from lockdeck.backend.model.runs.rotation import rotation_of
from lockdeck.backend.model.sessions.facts import SessionFacts
from lockdeck.backend.model.sessions.state import assess
from tests.folders import RECORDINGS
from tests.reading import read_events

PATH = "/r/agents/silas/sessions/s.jsonl.lock"
HELD = Judgement(Verdict.HELD, ("pid 37121 has the lock file open",), False)
FOLDER = RECORDINGS / "2026.4.5-incident-hang"
SESSIONS = sorted(
    {json.loads(line)["name"] for line in (FOLDER / "lock-events.jsonl").read_text().splitlines()}
)
CHAIN = FailoverChain(
    (Candidate("atlas", "large", ("atlas:a", "atlas:b")), Candidate("cygnus", "small", ("cygnus:s",))), 60.0
)


class Step(NamedTuple):
    """What happened at a moment: a lock was made or removed, or a line was written."""

    at: float
    lock: str | None = None
    line: Event | None = None


def recorded(name: str) -> list[Step]:
    """The steps of one session of the recorded incident, in the order of time."""
    looks = [json.loads(line) for line in (FOLDER / "lock-events.jsonl").read_text().splitlines()]
    locks = [
        Step(e["t"], e["event"]) for e in looks if e["name"] == name and e["event"] in ("CREATE", "DELETE")
    ]
    lines = [Step(e.at, line=e) for e in read_events(FOLDER / "gateway.log")]
    return sorted([*locks, *lines], key=lambda step: step.at)


def run_ids(name: str) -> list[str]:
    """The runs of the session that has a lock of this name."""
    book = fold_all(RunBook(), [step.line for step in recorded(name) if step.line is not None])
    return [run.run_id for run in book.runs.values() if f"{run.session_id}.jsonl.lock" == name]


def state(
    book: RunBook, run_id: str, seen: Sighting | None, chain: Occupation | None, last: Hold | None, at: float
):
    run = book.runs.get(run_id)
    return assess(
        SessionFacts(
            judgement=HELD if seen else None,
            occupation=chain,
            last_hold=last,
            run=run,
            rotation=rotation_of(run, None, chain, at) if run else None,
            budget=Budget(20.0, "run timeout"),
        ),
        at,
    ).state


def both(name: str, run_id: str) -> Iterator[tuple[float, State, State]]:
    """Yield after each step what who has watched from the beginning says, and who looks for the first time."""
    book, watched, last, seen = RunBook(), None, None, None
    for number, step in enumerate(recorded(name)):
        if step.line is not None:
            book = fold_all(book, [step.line])
        else:
            seen = Sighting(f"h{number}", 1, number, 31413, step.at) if step.lock == "CREATE" else None
        watched = observe(watched, PATH, seen, step.at, gap_grace(book.runs.get(run_id), watched))
        last = watched.recent[-1] if watched else last
        once = observe(None, PATH, seen, step.at)
        yield (
            step.at,
            state(book, run_id, seen, watched, last, step.at),
            state(book, run_id, seen, once, None, step.at),
        )


@pytest.mark.parametrize("name", [name for name in SESSIONS if run_ids(name)])
def test_one_look_says_what_many_looks_say_all_through_the_recorded_incident(name: str):
    (run_id,) = run_ids(name)
    looks = list(both(name, run_id))
    assert {State.ROTATING, State.STUCK, State.FAILED} <= {watched for _, watched, _ in looks}
    assert [(at, watched, once) for at, watched, once in looks if watched is not once] == []


def decision(at: float, what: str, profile: str) -> FailoverDecision:
    return FailoverDecision(
        at, "r1", "assistant", what, reason="timeout", timed_out=True, profile_hash=profile, provider="atlas"
    )


LAST = ModelFallbackDecision(
    183.0, "r1", "candidate_failed", 2, 2, candidate="cygnus/small", reason="timeout"
)
HANG: tuple[Event, ...] = (
    decision(60.0, "rotate_profile", "a"),
    decision(121.0, "fallback_model", "b"),
    ModelFallbackDecision(
        121.1,
        "r1",
        "candidate_failed",
        1,
        2,
        candidate="atlas/large",
        next_candidate="cygnus/small",
        reason="timeout",
    ),
    decision(182.0, "fallback_model", "s"),
    LAST,
)
SHORT = (
    (0.0, 0.2),
    (59.9, 60.05),
    (60.4, 60.6),
    (120.9, 121.05),
    (121.5, 121.8),
    (181.9, 182.05),
    (182.3, 182.9),
)
"""Locks as a release takes them that lets go of them while the prompt runs: only for its writes."""


@pytest.mark.parametrize(
    ("version", "scope"),
    [(Version(2026, 5, 18), LockScope.WRITES), (Version(2026, 6, 35), LockScope.CALLS)],
    ids=str,
)
def test_a_rotation_whose_lock_is_let_go_in_between_is_stuck_from_its_second_timeout_to_its_end(
    version: Version,
    scope: LockScope,
):
    states: list[State] = []
    counts: set[tuple[int, int | None]] = set()
    for tenth in range(615, 1850):
        at = tenth / 10
        book = fold_all(RunBook(), [event for event in HANG if event.at <= at])
        past = [
            Hold(f"h{n}", 1, start, end if end <= at else None)
            for n, (start, end) in enumerate(SHORT)
            if start <= at
        ]
        recent = past[-1]
        standing = recent.ended_at is None
        near = standing or at - (recent.ended_at or 0.0) <= gap_grace(book.runs["r1"], None, 60.0)
        chain = Occupation(PATH, past[0].started_at, len(past), tuple(past)) if near else None
        rotation = rotation_of(book.runs["r1"], CHAIN, chain, at, version=version)
        counts.add((len(rotation.attempts), rotation.total))
        facts = SessionFacts(
            judgement=HELD if standing else None,
            occupation=chain,
            last_hold=recent,
            run=book.runs["r1"],
            rotation=rotation,
            budget=Budget(60.0, "idle timeout"),
            lock_scope=scope,
        )
        found = assess(facts, at).state
        if not states or states[-1] is not found:
            states.append(found)
    assert states == [State.ROTATING, State.STUCK, State.FAILED]
    assert all(total == 3 and made <= 3 for made, total in counts), counts


def test_an_attempt_that_answers_without_a_line_ends_the_rotation_there_too():
    book = fold_all(RunBook(), HANG[:2])
    facts = SessionFacts(
        run=book.runs["r1"],
        rotation=rotation_of(book.runs["r1"], CHAIN, None, 150.0),
        budget=Budget(60.0, "idle timeout"),
        lock_scope=LockScope.CALLS,
    )
    assert assess(facts, 150.0).state is State.STUCK
    assert assess(facts, 220.0).state is State.STUCK, "a decision that nothing followed"
    answered = SessionFacts(
        **{name: getattr(facts, name) for name in facts.__struct_fields__} | {"answered_at": 140.0}
    )
    assert assess(answered, 150.0).state is State.IDLE


def test_the_lock_for_the_last_record_is_no_further_attempt_although_no_line_tells_yet_what_follows():
    """Seen on 2026.6.35: transcript and trajectory had told the last timeout, and its decision came 8 s later."""
    timeouts = [PromptError(at, "r1", "s1", error="timed out") for at in (60.0, 121.0, 182.0)]
    book = fold_all(RunBook(), timeouts)
    chain = Occupation(PATH, 0.0, 2, (Hold("h1", 1, 122.0, 182.0), Hold("h2", 1, 183.0)))
    rotation = rotation_of(book.runs["r1"], CHAIN, chain, 184.0, version=Version(2026, 6, 35))
    assert (len(rotation.attempts), rotation.total) == (3, 3)


@pytest.mark.parametrize("occupied", [True, False])
def test_a_rotation_of_which_nothing_is_left_is_stuck_until_it_tells_its_end_or_can_not_any_more(occupied):
    """Seen on 2026.5.28: it took its lock again to clear up, and was failed, running, stuck and failed within a second."""
    timeouts = [PromptError(at, "r1", "s1", error="timed out") for at in (60.0, 121.0, 182.0)]
    run = fold_all(RunBook(), timeouts).runs["r1"]
    holds = (Hold("h1", 1, 122.0, 182.0), Hold("h2", 1, 182.5, None if occupied else 183.0))
    chain = Occupation(PATH, 0.0, 2, holds)

    def at(now: float) -> State:
        facts = SessionFacts(
            judgement=HELD if occupied else None,
            occupation=chain,
            run=run,
            rotation=rotation_of(run, CHAIN, chain, now, version=Version(2026, 5, 28)),
            budget=Budget(60.0, "idle timeout"),
            lock_scope=LockScope.CALLS,
        )
        return assess(facts, now).state

    assert at(184.0) is State.STUCK
    assert at(192.0) is State.STUCK
    assert at(220.0) is (State.RUNNING if occupied else State.FAILED)


@pytest.mark.parametrize("freed_at", [None, 182.2])
def test_the_lock_of_the_last_attempt_is_no_new_run_until_it_is_let_go_of(freed_at):
    """Seen on 2026.3.13: for the 80 ms from the last timeout to its decision the session was running, and stuck again."""
    told = [RunTimeout(at, "r1", "s1", 60_000) for at in (60.0, 121.0, 182.0)]
    run = fold_all(RunBook(), told).runs["r1"]
    holds = (Hold("h1", 1, 61.0, 121.0), Hold("h2", 1, 122.0, freed_at))
    chain = Occupation(PATH, 0.0, 2, holds)

    def at(now: float) -> State:
        facts = SessionFacts(
            judgement=HELD if freed_at is None else None,
            occupation=chain,
            run=run,
            rotation=rotation_of(run, CHAIN, chain, now, version=Version(2026, 3, 13)),
            budget=Budget(60.0, "idle timeout"),
        )
        return assess(facts, now).state

    assert at(182.5) is (State.STUCK if freed_at is None else State.FAILED)
    assert at(220.0) is (State.RUNNING if freed_at is None else State.FAILED)


@pytest.mark.parametrize("hung", [True, False])
def test_an_attempt_that_hung_and_then_lost_its_lock_ran_into_a_timeout(hung):
    """Seen on 2026.5.28: `file lock stale` at the end of the second hang took the second timeout away, and stuck with it."""
    lock = LockTimeout(PATH, None, how="file lock stale")
    told: list[Event] = [decision(60.0, "rotate_profile", "a")]
    told += [PromptError(121.0, "r1", "s1", error="timed out", by_trajectory=True)] if hung else []
    told.append(
        ModelFallbackDecision(
            122.0, "r1", "candidate_failed", 1, 2, next_candidate="cygnus/small", lock_timeout=lock
        )
    )
    run = fold_all(RunBook(), told).runs["r1"]
    assert [attempt.reason for attempt in run.attempts] == ["timeout", "timeout" if hung else "lock"]
    assert run.lock_timeouts == (lock,)
    assert run.attempts[1].by_timeout is hung


def test_an_idle_timeout_that_only_the_transcript_tells_is_no_end_of_the_runs_time():
    """Seen on 2026.7.35, where an attempt that runs into the run timeout is the last: the decision came 7 s later."""
    book = fold_all(RunBook(), [PromptError(60.0, "r1", "s1", error="LLM idle timeout (8s)")])
    rotation = rotation_of(book.runs["r1"], CHAIN, None, 61.0, version=Version(2026, 7, 35))
    assert rotation.total == 3
    facts = SessionFacts(run=book.runs["r1"], rotation=rotation, lock_scope=LockScope.CALLS)
    assert assess(facts, 61.0).state is State.ROTATING


@pytest.mark.parametrize(
    ("scope", "state"), [(LockScope.WRITES, State.STUCK), (LockScope.ATTEMPT, State.ROTATING)]
)
def test_an_attempt_that_took_long_to_prepare_follows_the_one_before_it_all_the_same(scope, state):
    """Seen on a busy 2026.5.18: 85 s from the first timeout to the second attempt, told when the trajectory was written."""
    told = [
        PromptError(60.0, "r1", "s1", error="timed out"),
        AttemptStarted(145.0, "r1", "s1"),
        PromptError(155.0, "r1", "s1", error="timed out"),
        AttemptStarted(156.0, "r1", "s1"),
    ]
    run = fold_all(RunBook(), told).runs["r1"]
    rotation = rotation_of(run, CHAIN, None, 160.0)
    facts = SessionFacts(
        run=run, rotation=rotation, lock_scope=scope, budget=Budget(8.0, "idle timeout"), gateway_alive=True
    )
    assert assess(facts, 160.0).state is state
