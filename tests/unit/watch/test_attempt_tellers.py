"""Log, transcript and trajectory tell of the same attempts, each when it gets to it: recorded on a busy 2026.5.18."""

from __future__ import annotations

import shutil
from itertools import permutations

import pytest
from msgspec.structs import replace

from lockdeck.backend.model.runs.events import AttemptStarted, Event, FailoverDecision, PromptError
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.life import RunOutcome
from lockdeck.backend.model.runs.run import Run
from lockdeck.backend.openclaw.transcript import transcript_tail
from lockdeck.backend.watch.progress import Progress
from tests.folders import RECORDINGS
from tests.reading import read_events

RECORDING = RECORDINGS / "2026.5.18-hang-busy"
RUN = "8112fe6a-27a2-485a-8c8a-5051d1a927e5"


@pytest.fixture
def told(tmp_path) -> dict[str, list[Event]]:
    """What each teller says of the run, by its name."""
    shutil.copy(RECORDING / "transcript.jsonl", tmp_path / "s1.jsonl")
    shutil.copy(RECORDING / "trajectory.jsonl", tmp_path / "s1.trajectory.jsonl")
    events = Progress().news_of(str(tmp_path / "s1.jsonl"), 0.0)
    transcript = [e for e in events if isinstance(e, PromptError) and not e.by_trajectory]
    return {
        "log": list(read_events(RECORDING / "gateway.log")),
        "transcript": transcript,
        "trajectory": [event for event in events if event not in transcript],
    }


def run_of(*events: list[Event]) -> Run:
    book = RunBook()
    for some in events:
        book = fold_all(book, some)
    return book.runs[RUN]


def test_an_attempt_is_counted_once_whoever_tells_it_and_however_late(told):
    alone = run_of(told["log"])
    assert [attempt.decision for attempt in alone.attempts[:4]] == ["rotate_profile", "fallback_model"] * 2
    for tellers in permutations(told.values()):
        run = run_of(*tellers)
        assert [a.decision for a in run.attempts[:4]] == [a.decision for a in alone.attempts[:4]]
        assert run.timeouts == 4


def test_without_the_log_transcript_and_trajectory_tell_the_same_attempts(told):
    run = run_of(told["trajectory"], told["transcript"])
    assert (run.timeouts, len(run.attempts), run.outcome) == (4, 4, RunOutcome.OK)
    assert run_of(told["transcript"]).timeouts == 4


def test_between_its_two_tellings_an_attempt_is_not_two(told):
    """The transcript told the first timeout 22 s before trajectory and log did."""
    first = next(event for event in told["log"] if isinstance(event, FailoverDecision))
    until = [event for teller in told.values() for event in teller if event.at <= first.at]
    assert len(run_of(until).attempts) == 1
    before = [event for event in until if event.at < first.at and not isinstance(event, FailoverDecision)]
    assert (
        len(run_of([e for e in before if not (isinstance(e, PromptError) and e.by_trajectory)]).attempts) == 1
    )


def test_the_trajectory_tells_that_an_attempt_goes_on(told):
    starts = [event for event in told["trajectory"] if isinstance(event, AttemptStarted)]
    assert (len(starts), starts[0].session_id) == (5, "3d23ce44-9818-406b-be0c-98f85894d68d")
    assert all(start.session_key is None for start in starts), "two roots may have a session of one key"
    run = run_of([event for event in told["trajectory"] if event.at <= starts[1].at])
    assert run.opened == starts[1]
    assert run.ended_at is None


def test_what_a_failed_attempt_leaves_in_the_transcript_is_no_answer(tmp_path):
    lines = (RECORDING / "transcript.jsonl").read_text().splitlines(keepends=True)
    path = tmp_path / "s1.jsonl"
    path.write_text("".join(lines[:-1]))
    cut_off = transcript_tail(str(path))
    assert cut_off.last_entry_at is not None
    assert cut_off.answered_at is None
    path.write_text("".join(lines))
    assert transcript_tail(str(path)).answered_at == transcript_tail(str(path)).last_entry_at


def test_the_end_of_a_model_call_and_of_its_session_are_one_end(told):
    """A look between the two lines keeps both: the trajectory is written late, but each line has its own time."""
    end = next(event for event in told["trajectory"] if isinstance(event, PromptError))
    earlier = replace(end, at=end.at - 0.01)
    until = [event for teller in told.values() for event in teller if event.at <= end.at]
    assert len(run_of([*until, earlier]).attempts) == 1
