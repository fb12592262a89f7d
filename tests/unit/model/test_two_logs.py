"""The JSON log of a gateway and what its console shows of it tell, read together, what the JSON log tells alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.runs.events import Event, FailoverDecision, ModelFallbackDecision, RunTimeout
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.run import Run, all_lives
from lockdeck.backend.model.runs.sorted_facts import insert, is_record
from lockdeck.backend.openclaw.log.stream import parse_line
from lockdeck.backend.watch.logs.replay import replay
from tests.folders import LIVE_RECORDINGS, RECORDINGS
from tests.unit.openclaw.wrappers import WRAPS, Line, console, lines_of, rendered, undated

LOGS = [*sorted(RECORDINGS.glob("*/gateway.log")), *sorted(LIVE_RECORDINGS.glob("*.log"))]


def name_of(log: Path) -> str:
    return log.parent.name if log.name == "gateway.log" else log.stem


def later(lines: list[Line], ms: int) -> list[Line]:
    moved = timedelta(milliseconds=ms)
    return [Line(x.at + moved, x.raw, x.level, x.subsystem, x.message, x.meta) for x in lines]


def dated_by_docker(lines: list[Line], ms: int) -> bytes:
    stamp = WRAPS["docker logs -t"]
    texts = (stamp(moved, undated(line)) for line, moved in zip(lines, later(lines, ms), strict=True))
    return "".join(f"{text}\n" for text in texts).encode()


def shuffled(lines: list[Line]) -> bytes:
    mixed = list(lines)
    random.Random(7).shuffle(mixed)
    return rendered(mixed, console)


CONSOLES: dict[str, Callable[[list[Line]], bytes]] = {
    "console": lambda lines: rendered(lines, console),
    "console, 2 ms later": lambda lines: rendered(later(lines, 2), console),
    "docker -t, 2 ms later": lambda lines: dated_by_docker(lines, 2),
    "docker -t, 1.9 s later": lambda lines: dated_by_docker(lines, 1900),
    "docker -t of dated lines": lambda lines: rendered(lines, console, WRAPS["docker logs -t"]),
    "shuffled": shuffled,
}


def told(*logs: Path) -> list[object]:
    history = replay([str(log) for log in logs])
    runs = [
        (
            p.run.run_id,
            p.session_key,
            p.run.outcome,
            p.run.ended_at,
            p.run.attempts,
            p.run.decisions,
            p.run.candidates,
            p.run.lock_timeouts,
        )
        for p in history.runs
    ]
    return [*runs, *((o.run_id, o.session_key, o.since, o.until, o.attempts) for o in history.occupations)]


@pytest.mark.parametrize("form", CONSOLES)
@pytest.mark.parametrize("log", LOGS, ids=name_of)
def test_a_log_and_its_console_tell_the_runs_attempts_and_decisions_of_the_log(
    tmp_path: Path, log: Path, form: str
):
    alone = told(log)
    shown, whole = tmp_path / "console.log", tmp_path / "both.log"
    shown.write_bytes(CONSOLES[form](lines_of(log)))
    whole.write_bytes(log.read_bytes() + shown.read_bytes())
    assert told(log, shown) == alone
    assert told(shown, log) == alone
    assert told(whole) == alone


def pairs() -> list[tuple[Event, Event]]:
    """Every event that the recordings tell in both forms."""
    both = [
        (parse_line(line.raw.encode()), parse_line(console(line).encode()))
        for log in LOGS
        for line in lines_of(log)
    ]
    return [(r, w) for r, w in both if isinstance(r, Event) and isinstance(w, Event)]


KINDS = sorted({type(record).__name__ for record, _ in pairs()})


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_and_its_words_are_one_fact_in_either_order(kind: str):
    apart = 0
    for record, words in pairs():
        if type(record).__name__ != kind or (kind == "RotationCap" and record.trace_id is None):
            continue
        apart += record != words
        for order in ((record, words), (words, record), (words, record, words)):
            facts: list[Event] = []
            for event in order:
                insert(facts, event)
            assert facts == [record] or facts == [words] == [record]
    assert apart or kind not in {"FailoverDecision", "ModelFallbackDecision"}


@pytest.mark.parametrize("form", [None, console], ids=["records", "console"])
@pytest.mark.parametrize("log", LOGS, ids=name_of)
def test_no_fact_of_a_single_log_is_left_out(log: Path, form: Callable[[Line], str] | None):
    texts = [line.raw if form is None else form(line) for line in lines_of(log)]
    events = [event for text in texts if isinstance(event := parse_line(text.encode()), Event)]
    facts: list[Event] = []
    for event in events:
        insert(facts, event)
    assert sorted(map(repr, facts)) == sorted({repr(event) for event in events})


def record(at: float, attempt: int, candidate: str = "atlas/large") -> ModelFallbackDecision:
    return ModelFallbackDecision(
        at, "r1", "candidate_failed", attempt, 3, candidate=candidate, reason="timeout"
    )


def words(at: float, candidate: str = "atlas/large") -> ModelFallbackDecision:
    return ModelFallbackDecision(at, "r1", "candidate_failed", candidate=candidate, reason="timeout")


def run_of(events: list[Event]) -> Run:
    (run,) = fold_all(RunBook(), events).runs.values()
    return run


@pytest.mark.parametrize(("apart_s", "facts"), [(0.002, 1), (-0.9, 1), (2.0, 1), (2.1, 2), (60.0, 2)])
def test_words_are_those_of_a_record_within_two_seconds_only(apart_s: float, facts: int):
    assert len(run_of([record(100.0, 1), words(100.0 + apart_s)]).facts) == facts


def test_two_candidates_that_fail_at_once_stay_two():
    both = [record(1.0, 1), words(1.002), record(1.01, 2, "cygnus/small"), words(1.012, "cygnus/small")]
    assert [line.attempt for line in run_of(both).candidates] == [1, 2]
    assert len(run_of([record(1.0, 1), words(1.01, "cygnus/small")]).candidates) == 2


def test_two_stages_of_one_decision_stay_two_facts():
    whole = FailoverDecision(1.0, "r1", "prompt", "rotate_profile", "timeout", fallback_configured=True)
    assert (
        len(run_of([whole, FailoverDecision(1.0, "r1", "assistant", "rotate_profile", "timeout")]).facts) == 2
    )


def test_a_timeout_told_again_after_the_end_of_a_run_begins_no_new_one():
    done = record(60.01, 3)
    events: list[Event] = [RunTimeout(60.0, "r1", "s", 60_000), done, RunTimeout(61.9, "r1", "s", 60_000)]
    assert [len(life.attempts) for life in all_lives(run_of(events))] == [1]
    again = RunTimeout(121.0, "r1", "s", 60_000)
    assert len(all_lives(run_of([*events, again]))) == 2


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3), st.sampled_from(["a/x", "b/y"])), max_size=14),
    st.randoms(use_true_random=False),
)
def test_neither_order_nor_batches_change_which_tellings_stay(marks, order):
    events: list[Event] = [
        words(at / 4, name) if attempt == 0 else record(at / 4, attempt, name) for at, attempt, name in marks
    ]
    expected = fold_all(RunBook(), events)
    mixed = list(events)
    order.shuffle(mixed)
    cut = order.randint(0, len(mixed))
    assert fold_all(fold_all(RunBook(), mixed[:cut]), mixed[cut:]).runs == expected.runs
    for run in expected.runs.values():
        kept = [fact for fact in run.facts if is_record(fact)]
        assert {repr(fact) for fact in kept} == {repr(event) for event in events if is_record(event)}


def test_parts_of_one_log_are_no_two_tellings_although_its_retries_look_alike(tmp_path: Path):
    lines = (RECORDINGS / "2026.9.1-error500" / "gateway.log").read_bytes().splitlines(keepends=True)
    (tmp_path / "a.txt").write_bytes(b"".join(lines[:17]))
    (tmp_path / "b.txt").write_bytes(b"".join(lines[17:40]))
    (tmp_path / "c.txt").write_bytes(b"".join(lines[40:]))
    assert replay([str(tmp_path / name) for name in ("b.txt", "a.txt", "c.txt")]).problems == ()
