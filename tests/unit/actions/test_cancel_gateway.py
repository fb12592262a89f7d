"""The last rung where no lock file tells: a real process is ended, and what follows is seen."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from lockdeck.backend.actions.cancel.cancel import cancel
from lockdeck.backend.actions.cancel.context import CancelLimits, CancelTools
from lockdeck.backend.actions.cancel.ladder import RESTART
from lockdeck.backend.actions.cancel.plan import plan_cancel
from lockdeck.backend.actions.cancel.process.restart import Supervisor, supervisor_in
from lockdeck.backend.actions.cancel.records import CancelOutcome, CancelPlan
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.fleet import RootView, RunHolder, SessionView, State
from lockdeck.backend.model.runs.records import Hold, Occupation
from lockdeck.backend.openclaw.log.place import LogPlace, named_log
from lockdeck.backend.simulate.rpc import Manners
from tests.unit.actions.test_cancel_sqlite import Abortable
from tests.unit.gatewayproc import GatewayProcess, command, lock_path
from tests.unit.watch.test_feed import KEY, TOKEN, Server

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="start times come from /proc")
LIMITS = CancelLimits(free=0.6, quiet=0.3, quiet_blind=0.5, restart=15.0, drain=15.0)
OTHER = "agent:ezra:main"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    (made / "agents").mkdir(parents=True)
    return made


@pytest.fixture
def gateway(root: Path) -> Iterator[Callable[..., GatewayProcess]]:
    made: list[GatewayProcess] = []

    def start(manner: str = "ends") -> GatewayProcess:
        made.append(GatewayProcess(root, manner))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.fixture
def sessions() -> Abortable:
    found = Abortable(lambda _sessions: None)
    found.rows.append({"key": OTHER, "agentId": "ezra", "hasActiveRun": True, "status": "running"})
    return found


@pytest.fixture
def server(sessions: Abortable) -> Iterator[Server]:
    served = Server(Manners(TOKEN, "2026.9.6", 4), sessions)
    yield served
    if not served._loop.is_closed():
        served.down()


def planned(
    root: Path, port: int | None, *, occupied: bool = True, logs: tuple[LogPlace, ...] = ()
) -> CancelPlan:
    auth = {"mode": "token", "token": TOKEN} if port else {"mode": "token"}
    (root / "openclaw.json").write_text(json.dumps({"gateway": {"port": port or 1, "auth": auth}}))
    now = time.time()
    held = Occupation(KEY, now - 60.0, 1, (Hold("r1", None, now - 60.0),)) if occupied else None
    session = SessionView(
        str(root), "silas", KEY, "s1", State.STUCK if occupied else State.UNKNOWN, occupation=held,
        holder=RunHolder(None, "r1", "atlas/atlas-large", now - 60.0),
    )  # fmt: skip
    env = {"HOME": str(root.parent), "TMPDIR": str(root.parent), "PATH": ""}
    view = RootView(str(root), "sqlite", version="2026.9.6")
    return plan_cancel(session, view, env=env, folder=str(root.parent / "deck"), logs=logs)


def ended(
    plan: CancelPlan, root: Path, told: list[str] | None = None, limits: CancelLimits = LIMITS
) -> CancelOutcome:
    journal = Journal(str(root.parent / "deck" / "journal.jsonl"))
    report = (told if told is not None else []).append
    return cancel(plan, allow=[RESTART], tools=CancelTools(journal, limits=limits, report=report))


def restarts(plan: CancelPlan) -> str:
    (last,) = [rung for rung in plan.rungs if rung.name == RESTART]
    return "; ".join((last.does, *last.loses))


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def logged(root: Path, *lines: tuple[float, str, str]) -> str:
    """A log: seconds ago, what is said, under which trace."""
    path, now = root.parent / "openclaw.log", time.time()
    stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - ago)) for ago, _, _ in lines]
    told = [
        {"0": '{"subsystem":"agent/embedded"}', "1": text, "time": stamp, "message": text, "traceId": trace}
        for stamp, (_, text, trace) in zip(stamps, lines, strict=True)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in told))
    return str(path)


def again(trace: str, ago: float = 5.0) -> tuple[float, str, str]:
    return ago, "transient same-model retry 1/8 for atlas/atlas-large reason=timeout: delayMs=1000", trace


def test_the_last_rung_names_the_sessions_whose_runs_end_with_it(root, server, gateway):
    process = gateway()
    plan = planned(root, server.port)
    assert [rung.name for rung in plan.rungs] == ["abort", "reset", "restart"]
    assert (plan.pid, plan.rungs[-1].danger) == (process.pid, "restart")
    assert "the runs of 1 other session: agent:ezra:main" in restarts(plan)
    assert "up to 315 s" in restarts(plan)
    assert "no supervisor" in restarts(plan)


def test_more_sessions_than_are_told_are_a_doubt(root, server, sessions, gateway):
    gateway()
    sessions.rows += [{"key": f"agent:a:{n}", "hasActiveRun": False} for n in range(500)]
    assert "more may end with it: only the 500 sessions used last" in restarts(planned(root, server.port))


def test_without_access_a_process_can_still_be_ended_and_the_log_counts(root, gateway):
    gateway()
    log = logged(root, again("t1", -1.0), again("t2", -1.0), again("t3", 4000.0))
    plan = planned(root, None, logs=(named_log(log),))
    assert [rung.name for rung in plan.rungs] == ["restart"]
    assert "the runs of 2 other sessions: a run that names no session" in restarts(plan)
    assert "can't be known without access" in restarts(plan)
    assert any("OPENCLAW_GATEWAY_TOKEN" in note for note in plan.notes)


def test_without_access_and_log_the_count_is_not_known_and_that_is_said(root, gateway):
    gateway()
    assert "can't be known: neither access nor a log tells" in restarts(planned(root, None))


def test_where_nothing_tells_of_a_run_nothing_is_ended(root, gateway):
    gateway()
    plan = planned(root, None, occupied=False)
    assert plan.rungs == ()
    assert "nothing else tells of a run" in plan.refusal[-1]


def test_a_gateway_that_is_no_more_leaves_nothing_to_cancel(root, gateway):
    gateway().process.kill()
    psutil.Process(gateway_pid(root)).wait(15)
    plan = planned(root, None)
    assert plan.nothing
    assert "the gateway is gone" in plan.notes[-1]


def gateway_pid(root: Path) -> int:
    return int(json.loads(lock_path(root).read_text())["pid"])


def test_a_process_that_is_not_the_one_in_the_lock_gets_no_signal(root, gateway):
    path = lock_path(root)
    process = gateway()
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "startTime": told["startTime"] + 1}))
    plan = planned(root, None)
    assert plan.rungs == ()
    assert any("not the process that wrote the lock" in reason for reason in plan.refusal)
    assert not gone(process.pid)


def test_a_root_without_a_gateway_lock_has_no_last_rung(root, server):
    plan = planned(root, server.port)
    assert [rung.name for rung in plan.rungs] == ["abort", "reset"]
    assert "no lock names the gateway of this root" in plan.notes


def test_sigterm_ends_the_gateway_and_nobody_comes(root, server, gateway):
    process = gateway()
    told: list[str] = []
    plan = planned(root, server.port)
    server.down()
    outcome = ended(plan, root, told)
    assert (outcome.status, outcome.rung) == ("cancelled", RESTART), outcome.sentences
    assert gone(process.pid)
    assert "no gateway serves this root until one is started" in outcome.sentences[0]
    assert "up to 315 s" in told[0], "the wait is announced"


def test_a_gateway_that_lets_its_runs_go_on_is_told_as_it_is(root, gateway):
    process = gateway("drains")
    outcome = ended(planned(root, None), root, limits=CancelLimits(drain=0.3))
    assert outcome.status == "still-rotating"
    assert "still runs after" in outcome.sentences[0]
    assert not gone(process.pid), "nothing stronger than SIGTERM is sent"


def test_a_gateway_replaced_since_the_plan_is_left_alone(root, gateway):
    first = gateway()
    plan = planned(root, None)
    first.close()
    second = gateway()
    outcome = ended(plan, root)
    assert outcome.status == "refused"
    assert not gone(second.pid)


@pytest.fixture
def supervised(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], list[int]]]:
    """A supervisor that ends the gateway; `after` says whether it starts another one."""
    started: list[int] = []

    def make(after: str) -> list[int]:
        script = tmp_path / "supervisor"
        pid_file = tmp_path / "started"
        start = f"{shlex.join(command(root, 'alone'))} < /dev/null > /dev/null 2>&1 &\necho $! > {pid_file}\n"
        wait = f"while [ -e {shlex.quote(str(lock_path(root)))} ]; do :; done\n"
        begin = f"#!/bin/sh\nkill -TERM {gateway_pid(root)}\n{wait}"
        script.write_text(begin + (start if after == "comes back" else ""))
        script.chmod(0o755)
        found = Supervisor("systemd", (str(script),))
        for module in ("end_sqlite", "plan_sqlite"):
            monkeypatch.setattr(
                f"lockdeck.backend.actions.cancel.{module}.find_supervisor", lambda _pid, _stop_s: found
            )
        return started

    yield make
    for line in (tmp_path / "started").read_text().split() if (tmp_path / "started").exists() else ():
        psutil.Process(int(line)).kill()


def test_a_new_gateway_that_shows_no_run_is_proof(root, server, sessions, gateway, supervised):
    old = gateway()
    supervised("comes back")
    plan = planned(root, server.port)
    assert "supervisor`; it takes no more calls then" in restarts(plan)
    sessions.end()
    outcome = ended(plan, root)
    assert outcome.status == "cancelled", outcome.sentences
    assert "has shown no run of the session for 0.5 s" in outcome.sentences[0]
    assert gateway_pid(root) != old.pid


def test_a_run_that_the_new_gateway_begins_again_is_no_success(root, server, gateway, supervised):
    gateway()
    supervised("comes back")
    outcome = ended(planned(root, server.port), root)
    assert outcome.status == "still-rotating"
    assert "shows an active run of the session" in outcome.sentences[0]


def test_without_access_it_is_not_claimed_that_the_new_gateway_is_quiet(root, gateway, supervised):
    gateway()
    supervised("comes back")
    outcome = ended(planned(root, None), root)
    assert outcome.status == "failed"
    assert "whether it runs the session can't be seen" in outcome.sentences[0]


def test_a_supervisor_that_starts_nothing_is_told(root, gateway, supervised):
    gateway()
    supervised("stays away")
    outcome = ended(planned(root, None), root, limits=CancelLimits(restart=0.5))
    assert outcome.status == "failed"
    assert "no gateway came up within" in outcome.sentences[0]


def test_a_container_is_given_the_time_that_the_gateway_takes(monkeypatch):
    monkeypatch.setattr(
        "lockdeck.backend.actions.cancel.process.restart.shutil.which", lambda name: f"/bin/{name}"
    )
    found = supervisor_in(f"0::/system.slice/docker-{'ab' * 32}.scope\n", 1000, 330)
    assert found is not None
    assert found.command == f"/bin/docker restart --time=330 {'ab' * 32}"
