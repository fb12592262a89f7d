"""The answer about a session: five lines, whatever its state, and never a move that its lock does not allow."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lockdeck.backend.model.fleet import Severity, State
from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom
from lockdeck.backend.model.locks import Judgement, Verdict
from lockdeck.tui.view.answer import Move, answer
from tests.tui import samples

LABELS = ["why", "who", "how long", "waiting", "now"]


def words(option):
    return option.words


def of(agent, rest):
    snapshot = samples.incident()
    return next(s for s in snapshot.sessions if (s.agent, s.key) == (agent, f"agent:{agent}:{rest}"))


def lines(session, incident=None):
    return dict(answer(session, samples.NOW, incident).rows(words))


@pytest.mark.parametrize("make", [samples.incident, samples.quiet, samples.hostile])
def test_every_session_has_five_lines_fit_to_be_shown(make):
    for session in make().sessions:
        rows = list(answer(session, samples.NOW).rows(words))
        assert [label for label, _ in rows] == LABELS
        assert all(text and text.isprintable() for _, text in rows)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("verdict", [*Verdict, None])
def test_no_state_and_no_verdict_is_without_an_answer_and_a_held_lock_is_never_to_be_released(state, verdict):
    lock = None if verdict is None else samples.lock("/r/x.jsonl.lock", verdict)
    found = answer(samples.session("a", "main", state=state, lock=lock), samples.NOW)
    moves = {option.move for option in found.options}
    assert found.headline
    assert found.options
    assert (Move.RELEASE in moves) == (lock is not None and lock.judgement.releasable)
    assert not {Move.RELEASE, Move.CANCEL} <= moves


def test_a_rotation_tells_what_failed_and_what_is_under_way():
    silas = lines(of("silas", "discord:channel:119834421"))
    assert silas["why"] == (
        "3 attempts timed out after 1m 00s each (copilot:work, copilot:home, openai:default); "
        "attempt 4 of 5 is under way (openai:backup, for 7 s so far)"
    )
    assert silas["who"].startswith("pid 396 (openclaw-gateway); it has the lock open, so it is alive")
    assert "at the latest (in 1m 53s)" in silas["how long"]
    assert silas["waiting"].startswith("4 callers refused or waiting, the last 21 s ago")
    assert silas["now"].endswith("never release: a live process holds it")


def test_a_dead_lock_says_who_is_gone_and_may_be_released():
    digest = lines(of("juno", "cron:nightly-digest"))
    assert digest["who"] == "nobody: pid 30211, which took the lock, has ended, and nobody has the file open"
    assert digest["now"] == "release this lock: it is proven that nobody holds it"


def test_a_dead_lock_that_lacks_a_condition_is_not_released():
    dead = of("juno", "cron:nightly-digest")
    judged = replace(dead.lock, judgement=Judgement(Verdict.DEAD, ("gone",), False))
    assert lines(replace(dead, lock=judged))["now"].startswith("do not release: one condition")


def test_a_session_that_shares_its_cause_offers_one_action_for_all():
    silas = of("silas", "discord:channel:119834421")
    members = (silas.identity, ("", "/r", "other"))
    incident = Incident(IncidentKind.PROVIDER, ("copilot",), Symptom.SILENT, 0.0, members=members)
    assert "cancel all 2 that wait for copilot" in lines(silas, incident)["now"]
    assert "cancel all" not in lines(of("main", "main"), incident)["now"]


def test_a_session_at_work_needs_nothing():
    assert lines(samples.session("a", "main", state=State.RUNNING))["now"].startswith(
        "nothing: it is at work"
    )


def test_what_nothing_bounds_is_said_where_it_needs_a_person():
    held = samples.held("a", "main", 60.0)
    stuck = samples.session("a", "main", state=State.STUCK, severity=Severity.CRITICAL, lock=held)
    assert lines(stuck)["how long"] == "taken for 1m 00s so far; nothing that is known bounds it"
