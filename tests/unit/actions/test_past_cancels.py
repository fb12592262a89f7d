"""The cancels that the journal tells of, for the rows of their sessions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockdeck.backend.actions.cancel.records import NOTHING, Step
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.past_cancels import NEWEST_BYTES, PastCancels
from lockdeck.backend.model.cancel import OURS, Cancel

ROOT, KEY = "/srv/claw/.openclaw", "agent:neo:main"


@pytest.fixture
def journal(tmp_path):
    return Journal(str(tmp_path / "state" / "journal.jsonl"), lambda: 1000.0)


def end(journal, outcome, key=KEY, **more):
    told = {"key": key, "root": ROOT, "user": "alice", "runId": "r1", "rung": "abort", **more}
    journal.append("cancel-end", **told, outcome=outcome)


WORKED = Step("abort", worked=True, sentence="over").to_json()
ANSWERED = Step("abort", worked=False, sentence="it went on", answer="ok").to_json()


def test_a_cancel_that_worked_is_told_with_who_did_it_when_and_to_which_run(journal):
    end(journal, WORKED)
    cancels = PastCancels(journal.path)
    assert cancels.by_session() == {(ROOT, KEY): Cancel(1000.0, OURS, "alice", "abort", "r1")}
    assert set(cancels.by_run()) == {"r1"}


@pytest.mark.parametrize("outcomes", [(ANSWERED,), (NOTHING,), ({},), (None,), ([1],)])
def test_what_did_not_work_or_had_nothing_to_end_is_no_cancel(journal, outcomes):
    for outcome in outcomes:
        end(journal, outcome)
    assert PastCancels(journal.path).by_session() == {}


def test_a_cancel_is_under_way_from_the_begin_of_a_rung_to_its_end(journal):
    cancels = PastCancels(journal.path)
    end(journal, WORKED, runId="r0")
    for rung in ("abort", "reset"):
        journal.append("cancel-begin", key=KEY, root=ROOT, user="alice", runId="r1", rung=rung)
        begun = Cancel(1000.0, OURS, "alice", rung, "r1", under_way=True)
        assert cancels.by_session() == {(ROOT, KEY): begun}
        assert set(cancels.by_run()) == {"r0"}
        end(journal, ANSWERED, rung=rung)
        assert not cancels.by_session()[ROOT, KEY].under_way


def test_a_run_that_is_over_soon_after_an_answered_call_was_ended_by_it(journal):
    end(journal, ANSWERED)
    end(journal, NOTHING, rung="reset")
    assert PastCancels(journal.path).by_session()[ROOT, KEY].rung == "reset"


def test_the_journal_is_read_on_as_it_grows_and_anew_when_it_is_another(journal):
    cancels = PastCancels(journal.path)
    assert cancels.by_session() == {}
    end(journal, WORKED)
    assert set(cancels.by_session()) == {(ROOT, KEY)}
    end(journal, WORKED, key="agent:ezra:main")
    assert set(cancels.by_session()) == {(ROOT, KEY), (ROOT, "agent:ezra:main")}
    os.rename(journal.path, f"{journal.path}.old")
    assert cancels.by_session() == {}
    end(journal, WORKED, key="agent:juno:main")
    assert set(cancels.by_session()) == {(ROOT, "agent:juno:main")}


def test_a_line_that_is_half_written_is_read_when_it_is_whole(journal):
    end(journal, WORKED)
    line = Path(journal.path).read_bytes()
    os.truncate(journal.path, len(line) // 2)
    cancels = PastCancels(journal.path)
    assert cancels.by_session() == {}
    with open(journal.path, "ab") as file:
        file.write(line[len(line) // 2 :])
    assert set(cancels.by_session()) == {(ROOT, KEY)}


def test_a_long_line_and_a_long_past_are_passed_over_in_bounded_reading(journal):
    end(journal, WORKED, key="agent:old:main")
    with open(journal.path, "ab") as file:
        file.write(b"x" * (3 * NEWEST_BYTES))
    cancels = PastCancels(journal.path)
    cancels.by_session()
    with open(journal.path, "ab") as file:
        file.write(b"\n")
    end(journal, WORKED)
    for _ in range(5):
        cancels.by_session()
    assert set(cancels.by_session()) == {(ROOT, KEY)}


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_journal_that_others_may_write_tells_nothing(journal, mode):
    """Else they could take a failure off a row."""
    end(journal, WORKED)
    os.chmod(journal.path, mode)
    assert PastCancels(journal.path).by_session() == {}


def test_words_of_a_journal_are_made_safe(journal):
    end(journal, WORKED, user="al\x1b[31mice")
    assert "\x1b" not in (PastCancels(journal.path).by_session()[ROOT, KEY].user or "")
