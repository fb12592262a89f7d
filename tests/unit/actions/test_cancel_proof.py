"""A signal goes only to what is proven, and ends nothing that nobody consented to: real processes, files and sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from lockdeck.backend.actions.cancel.cancel import cancel
from lockdeck.backend.actions.cancel.context import CancelLimits, CancelTools
from lockdeck.backend.actions.cancel.ladder import RESTART, TERMINATE
from lockdeck.backend.actions.cancel.plan import plan_cancel
from lockdeck.backend.actions.cancel.process import proof
from lockdeck.backend.actions.cancel.process.proof import Claim, missing_proof, why_no_signal
from lockdeck.backend.actions.cancel.process.remains import answering, moment_now
from lockdeck.backend.actions.cancel.records import CancelOutcome, CancelPlan
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.fleet import RootView, SessionView, State
from lockdeck.backend.model.runs.records import Hold, Occupation
from lockdeck.backend.model.trust import Vouch
from lockdeck.backend.simulate.rpc import Manners
from lockdeck.backend.system import procfs
from tests.unit.actions.test_cancel_sqlite import Abortable
from tests.unit.fleetdir import Actor, FleetDir, actor
from tests.unit.gatewayproc import GatewayProcess, lock_path
from tests.unit.watch.test_feed import KEY, TOKEN, Server

pytestmark = pytest.mark.skipif(not procfs.LINUX, reason="written for Linux")
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
STRANGER = 4242
LIMITS = CancelLimits(gap=1.0, free=0.5, quiet=0.3, quiet_blind=0.5, brief=0.1, restart=8.0, drain=8.0)
MAIN = "agent:main:main"


@pytest.fixture
def fleet(tmp_path: Path) -> FleetDir:
    return FleetDir(tmp_path)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(str(tmp_path / "state" / "journal.jsonl"))


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server(Manners(TOKEN, "2026.9.6", 4), Abortable(lambda _sessions: None))
    yield served
    served.down()


def view(fleet: FleetDir, lock: Path, key: str = MAIN) -> SessionView:
    return SessionView(
        str(fleet.root), "main", key, None, State.RUNNING, transcript=str(lock.with_suffix(""))
    )


def planned(fleet: FleetDir, lock: Path) -> CancelPlan:
    root = RootView(str(fleet.root), "files")
    return plan_cancel(view(fleet, lock), root, env=fleet.env, folder=str(fleet.home / "deck"), limits=LIMITS)


def done(plan: CancelPlan, journal: Journal, *allow: str) -> CancelOutcome:
    return cancel(plan, allow=allow or (TERMINATE, RESTART), tools=CancelTools(journal, limits=LIMITS))


def claim(holder: Actor, *paths: Path, **more: object) -> Claim:
    return Claim(holder.pid, holder.ticks, str(paths[0].parent), tuple(map(str, paths)), **more)


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@contextmanager
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A bystander."""
    with subprocess.Popen(["sleep", "300"]) as process:
        try:
            yield process
        finally:
            process.kill()


def ticks_of(pid: int) -> int:
    status = procfs.read_stat(pid)
    assert status is not None
    return status.start_ticks


# -- what is proven ------------------------------------------------------------------------------------


def test_who_has_the_lock_open_for_writing_is_proven_and_a_reader_is_not(tmp_path):
    lock = tmp_path / "a.jsonl.lock"
    with actor() as holder, sleeper() as other:
        holder.take(lock)
        assert missing_proof(claim(holder, lock)) == ()
        stranger = Claim(other.pid, ticks_of(other.pid), str(tmp_path), (str(lock),))
        assert "has none of its locks open (a.jsonl.lock)" in missing_proof(stranger)[0]
        holder.close(lock)
        assert "has none of its locks open" in missing_proof(claim(holder, lock))[0]
    with lock.open():
        reader = Claim(os.getpid(), ticks_of(os.getpid()), str(tmp_path), (str(lock),))
        assert "has none of its locks open" in missing_proof(reader)[0]


def test_a_lock_that_stands_under_the_same_name_but_is_another_file_is_no_proof(tmp_path):
    lock = tmp_path / "a.jsonl.lock"
    with actor() as holder:
        holder.take(lock)
        holder.unlink(lock)
        lock.write_text("{}")
        assert "has none of its locks open" in missing_proof(claim(holder, lock))[0]


