"""The whole ladder on a simulated gateway: real lock files, real sockets, the pitfalls of 2026.4.5."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from watchfiles import watch

from lockdeck.backend.actions.cancel.cancel import cancel, cancel_many
from lockdeck.backend.actions.cancel.context import CancelLimits, CancelTools
from lockdeck.backend.actions.cancel.ladder import ABORT, RESET, RESTART, STOP, rung
from lockdeck.backend.actions.cancel.plan import plan_cancel
from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.fleet import RootView, SessionView, State
from lockdeck.backend.openclaw.gateway import client as gateway_module
from lockdeck.backend.openclaw.log.place import named_log
from lockdeck.backend.simulate import lockfile, rpc, store
from lockdeck.backend.simulate.attempt import Abort, held
from lockdeck.backend.simulate.cast import TOKEN, Session
from lockdeck.backend.simulate.gateway import _take_gateway_lock
from lockdeck.backend.simulate.home import Home, furnish
from lockdeck.backend.simulate.log import Log
from lockdeck.backend.simulate.rpc_methods import SessionMethods
from lockdeck.backend.simulate.runs import Runs
from lockdeck.backend.simulate.tempo import Tempo
from lockdeck.backend.simulate.world import World

ATTEMPT = 1.5
QUICK = CancelLimits(
    ripe=0.1, gap=3.0, free=0.3, quiet=0.4, quiet_blind=0.8, brief=0.15, wind_up=0.6, poll=0.005
)
PATIENCE = 30.0


class Stage:
    """A gateway in this very process: its provider hangs, and its runs start when a test says so."""

    def __init__(self, folder: Path, version: str, manners: dict[str, Any]) -> None:
        self.home = Home(folder.resolve())
        self.server = socket.socket()
        self.server.bind(("127.0.0.1", 0))
        furnish(self.home, self.server.getsockname()[1], ATTEMPT)
        self.lock = _take_gateway_lock(self.home)
        self.world = World(self.home, Tempo(ATTEMPT), Log(self.home.log()))
        self.world.provider.hanging = True
        self.runs = Runs(self.world)
        self.sessions = {session.key: session for session in store.load_sessions(self.home)}
        told = {"version": version, "protocol": 4 if version > "2026.5" else 3, **manners}
        self.manners = rpc.Manners(**{"token": TOKEN, "state_dir": str(self.home.root), **told})
        self.loop = asyncio.new_event_loop()
        self.serving = self.loop.create_task(self._serve(version))
        self.thread = threading.Thread(target=self._live)
        self.cleaning: asyncio.Task[None] | None = None
        self.server.listen()
        self.thread.start()

    async def _serve(self, version: str) -> None:
        await rpc.serve(self.server, self.manners, SessionMethods(self.world, self.runs, version))

    def _live(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self.loop.run_until_complete(self.serving)

    def begin(self, agent: str, chat: bool = False) -> Session:
        """Start a run and return its session once the lock is written."""
        session = self.sessions[f"agent:{agent}:main"]
        asyncio.run_coroutine_threadsafe(self.runs.run(session, chat), self.loop)
        changes = watch(
            Path(session.lock).parent,
            watch_filter=None,
            yield_on_timeout=True,
            rust_timeout=50,
            debounce=5,
            step=5,
        )
        deadline = time.monotonic() + PATIENCE
        for _ in changes:
            if lockfile.owner(session.lock) is not None:
                return session
            assert time.monotonic() < deadline
        raise AssertionError("the watch ended")

    def stop_directly(self, key: str) -> None:
        """Abort a run from inside the gateway."""
        done: Future[bool] = Future()
        self.loop.call_soon_threadsafe(lambda: done.set_result(self.runs.abort(key, Abort.STOP)))
        done.result(PATIENCE)

    def close(self) -> None:
        def end() -> None:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()

        self.loop.call_soon_threadsafe(end)
        self.thread.join(PATIENCE)
        with contextlib.suppress(asyncio.CancelledError):
            self.loop.run_until_complete(self._drained())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.server.close()
        lockfile.release(str(self.home.gateway_lock), self.lock)

    async def _drained(self) -> None:
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*rest, return_exceptions=True)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(version: str = "2026.4.5", **manners: Any) -> Stage:
        folder = tmp_path / f"home{len(made)}"
        folder.mkdir()
        made.append(Stage(folder, version, manners))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(str(tmp_path / "state" / "journal.jsonl"))


def view_of(home: Home, session: Session, state: State = State.ROTATING) -> SessionView:
    root = str(home.root)
    return SessionView(
        root, session.agent, session.key, session.session_id, state, transcript=session.transcript
    )


def planned(stage: Stage, session: Session, journal: Journal, **more: Any) -> CancelPlan:
    env = {**stage.home.environment(), **more.pop("env", {})}
    logs = more.pop("logs", (named_log(str(stage.home.log())),))
    state = more.pop("state", State.ROTATING)
    root = RootView(str(stage.home.root), "files")
    return plan_cancel(
        view_of(stage.home, session, state),
        root,
        env=env,
        logs=logs,
        folder=journal.folder,
        limits=QUICK,
        **more,
    )


def kinds(journal: Journal) -> list[tuple[str, str | None]]:
    reading = journal.read()
    assert reading.broken_at is None
    return [(entry["kind"], entry.get("rung")) for entry in reading.entries]


def test_a_plan_shows_versions_scopes_holder_and_costs(stage: Callable[..., Stage], journal: Journal) -> None:
    one = stage()
    one.begin("silas")
    plan = planned(one, one.begin("ezra"), journal)
    told = plan.to_json()
    assert (plan.refusal, plan.nothing, told["version"], told["reachedBy"]) == (
        (),
        False,
        "2026.4.5",
        "WebSocket",
    )
    assert set(told["scopes"]) == set(rpc.ALL)
    holder = told["holder"]
    assert (holder["pid"], holder["gateway"], holder["otherSessions"]) == (
        os.getpid(),
        True,
        ["agent:silas:main"],
    )
    assert [rung["name"] for rung in told["rungs"]] == ["stop", "reset", "restart"]
    assert any("agent:silas:main" in loss for loss in told["rungs"][-1]["loses"])
    assert TOKEN not in json.dumps(told) + repr(plan)


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize("with_logs", [True, False])
def test_the_stop_command_ends_runs_of_both_kinds(
    stage: Callable[..., Stage], journal: Journal, chat: bool, with_logs: bool
) -> None:
    one = stage()
    session = one.begin("silas", chat)
    logs = (named_log(str(one.home.log())),) if with_logs else ()
    reported: list[str] = []
    outcome = cancel(
        planned(one, session, journal, logs=logs),
        allow={STOP},
        tools=CancelTools(journal, report=reported.append, limits=QUICK),
    )
    assert (outcome.status, outcome.rung) == ("cancelled", "stop"), outcome.sentences
    assert outcome.free_after_ms is not None
    assert outcome.verified_ms >= QUICK.quiet * 1000
    assert not lockfile.stands(session.lock)
    assert kinds(journal) == [("cancel-begin", "stop"), ("cancel-end", "stop")]
    assert reported == [outcome.sentences[0]]
    assert outcome.sentences[1] == f"{outcome.free_after_ms} ms from key to free session"
    assert TOKEN not in Path(journal.path).read_text() + json.dumps(outcome.to_json())


def with_abort(plan: CancelPlan) -> CancelPlan:
    return replace(plan, rungs=(rung(ABORT, plan.scopes), *plan.rungs))


def test_an_abort_of_a_chat_run_is_told_as_a_rotation_that_went_on(
    stage: Callable[..., Stage], journal: Journal
) -> None:
    one = stage()
    plan = with_abort(planned(one, one.begin("juno", chat=True), journal))
    outcome = cancel(plan, allow={ABORT}, tools=CancelTools(journal, limits=QUICK))
    assert (outcome.status, outcome.next_rung) == ("still-rotating", "stop")
    assert "aborted, but the rotation went on with profile atlas:beta" in outcome.sentences[0]
    assert "status=aborted" in outcome.steps[0].answer, "the gateway itself calls it done"


def test_an_abort_that_does_not_reach_the_run_is_followed_by_the_next_rung(
    stage: Callable[..., Stage], journal: Journal
) -> None:
    one = stage()
    plan = with_abort(planned(one, one.begin("silas"), journal))
    outcome = cancel(plan, allow={ABORT, STOP}, tools=CancelTools(journal, limits=QUICK))
    assert (outcome.status, outcome.rung) == ("cancelled", "stop")
    assert [(step.rung, step.worked) for step in outcome.steps] == [("abort", False), ("stop", True)]
    assert "no-active-run" in outcome.steps[0].answer


def test_a_reset_ends_the_run_and_keeps_the_old_conversation_aside(
    stage: Callable[..., Stage], journal: Journal
) -> None:
    one = stage()
    session = one.begin("ezra")
    outcome = cancel(planned(one, session, journal), allow={RESET}, tools=CancelTools(journal, limits=QUICK))
    assert (outcome.status, outcome.rung) == ("cancelled", "reset")
    assert len(list(Path(session.transcript).parent.glob("*.reset.*"))) == 1


@pytest.mark.parametrize("chat", [False, True])
def test_on_a_later_version_the_abort_is_clean(
    stage: Callable[..., Stage], journal: Journal, chat: bool
) -> None:
    one = stage("2026.7.35")
    plan = planned(one, one.begin("silas", chat), journal)
    assert [rung.name for rung in plan.rungs] == ["abort", "reset", "restart"]
    outcome = cancel(plan, allow={ABORT}, tools=CancelTools(journal, limits=QUICK))
    assert (outcome.status, outcome.rung) == ("cancelled", "abort"), outcome.sentences


@pytest.mark.parametrize("kept_s", [0.4, 5.0])
def test_a_lock_kept_by_the_clean_up_of_an_aborted_run_is_no_rotation(
    stage: Callable[..., Stage], journal: Journal, kept_s: float
) -> None:
    """Seen on 2026.7.35: an ended run takes its lock once more, for 2 s and sometimes for a minute."""
    one = stage("2026.7.35")
    session = one.begin("silas")
    plan = planned(one, session, journal)
    abort = one.runs.abort

    async def clean_up() -> None:
        # At once after the run: on a busy machine a retry comes too late.
        while lockfile.stands(session.lock):  # noqa: ASYNC110 - nothing tells when a file goes
            await asyncio.sleep(0)
        async with held(session.lock, PATIENCE):
            await asyncio.sleep(kept_s)

    def abort_untidily(key: str, how: Abort) -> bool:
        done = abort(key, how)
        one.cleaning = one.loop.create_task(clean_up())
        return done

    one.runs.abort = abort_untidily  # type: ignore[method-assign]
    outcome = cancel(plan, allow={ABORT}, tools=CancelTools(journal, limits=QUICK))
    if kept_s < QUICK.wind_up:
        assert outcome.status == "cancelled", outcome.sentences
        assert (outcome.steps[0].free_after_ms or 0) >= kept_s * 1000
    else:
        assert (outcome.status, outcome.next_rung) == ("failed", "reset"), outcome.sentences
        assert "shows no active run any more" in outcome.sentences[0]


def test_a_run_is_aborted_only_when_its_attempt_has_stood_for_a_moment(
    stage: Callable[..., Stage], journal: Journal
) -> None:
    one = stage("2026.7.35")
    session = one.begin("silas")
    plan = planned(one, session, journal)
    ages: list[float] = []
    abort = one.runs.abort

    def spy(key: str, how: Abort) -> bool:
        ages.append(time.time() - os.stat(session.lock).st_mtime)
        return abort(key, how)

    one.runs.abort = spy  # type: ignore[method-assign]
    outcome = cancel(plan, allow={ABORT}, tools=CancelTools(journal, limits=replace(QUICK, ripe=1.2)))
    assert outcome.status == "cancelled", outcome.sentences
    assert ages[0] >= 1.1  # the file is written a moment after the time it tells


def test_in_a_gap_nothing_is_fired_until_the_lock_is_back(
    stage: Callable[..., Stage], journal: Journal
) -> None:
    one = stage()
    session = one.begin("silas")
    plan = planned(one, session, journal)
    fired_at_a_lock: list[bool] = []
    abort = one.runs.abort

    def spy(key: str, how: Abort) -> bool:
        fired_at_a_lock.append(lockfile.stands(session.lock))
        return abort(key, how)

    one.runs.abort = spy  # type: ignore[method-assign]
    for _ in watch(Path(session.lock).parent, watch_filter=None, rust_timeout=100, debounce=5, step=5):
        if not lockfile.stands(session.lock):
            break
    outcome = cancel(plan, allow={STOP}, tools=CancelTools(journal, limits=QUICK))
    assert (outcome.status, fired_at_a_lock) == ("cancelled", [True]), outcome.sentences


def test_a_stop_command_that_passed_unheard_is_sent_again(
    stage: Callable[..., Stage], journal: Journal
) -> None:
    one = stage()
    plan = planned(one, one.begin("silas"), journal)
    abort, calls = one.runs.abort, []

    def deaf_once(key: str, how: Abort) -> bool:
        calls.append(key)
        if len(calls) == 1:
            # As if it had hit the end of an attempt: the attempt ends, and the next one begins.
            return abort(key, Abort.CHAT)
        return abort(key, how)

    one.runs.abort = deaf_once  # type: ignore[method-assign]
    one.runs.live()[0].chat = True
    # On a busy machine the next attempt begins later than a quiet of 0.4 s.
    outcome = cancel(plan, allow={STOP}, tools=CancelTools(journal, limits=replace(QUICK, quiet=2.0)))
    assert len(calls) > 1
    assert outcome.steps[0].rung == "stop"


def test_a_run_that_ended_by_itself_is_nothing_to_cancel(
    stage: Callable[..., Stage], journal: Journal
) -> None:
    one = stage()
    session = one.begin("silas")
    plan = planned(one, session, journal)
    one.stop_directly(session.key)
    outcome = cancel(plan, allow={STOP}, tools=CancelTools(journal, limits=replace(QUICK, gap=0.5)))
    assert outcome.status == "nothing-to-cancel"
    idle = planned(one, session, journal, state=State.IDLE)
    assert idle.nothing
    assert cancel(idle, allow={STOP}, tools=CancelTools(journal)).status == "nothing-to-cancel"


def test_a_wrong_token_leaves_only_the_restart_and_says_why(
    stage: Callable[..., Stage], journal: Journal
) -> None:
    one = stage()
    env = {"OPENCLAW_GATEWAY_TOKEN": "wrong-and-secret"}
    plan = planned(one, one.begin("silas"), journal, env=env)
    assert [rung.name for rung in plan.rungs] == ["restart"]
    assert "AUTH_TOKEN_MISMATCH" in plan.notes[0]
    outcome = cancel(plan, allow={STOP}, tools=CancelTools(journal, limits=QUICK))
    assert outcome.status == "refused"
    assert any("AUTH_TOKEN_MISMATCH" in sentence for sentence in outcome.sentences)
    assert "wrong-and-secret" not in json.dumps(plan.to_json()) + repr(plan) + Path(journal.path).read_text()


def test_a_gateway_of_another_root_is_not_fired_at(stage: Callable[..., Stage], journal: Journal) -> None:
    one = stage(state_dir="/somewhere/else")
    plan = planned(one, one.begin("silas"), journal)
    assert [rung.name for rung in plan.rungs] == ["restart"]
    assert "serves /somewhere/else" in plan.notes[0]


def test_a_rung_without_its_scope_is_not_tried(stage: Callable[..., Stage], journal: Journal) -> None:
    one = stage(scopes=("operator.read", "operator.write"))
    plan = planned(one, one.begin("silas"), journal)
    assert {rung.name: rung.scopes_missing for rung in plan.rungs}["reset"] == ("operator.admin",)
    outcome = cancel(plan, allow={RESET}, tools=CancelTools(journal, limits=QUICK))
    assert outcome.status == "refused"
    assert "operator.admin" in outcome.sentences[0]


def test_a_gateway_that_stops_answering_fails_in_time_and_the_second_failure_names_the_restart(
    stage: Callable[..., Stage], journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stage()
    plans = [planned(one, one.begin(agent), journal) for agent in ("silas", "ezra")]
    monkeypatch.setattr(gateway_module, "CONNECT_S", 0.2)
    monkeypatch.setattr(gateway_module, "CALL_S", 0.2)
    blocked = threading.Event()
    one.loop.call_soon_threadsafe(blocked.wait, PATIENCE)
    try:
        results = cancel_many(plans, allow={STOP}, tools=CancelTools(journal, limits=QUICK))
    finally:
        blocked.set()
    assert [outcome.status for _, outcome in results] == ["failed", "failed"]
    assert all("did not answer within" in outcome.sentences[0] for _, outcome in results)
    assert "a restart is the honest answer" in results[1][1].sentences[-1]
    assert "honest" not in " ".join(results[0][1].sentences)


def test_another_process_under_the_same_pid_is_left_alone(
    stage: Callable[..., Stage], journal: Journal
) -> None:
    one = stage()
    session = one.begin("silas")
    plan = replace(planned(one, session, journal), holder_ticks=1)
    outcome = cancel(plan, allow={STOP, RESTART}, tools=CancelTools(journal, limits=QUICK))
    assert outcome.status == "refused"
    assert lockfile.stands(session.lock)


def test_a_holder_that_has_ended_meanwhile_is_nothing_to_cancel(
    stage: Callable[..., Stage], journal: Journal
) -> None:
    one = stage()
    session = one.begin("silas")
    plan = replace(planned(one, session, journal), holder_ticks=1)
    one.stop_directly(session.key)
    for _ in watch(Path(session.lock).parent, watch_filter=None, yield_on_timeout=True, rust_timeout=50):
        if not lockfile.stands(session.lock):
            break
    assert cancel(plan, allow={STOP}, tools=CancelTools(journal)).status == "nothing-to-cancel"


def test_what_cannot_be_journaled_is_not_done(
    stage: Callable[..., Stage], journal: Journal, tmp_path: Path
) -> None:
    one = stage()
    session = one.begin("silas")
    plan = planned(one, session, journal)
    blocker = Journal(str(tmp_path / "state" / "folder"))
    (tmp_path / "state" / "folder").mkdir(parents=True)
    outcome = cancel(plan, allow={STOP}, tools=CancelTools(blocker, limits=QUICK))
    assert outcome.status == "failed"
    assert lockfile.stands(session.lock)


def test_a_dead_holder_is_no_case_for_a_cancel(stage: Callable[..., Stage], journal: Journal) -> None:
    one = stage()
    session = one.sessions["agent:ezra:main"]
    with open(session.lock, "w") as file:
        json.dump({"pid": 2**22 + 1, "createdAt": "2026-11-22T10:00:00.000Z", "starttime": 1}, file)
    plan = planned(one, session, journal)
    assert "release the lock instead" in plan.refusal[-1]
    assert cancel(plan, allow={STOP}, tools=CancelTools(journal)).status == "refused"
    assert kinds(journal) == [("cancel-refused", None)]
    os.unlink(session.lock)


def test_a_root_without_lock_files_is_refused_where_the_gateway_shows_no_active_runs(
    stage: Callable[..., Stage], journal: Journal
) -> None:
    one = stage()
    session = one.sessions["agent:ezra:main"]
    root = RootView(str(one.home.root), "sqlite")
    plan = plan_cancel(view_of(one.home, session), root, env=one.home.environment(), folder=journal.folder)
    assert "does not tell" in plan.refusal[0]


def test_a_secret_that_only_openclaw_can_resolve_is_left_to_its_command(
    stage: Callable[..., Stage], journal: Journal, tmp_path: Path
) -> None:
    one = stage()
    session = one.begin("silas")
    config = json.loads(one.home.config.read_text())
    config["gateway"]["auth"]["token"] = {"source": "exec", "provider": "vault", "id": "gateway"}
    one.home.config.write_text(json.dumps(config))
    program = tmp_path / "openclaw"
    program.write_text('#!/bin/sh\necho \'{"runtimeVersion": "2026.4.5", "status": "no-active-run"}\'\n')
    program.chmod(0o755)
    where = {"PATH": f"{tmp_path}:/usr/bin:/bin", "OPENCLAW_STATE_DIR": str(one.home.root)}
    plan = planned(one, session, journal, env=where)
    assert (plan.reached_by, plan.version, plan.scopes) == ("openclaw gateway call", "2026.4.5", None)
    assert [rung.name for rung in plan.rungs] == ["stop", "reset", "restart"]
    outcome = cancel(plan, allow={STOP}, tools=CancelTools(journal, limits=QUICK))
    assert outcome.status == "still-rotating", "the command said something, and the run goes on"
