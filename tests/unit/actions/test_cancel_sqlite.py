"""Cancel where no lock file tells: verified by what the gateway shows, whatever the call answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lockdeck.backend.actions.cancel.cancel import cancel
from lockdeck.backend.actions.cancel.context import CancelLimits, CancelTools
from lockdeck.backend.actions.cancel.ladder import ABORT
from lockdeck.backend.actions.cancel.plan import plan_cancel
from lockdeck.backend.actions.cancel.records import CancelOutcome, CancelPlan
from lockdeck.backend.actions.cancel.verify_sqlite import SqliteVerification
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.fleet import RootView, RunHolder, SessionView
from lockdeck.backend.model.runs.events import AttemptStarted
from lockdeck.backend.openclaw.gateway.rows import SessionRow
from lockdeck.backend.simulate.rpc import Manners
from tests.unit.watch.test_feed import KEY, TOKEN, Server, Sessions, lifecycle

LIMITS = CancelLimits(free=0.6, quiet=0.6)
ACTIVE = SessionRow(KEY, "silas", active=True)
OVER = SessionRow(KEY, "silas", active=False, status="killed")


class Abortable(Sessions):
    """A gateway whose `sessions.abort` does what `effect` says."""

    def __init__(self, effect: Callable[[Abortable], None]) -> None:
        super().__init__()
        self.effect = effect
        self.aborts = 0

    def answer(self, method: str, params: Any) -> dict[str, object]:
        if method == "sessions.abort":
            self.aborts += 1
            self.effect(self)
            return {"ok": True, "abortedRunId": "r1", "status": "aborted"}
        return super().answer(method, params)

    def end(self, status: str = "killed") -> None:
        self.rows = [{"key": KEY, "agentId": "silas", "hasActiveRun": False, "status": status}]


@pytest.fixture
def serve() -> Iterator[Callable[[Abortable], Server]]:
    made: list[Server] = []

    def start(sessions: Abortable) -> Server:
        made.append(Server(Manners(TOKEN, "2026.9.6", 4), sessions))
        return made[-1]

    yield start
    for server in made:
        server.down()


def planned(tmp_path: Path, port: int, token: str = TOKEN) -> tuple[CancelPlan, Journal]:
    root = tmp_path / "root"
    root.mkdir(exist_ok=True)
    config = {"gateway": {"port": port, "auth": {"mode": "token", "token": token}}}
    (root / "openclaw.json").write_text(json.dumps(config))
    session = SessionView(
        str(root), "silas", KEY, "s1", holder=RunHolder(None, "r1", "atlas/atlas-large", 1.0, None, 2)
    )
    env = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    plan = plan_cancel(session, RootView(str(root), "sqlite"), env=env, folder=str(tmp_path / "deck"))
    return plan, Journal(str(tmp_path / "deck" / "journal.jsonl"))


def run(tmp_path: Path, server: Server) -> CancelOutcome:
    plan, journal = planned(tmp_path, server.port)
    assert not plan.refusal
    return cancel(plan, allow=[ABORT], tools=CancelTools(journal, limits=LIMITS))


def test_the_plan_names_run_queue_and_rungs(tmp_path, serve):
    plan, _ = planned(tmp_path, serve(Abortable(Abortable.end)).port)
    told = plan.to_json()
    assert (told["allowed"], told["version"], told["runId"], told["queueDepth"]) == (
        True,
        "2026.9.6",
        "r1",
        2,
    )
    assert [rung["name"] for rung in told["rungs"]] == ["abort", "reset"]
    assert TOKEN not in json.dumps(told)


def test_a_run_that_ends_is_cancelled_once_it_has_stayed_away(tmp_path, serve):
    outcome = run(tmp_path, serve(Abortable(Abortable.end)))
    assert (outcome.status, outcome.rung) == ("cancelled", ABORT)
    assert outcome.verified_ms >= 600
    assert "status killed" in outcome.sentences[0]


def test_an_answer_without_effect_is_no_success(tmp_path, serve):
    sessions = Abortable(lambda _sessions: None)
    outcome = run(tmp_path, serve(sessions))
    assert (outcome.status, sessions.aborts) == ("still-rotating", 1)
    assert "still shows an active run" in outcome.sentences[0]


def test_a_queued_message_that_is_answered_next_is_another_run(tmp_path, serve):
    def next_one(sessions: Abortable) -> None:
        sessions.say(lifecycle("end", "r1"), lifecycle("start", "r2"))

    outcome = run(tmp_path, serve(Abortable(next_one)))
    assert outcome.status == "cancelled"
    assert "run r2" in outcome.sentences[0]


def test_a_session_without_an_active_run_has_nothing_to_cancel(tmp_path, serve):
    sessions = Abortable(Abortable.end)
    sessions.end("done")
    plan, journal = planned(tmp_path, serve(sessions).port)
    assert cancel(plan, allow=[ABORT], tools=CancelTools(journal)).status == "nothing-to-cancel"


def test_without_access_it_is_refused_and_says_why(tmp_path, serve):
    plan, journal = planned(tmp_path, serve(Abortable(Abortable.end)).port, "not-the-token")
    outcome = cancel(plan, allow=[ABORT], tools=CancelTools(journal))
    assert outcome.status == "refused"
    assert "refuses the token" in outcome.sentences[0]
    assert "not-the-token" not in json.dumps(outcome.to_json())


def test_the_same_run_coming_back_is_not_cancelled():
    run = SqliteVerification(KEY, 100.0, "r1")
    run.update(OVER, (), 101.0)
    run.update(ACTIVE, (AttemptStarted(102.0, "r1", session_key=KEY),), 102.0)
    assert run.taken_again
    assert run.decided(102.0, 100.5, LIMITS)


def test_what_was_told_before_the_call_counts_for_nothing():
    before = (AttemptStarted(999.0, "r2", session_key=KEY),)
    run = SqliteVerification(KEY, 100.0, "r1", before)
    run.update(ACTIVE, before, 100.1)
    run.update(ACTIVE, (*before, AttemptStarted(1.0, "r2", session_key="agent:other:main")), 101.0)
    assert run.other_run is None
    assert not run.decided(100.2, None, LIMITS)