def test_who_listens_on_the_port_is_proven_and_whoever_else_is_not(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server, sleeper() as other:
        port = server.getsockname()[1]
        mine = Claim(os.getpid(), ticks_of(os.getpid()), str(tmp_path), (), port)
        assert missing_proof(mine) == ()
        another = Claim(other.pid, ticks_of(other.pid), str(tmp_path), (), port)
        assert f"does not listen on port {port}" in missing_proof(another)[0]


@ROOT_ONLY
def test_a_lock_of_another_user_proves_nothing_about_our_process(tmp_path):
    lock = tmp_path / "a.jsonl.lock"
    with actor() as holder:
        holder.take(lock)
        os.chown(lock, STRANGER, -1)
        (reason,) = missing_proof(claim(holder, lock))
        assert f"pid {holder.pid} belongs to" in reason
        assert f"uid {STRANGER}" in reason


def test_another_pid_namespace_is_no_proof_and_where_it_can_not_be_seen_the_vouch_counts(
    tmp_path, monkeypatch
):
    lock = tmp_path / "a.jsonl.lock"
    with actor() as holder:
        holder.take(lock)
        spaces: dict[object, int | None] = {"self": 1, holder.pid: 2}
        monkeypatch.setattr(proof, "pid_namespace", spaces.__getitem__)
        assert "not seen to be in our own pid namespace" in missing_proof(claim(holder, lock))[0]
        assert missing_proof(claim(holder, lock, own_namespace=True)) != ()
        spaces[holder.pid] = None
        assert missing_proof(claim(holder, lock)) != ()
        assert missing_proof(claim(holder, lock, own_namespace=True)) == ()


def test_a_process_that_started_at_another_time_or_is_gone_is_not_it(tmp_path):
    lock = tmp_path / "a.jsonl.lock"
    with actor() as holder:
        holder.take(lock)
        assert holder.ticks is not None
        younger = Claim(holder.pid, holder.ticks + 1, str(tmp_path), (str(lock),))
        assert "is not the process that started then" in missing_proof(younger)[0]
    assert "is not to be seen here" in missing_proof(claim(holder, lock))[0]


def test_a_stopped_process_gets_no_signal_and_is_told_with_what_wakes_it(tmp_path):
    lock = tmp_path / "a.jsonl.lock"
    with actor() as holder:
        holder.take(lock)
        holder.stop()
        why = why_no_signal(claim(holder, lock))
        assert why is not None
        assert f"kill -CONT {holder.pid}" in why


# -- what a cancel does with it ------------------------------------------------------------------------


@ROOT_ONLY
@pytest.mark.parametrize("leaked", [True, False])
def test_a_lock_of_another_user_that_names_our_process_ends_nothing(fleet, journal, leaked):
    lock = fleet.session(MAIN)
    with actor() as bystander:
        bystander.take(lock)
        if leaked:
            bystander.close(lock)
        os.chown(lock, STRANGER, -1)
        plan = planned(fleet, lock)
        assert TERMINATE not in [rung.name for rung in plan.rungs]
        outcome = done(plan, journal)
        assert outcome.status == "refused"
        assert alive(bystander.pid)
    words = "has none of its locks open" if leaked else f"uid {STRANGER}"
    assert any(words in sentence for sentence in outcome.sentences), outcome.sentences


def test_a_holder_that_lets_go_between_plan_and_signal_is_left_alone(fleet, journal):
    lock = fleet.session(MAIN)
    with actor() as holder:
        holder.take(lock)
        plan = planned(fleet, lock)
        holder.close(lock)
        outcome = done(plan, journal)
        assert alive(holder.pid)
    assert outcome.status == "failed"
    assert "has none of its locks open" in outcome.sentences[0]


def test_the_other_sessions_of_a_process_are_named_and_need_the_consent_of_a_restart(
    fleet, journal, tmp_path
):
    elsewhere = FleetDir(tmp_path / "another")
    locks = [fleet.session(MAIN), fleet.session("agent:ezra:main"), elsewhere.session("agent:silas:main")]
    with actor() as holder:
        for lock in locks:
            holder.take(lock)
        plan = planned(fleet, locks[0])
        others = plan.to_json()["holder"]["otherSessions"]
        assert others == ["agent:ezra:main", f"agent:silas:main in {locks[2].parent}"]
        (last,) = plan.rungs
        assert (last.name, last.danger, last.consent) == (TERMINATE, "restart", RESTART)
        assert "the runs of 2 other sessions: agent:ezra:main" in "; ".join(last.loses)
        refused = done(plan, journal, TERMINATE)
        assert refused.status == "refused"
        assert any("ends more than this session" in sentence for sentence in refused.sentences)
        assert alive(holder.pid)
        outcome = done(plan, journal, RESTART)
        assert not alive(holder.pid)
    assert outcome.steps[0].rung == TERMINATE
    entries = [entry for entry in journal.read().entries if entry["kind"] == "cancel-begin"]
    assert entries[0]["otherSessions"] == others
    assert "python" in entries[0]["argv"]


def test_sessions_taken_after_the_confirmation_are_not_ended_with_it(fleet, journal):
    first, second = fleet.session(MAIN), fleet.session("agent:ezra:main")
    with actor() as holder:
        holder.take(first)
        plan = planned(fleet, first)
        assert plan.rungs[0].consent == TERMINATE
        holder.take(second)
        outcome = done(plan, journal, TERMINATE)
        assert alive(holder.pid)
    assert outcome.status == "failed"
    assert "has more sessions by now (agent:ezra:main): plan again" in outcome.sentences[0]
    assert not outcome.steps[0].left_lock


def test_a_lock_that_its_ended_process_leaves_behind_is_no_success(fleet, journal):
    lock = fleet.session(MAIN)
    with actor() as holder:
        holder.take(lock)
        outcome = done(planned(fleet, lock), journal, TERMINATE)
        assert not alive(holder.pid)
    assert outcome.status == "failed"
    assert "left behind: release it" in outcome.sentences[0]
    assert [step.left_lock for step in outcome.steps] == [True]


def test_a_process_that_ignores_sigterm_is_no_success(fleet, journal):
    lock = fleet.session(MAIN)
    ignoring = "import os, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    deaf = [sys.executable, "-c", ignoring]
    with actor(deaf) as holder:
        holder.take(lock)
        plan = planned(fleet, lock)
        outcome = cancel(
            plan, allow=[TERMINATE], tools=CancelTools(journal, limits=CancelLimits(gap=1.0, restart=0.3))
        )
        assert alive(holder.pid)
    assert (outcome.status, "still runs after" in outcome.sentences[0]) == ("still-rotating", True)


def test_a_process_that_is_stopped_after_the_signal_is_not_waited_for(fleet, journal):
    lock = fleet.session(MAIN)
    with actor() as holder:
        holder.take(lock)
        plan = planned(fleet, lock)
        sent: list[int] = []
        real = signal.pidfd_send_signal

        def stop_instead(handle: int, number: int) -> None:
            sent.append(number)
            real(handle, signal.SIGSTOP)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(signal, "pidfd_send_signal", stop_instead)
            began = time.monotonic()
            outcome = cancel(
                plan, allow=[TERMINATE], tools=CancelTools(journal, limits=CancelLimits(gap=1.0))
            )
        assert time.monotonic() - began < 30
    assert sent == [signal.SIGTERM]
    assert f"kill -CONT {holder.pid}" in outcome.sentences[0]


def test_the_word_of_ownership_of_the_namespace_reaches_the_proof(fleet):
    lock = fleet.session(MAIN)
    with actor() as holder:
        holder.take(lock)
        for vouched in (True, False):
            root = RootView(str(fleet.root), "files", vouch=Vouch(own_namespace=vouched))
            plan = plan_cancel(view(fleet, lock), root, env=fleet.env, limits=LIMITS)
            assert plan.claim is not None
            assert plan.claim.own_namespace is vouched


@ROOT_ONLY
@pytest.mark.parametrize("era", ["files", "sqlite"])
def test_a_root_of_another_user_gets_no_signal_no_connection_and_no_command(fleet, journal, server, era):
    lock = fleet.session(MAIN)
    fleet.config(gateway={"port": server.port, "auth": {"mode": "token", "token": "${SECRET_WORD}"}})
    ran = fleet.home / "ran"
    command = fleet.home / "openclaw"
    command.write_text(f"#!/bin/sh\ntouch {ran}\n")
    command.chmod(0o755)
    with actor() as holder:
        holder.take(lock)
        for path in (fleet.root, fleet.root / "openclaw.json", lock):
            os.chown(path, STRANGER, -1)
        env = {**fleet.env, "SECRET_WORD": TOKEN, "PATH": f"{fleet.home}:/usr/bin:/bin"}
        plan = plan_cancel(view(fleet, lock), RootView(str(fleet.root), era), env=env, limits=LIMITS)
        assert (plan.rungs, plan.pid) == ((), None)
        assert f"uid {STRANGER}" in plan.refusal[0]
        assert done(plan, journal).status == "refused"
        assert alive(holder.pid)
    assert server.sessions.asked == 0
    assert not ran.exists()


# -- a gateway's lock that names a process that is no gateway ------------------------------------------


def gateway_plan(root: Path, port: int) -> CancelPlan:
    auth = {"mode": "token", "token": TOKEN}
    (root / "openclaw.json").write_text(json.dumps({"gateway": {"port": port, "auth": auth}}))
    now = time.time()
    held = Occupation(KEY, now - 60.0, 1, (Hold("r1", None, now - 60.0),))
    session = SessionView(str(root), "silas", KEY, "s1", State.STUCK, occupation=held)
    env = {"HOME": str(root.parent), "TMPDIR": str(root.parent), "PATH": ""}
    return plan_cancel(session, RootView(str(root), "sqlite"), env=env, folder=str(root.parent / "deck"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    (made / "agents").mkdir(parents=True)
    return made


def test_a_gateway_lock_that_names_a_bystander_ends_nothing(root, server, journal):
    with sleeper() as bystander:
        path = lock_path(root)
        path.parent.mkdir(parents=True)
        facts = {"pid": bystander.pid, "createdAt": "2026-11-22T18:36:46.094Z", "stateDir": str(root),
                 "configPath": str(root / "openclaw.json"), "startTime": ticks_of(bystander.pid)}  # fmt: skip
        path.write_text(json.dumps(facts))
        plan = gateway_plan(root, server.port)
        assert RESTART not in [rung.name for rung in plan.rungs]
        assert done(plan, journal, RESTART).status == "refused"
        assert alive(bystander.pid)
    assert any("has none of its locks open" in note for note in plan.notes), plan.notes


def test_a_stopped_gateway_is_not_asked_and_what_wakes_it_is_told(root, server, journal):
    process = GatewayProcess(root)
    os.kill(process.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    try:
        plan = gateway_plan(root, server.port)
    finally:
        os.kill(process.pid, signal.SIGCONT)
        process.close()
    assert plan.rungs == ()
    assert f"kill -CONT {process.pid}" in plan.refusal[0]
    assert server.sessions.asked == 0


def test_locks_of_other_roots_that_a_gateway_has_open_are_counted_with_it(root, server, fleet):
    path, lock = lock_path(root), fleet.session(MAIN)
    path.parent.mkdir(parents=True)
    with actor() as holder:
        facts = {"pid": holder.pid, "createdAt": "2026-11-22T18:36:46.094Z", "stateDir": str(root),
                 "configPath": str(root / "openclaw.json"), "startTime": holder.ticks}  # fmt: skip
        holder.take(path, json.dumps(facts))
        holder.take(lock)
        plan = gateway_plan(root, server.port)
    assert plan.held == (f"{MAIN} in {lock.parent}",)
    assert f"1 other session: {MAIN}" in "; ".join(plan.rungs[-1].loses)


def test_a_port_that_goes_on_answering_is_no_success_whatever_has_ended(root, server, journal):
    process = GatewayProcess(root)
    try:
        plan = gateway_plan(root, server.port)
        outcome = done(plan, journal, RESTART)
        assert not alive(process.pid)
    finally:
        process.close()
    assert outcome.status == "still-rotating", outcome.sentences
    assert f"port {server.port} answers (pid {os.getpid()})" in outcome.sentences[0]
    assert "shows an active run of the session" in outcome.sentences[0]


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_who_answers_on_a_port_is_told_from_who_came_after(family, address):
    before = moment_now()
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server((address, 0), family=family))
        port = server.getsockname()[1]
        found = answering(port, before)
        assert found is not None
        assert (found.pids, found.is_new) == ((os.getpid(),), False), (
            "this process started before that moment"
        )
    assert answering(port, before) is None
    assert answering(None, before) is None


def test_a_process_that_started_after_a_moment_is_told_from_one_before(tmp_path):
    with actor() as older:
        moment = moment_now()
        time.sleep(0.02)  # the start times of processes are whole ticks
        with actor() as younger:
            assert (moment.precedes(older.pid), moment.precedes(younger.pid)) == (False, True)
