"""A session that lets nobody in although nothing runs in it: reset and restart are offered, and proven."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lockdeck.backend.actions.cancel.cancel import cancel
from lockdeck.backend.actions.cancel.context import CancelLimits, CancelTools
from lockdeck.backend.actions.cancel.ladder import RESET
from lockdeck.backend.actions.cancel.plan import plan_cancel
from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.fleet import RootView, SessionView, State
from lockdeck.backend.simulate.rpc import Manners
from tests.unit.watch.test_feed import KEY, TOKEN, Server, Sessions

LIMITS = CancelLimits(free=0.6, quiet=0.6)


class LeftOver(Sessions):
    """A gateway with a claim that nobody holds. `heals`: a reset drops it."""

    def __init__(self, *, heals: bool, active: bool = False) -> None:
        super().__init__()
        self.heals, self.resets = heals, 0
        self.show("s1", active=active)

    def show(self, session_id: str, *, active: bool = False) -> None:
        """Show the session's row."""
        self.rows = [{"key": KEY, "agentId": "silas", "sessionId": session_id, "hasActiveRun": active}]

    def answer(self, method: str, params: Any) -> dict[str, object]:
        if method != "sessions.reset":
            return super().answer(method, params)
        self.resets += 1
        if self.heals:
            self.show("s2")
        return {"ok": True, "key": KEY}


@pytest.fixture
def serve() -> Iterator[Callable[[LeftOver], Server]]:
    made: list[Server] = []

    def start(sessions: LeftOver) -> Server:
        made.append(Server(Manners(TOKEN, "2026.9.6", 4), sessions))
        return made[-1]

    yield start
    for server in made:
        server.down()


def planned(tmp_path: Path, port: int, state: State = State.STUCK, era: str = "sqlite") -> CancelPlan:
    root = tmp_path / "root"
    root.mkdir(exist_ok=True)
    config = {"gateway": {"port": port, "auth": {"mode": "token", "token": TOKEN}}}
    (root / "openclaw.json").write_text(json.dumps(config))
    session = SessionView(str(root), "silas", KEY, "s1", state)
    env = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    return plan_cancel(session, RootView(str(root), era), env=env, folder=str(tmp_path / "deck"))


@pytest.mark.parametrize("era", ["sqlite", "files"])
def test_a_reset_is_offered_with_what_it_loses(tmp_path, serve, era):
    plan = planned(tmp_path, serve(LeftOver(heals=True)).port, era=era)
    assert [rung.name for rung in plan.rungs] == [RESET]
    assert plan.notes[0].startswith("no run has this session, and it lets nobody in")
    assert not any("reply" in loss for loss in plan.rungs[0].loses), "nothing is being replied to"
    assert any("the conversation so far" in loss for loss in plan.rungs[0].loses)


def test_a_session_that_only_rests_is_offered_nothing(tmp_path, serve):
    plan = planned(tmp_path, serve(LeftOver(heals=True)).port, State.IDLE)
    assert (plan.nothing, plan.rungs) == (True, ())


def test_where_a_run_has_it_by_now_that_run_is_what_can_be_ended(tmp_path, serve):
    plan = planned(tmp_path, serve(LeftOver(heals=True, active=True)).port)
    assert [rung.name for rung in plan.rungs] == ["abort", RESET]
    assert not plan.left_over


def tried(tmp_path: Path, plan: CancelPlan):
    journal = Journal(str(tmp_path / "deck" / "journal.jsonl"))
    return cancel(plan, allow=[RESET], tools=CancelTools(journal, limits=LIMITS))


def test_a_reset_has_worked_when_the_gateway_shows_another_session_id(tmp_path, serve):
    sessions = LeftOver(heals=True)
    outcome = tried(tmp_path, planned(tmp_path, serve(sessions).port))
    assert (outcome.status, outcome.rung, sessions.resets) == ("cancelled", RESET, 1)
    assert "the session begins anew as s2" in outcome.sentences[0]


def test_an_answer_alone_is_no_success_and_nothing_is_called_twice(tmp_path, serve):
    sessions = LeftOver(heals=False)
    outcome = tried(tmp_path, planned(tmp_path, serve(sessions).port))
    assert (outcome.status, sessions.resets) == ("failed", 1)
    assert "shows the session as it was" in outcome.sentences[0]


def test_a_run_that_began_after_the_plan_is_not_reset(tmp_path, serve):
    sessions = LeftOver(heals=True)
    plan = planned(tmp_path, serve(sessions).port)
    sessions.show("s1", active=True)
    outcome = tried(tmp_path, plan)
    assert (outcome.status, sessions.resets) == ("failed", 0)
    assert "a run has the session by now: plan again" in outcome.sentences[0]
