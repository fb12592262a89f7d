"""Log lines joined with locks: rotations, stuck sessions and blocked callers as a snapshot shows them."""

from __future__ import annotations

import json
import threading
import time

import pytest

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.past_cancels import PastCancels
from lockdeck.backend.model.fleet import Severity, State
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.runs.events import AttemptStarted
from lockdeck.backend.model.runs.fold import Limits, RunBook, fold_all
from lockdeck.backend.model.wire import session_json, snapshot_json
from lockdeck.backend.simulate.cast import CHAIN, Session
from lockdeck.backend.simulate.lockfile import timeout_text
from lockdeck.backend.simulate.log import Log
from lockdeck.backend.simulate.narration import TIMED_OUT, Failure, Narrator
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.collector import Collector
from lockdeck.backend.watch.joins import FORGOTTEN, Joins
from lockdeck.tui.view.printed.plain import snapshot_lines
from tests.unit.fleetdir import FleetDir, actor, aged, iso

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
KEY = "agent:main:main"
ATTEMPT_S = 600


class Clock:
    """Real time, plus what a test adds to it."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead


class Incident:
    """One session, its log, a holder, and a collector that looks at them."""

    def __init__(self, fleet, holder):
        self.fleet, self.holder = fleet, holder
        configure(fleet)
        self.lock = fleet.session(KEY)
        self.session = Session(
            KEY, self.lock.name.removesuffix(".jsonl.lock"), str(self.lock).removesuffix(".lock")
        )
        self.log = Log(fleet.log)
        self.run = Narrator(self.log, self.session, "run-1")
        self.clock = Clock()
        self.collector = Collector.discover(
            [str(fleet.root)], fleet.settings(), logs=[str(fleet.log)], env=fleet.env, clock=self.clock
        )

    def look(self):
        """One look, as the session shows in it."""
        self.snapshot = self.collector.look()
        return next(session for session in self.snapshot.sessions if session.key == KEY)

    def time_out(self, profile, decision="rotate_profile", *, first=False, shown_as=CHAIN[0]):
        """The attempt in progress runs into its timeout: the lock is given up and the runner decides."""
        self.run.run_timeout(ATTEMPT_S)
        self.holder.release(self.lock)
        self.run.failover(profile, decision, shown_as, first)

    def caller(self, number=1):
        """Another run wants the session and gives up on its lock."""
        probe = Narrator(self.log, Session("agent:main:probe", "probe", ""), f"caller-{number}")
        probe.candidate_failed(1, Failure("Error", timeout_text(str(self.lock), 10_000)), 10.0)

    def local_caller(self):
        """`openclaw agent --local` on this session: all its candidates die on the lock; yields after each."""
        probe = Narrator(self.log, self.session, self.session.session_id)
        failure = Failure("Error", timeout_text(str(self.lock), 10_000))
        for number in range(1, len(CHAIN) + 1):
            probe.candidate_failed(number, failure, 0.0)
            yield number
        probe.all_failed([failure] * len(CHAIN), chat=True)


def configure(fleet):
    """Three models with 2 + 2 + 1 profiles, as in the incident."""
    profiles = {p: {"type": "api_key", "provider": c.provider, "key": "x"} for c in CHAIN for p in c.profiles}
    models = [f"{c.provider}/{c.model}" for c in CHAIN]
    fleet.config(
        meta={"lastTouchedVersion": "2026.4.5"},
        auth={"order": {c.provider: list(c.profiles) for c in CHAIN}},
        agents={
            "defaults": {
                "model": {"primary": models[0], "fallbacks": models[1:]},
                "timeoutSeconds": ATTEMPT_S,
                "llm": {"idleTimeoutSeconds": ATTEMPT_S},
            },
            "list": [{"id": "main"}],
        },
    )
    folder = fleet.root / "agents" / "main" / "agent"
    folder.mkdir(parents=True)
    (folder / "auth-profiles.json").write_text(json.dumps({"version": 1, "profiles": profiles}))


@pytest.fixture
def incident(tmp_path):
    with actor() as holder:
        made = Incident(FleetDir(tmp_path), holder)
        yield made
        made.collector.close()


def test_a_held_lock_without_any_log_line_is_a_running_session(incident):
    incident.holder.take(incident.lock)
    seen = incident.look()
    assert (seen.state, seen.rotation, seen.attempt) == (State.RUNNING, None, None)


@pytest.mark.parametrize("text", ["", "no JSON at all"])
def test_a_lock_without_a_payload_stands_since_its_file_was_written(incident, text):
    incident.lock.write_text(text)
    aged(incident.lock, 134)
    seen = incident.look()
    told = session_json(seen, incident.snapshot.generated_at, "h")
    assert seen.lock.judgement.verdict is Verdict.UNREADABLE
    assert told["occupation"]["ms"] == pytest.approx(134_000, abs=2_000)
    assert told["since"] == told["occupation"]["since"]


def test_after_one_timeout_the_session_rotates_and_the_second_attempt_is_counted(incident):
    incident.holder.take(incident.lock)
    incident.look()
    incident.time_out("atlas:alpha", first=True)
    incident.holder.take(incident.lock)
    seen = incident.look()
    assert seen.state is State.ROTATING
    assert (seen.attempt.index, seen.rotation.total) == (2, 5)
    assert (seen.rotation.attempts[0].profile, seen.rotation.attempts[0].decision) == (
        "atlas:alpha",
        "rotate_profile",
    )
    assert seen.attempt.profile == "atlas:beta"
    assert [a.profile for a in seen.rotation.to_come][-1] == "cygnus:solo"
    assert seen.occupation.holds == 2


def test_between_two_attempts_the_session_still_rotates(incident):
    incident.holder.take(incident.lock, created=time.time() - ATTEMPT_S)
    incident.look()
    incident.time_out("atlas:alpha", first=True)
    seen = incident.look()
    assert (seen.state, seen.lock, seen.attempt) == (State.ROTATING, None, None)
    incident.clock.ahead += 10
    assert incident.look().occupation is not None


@pytest.mark.parametrize("is_logged", [True, False])
def test_a_single_look_between_two_attempts_knows_the_session_by_its_transcript(incident, is_logged):
    """Seen on 2026.4.5: the log names the run alone, its lock was let go of, and the answer was idle, exit code 0."""
    told = {"runId": "run-1", "sessionId": incident.session.session_id, "error": "LLM idle timeout (8s)"}
    told |= {"provider": CHAIN[0].provider, "model": CHAIN[0].model}
    entry = {
        "type": "custom",
        "id": "a1",
        "customType": "openclaw:prompt-error",
        "timestamp": iso(time.time()),
    }
    with open(incident.session.transcript, "a") as transcript:
        transcript.write(json.dumps({**entry, "data": told}) + "\n")
    if is_logged:
        incident.run.failover("atlas:alpha", "rotate_profile", CHAIN[0], True)
    assert incident.look().state is State.ROTATING


def test_a_promise_that_is_read_late_keeps_the_occupation_in_the_very_look_that_reads_it(incident):
    incident.holder.take(incident.lock, created=time.time() - ATTEMPT_S)
    incident.look()
    incident.holder.release(incident.lock)
    incident.look()
    incident.clock.ahead += 10
    incident.run.run_timeout(ATTEMPT_S)
    incident.run.failover("atlas:alpha", "rotate_profile", CHAIN[0], True)
    assert incident.look().occupation is not None


def test_after_two_timeouts_in_one_occupation_the_session_is_stuck(incident):
    for number, (profile, decision) in enumerate(
        (("atlas:alpha", "rotate_profile"), ("atlas:beta", "fallback_model"))
    ):
        incident.holder.take(incident.lock)
        incident.look()
        incident.time_out(profile, decision, first=number == 0)
    incident.run.candidate_failed(1, TIMED_OUT, 1200.0)
    incident.holder.take(incident.lock)
    seen = incident.look()
    assert (seen.state, seen.severity.word) == (State.STUCK, "critical")
    assert "openclaw#62351" in seen.reasons[0]
    assert (seen.rotation.timeouts, seen.attempt.index, seen.rotation.total) == (2, 3, 5)
    assert seen.rotation.policy.would_stop_at is not None
    assert seen.rotation.free_by > seen.attempt.started_at + ATTEMPT_S - 1
    assert snapshot_json(incident.snapshot)["summary"]["needsPerson"] is True


def test_a_rotation_that_an_answer_ended_is_not_shown_on_the_next_run(incident):
    """2026.4.5 logs nothing when the next profile answers."""
    incident.holder.take(incident.lock)
    incident.look()
    incident.time_out("atlas:alpha", first=True)
    incident.holder.take(incident.lock)
    assert incident.look().rotation is not None
    incident.holder.release(incident.lock)
    incident.look()
    incident.clock.ahead += 600
    incident.look()
    incident.holder.take(incident.lock, created=incident.clock())
    seen = incident.look()
    assert (seen.state, seen.rotation, seen.attempt) == (State.RUNNING, None, None)


def test_a_promised_attempt_that_never_comes_makes_it_stuck(incident):
    incident.holder.take(incident.lock, created=time.time() - ATTEMPT_S)
    incident.look()
    incident.time_out("atlas:alpha", first=True)
    incident.look()
    incident.clock.ahead += 60
    seen = incident.look()
    assert seen.state is State.STUCK
    assert "no attempt has followed" in seen.reasons[0]


def test_a_run_that_failed_leaves_a_failed_session(incident):
    incident.holder.take(incident.lock)
    incident.look()
    incident.time_out("atlas:alpha", "fallback_model", first=True)
    incident.run.candidate_failed(1, TIMED_OUT, 600.0)
    incident.run.all_failed([TIMED_OUT] * 3, chat=False)
    incident.look()
    incident.clock.ahead += 20
    seen = incident.look()
    assert (seen.state, seen.rotation.finished, seen.attempt) == (State.FAILED, True, None)


def test_a_caller_that_gave_up_on_the_lock_is_counted_once(incident):
    incident.holder.take(incident.lock)
    incident.look()
    incident.caller()
    seen = incident.look()
    assert seen.blocked.count == 1
    assert seen.blocked.last == pytest.approx(time.time(), abs=30)
    assert snapshot_json(incident.snapshot)["summary"]["blocked"] == 1


def test_every_caller_is_counted_and_each_only_once(incident):
    incident.holder.take(incident.lock)
    incident.look()
    for number in (1, 2, 3):
        incident.caller(number)
    assert incident.look().blocked.count == 3


def test_a_local_caller_that_fails_on_the_lock_leaves_the_stuck_rotation_as_it_is(incident):
    for number, profile in enumerate(("atlas:alpha", "atlas:beta")):
        incident.holder.take(incident.lock)
        incident.look()
        incident.time_out(profile, first=number == 0)
    incident.holder.take(incident.lock)
    before = incident.look()
    assert before.state is State.STUCK
    told = incident.local_caller()
    for number in [*told, "all"]:
        seen = incident.look()
        assert (seen.state, seen.severity, seen.since) == (before.state, before.severity, before.since)
        assert (seen.rotation.run_id, seen.attempt.index) == (before.rotation.run_id, 3)
        assert seen.occupation == before.occupation
        assert seen.blocked.count == 1, number
    sentence = (
        f"3 candidates failed on one lock held by pid {incident.holder.pid}: these are no failures of a model"
    )
    assert sentence in seen.reasons


def test_a_local_caller_of_a_session_that_only_runs_leaves_it_running(incident):
    incident.holder.take(incident.lock)
    for _ in incident.local_caller():
        seen = incident.look()
        assert (seen.state, seen.rotation, seen.attempt, seen.blocked.count) == (State.RUNNING, None, None, 1)


def test_a_gap_that_a_decision_promised_to_end_stays_occupied_although_a_caller_failed_since(incident):
    incident.holder.take(incident.lock, created=time.time() - ATTEMPT_S)
    incident.look()
    list(incident.local_caller())
    incident.time_out("atlas:alpha", first=True)
    incident.look()
    incident.clock.ahead += 10
    seen = incident.look()
    assert (seen.state, seen.occupation is None) == (State.ROTATING, False)


def test_a_message_that_waited_in_the_lane_counts_as_blocked(incident):
    incident.holder.take(incident.lock)
    incident.look()
    incident.run.waited(12.0)
    assert incident.look().blocked.count == 1


def test_callers_of_an_earlier_occupation_no_longer_count(incident):
    incident.holder.take(incident.lock)
    incident.look()
    incident.caller()
    assert incident.look().blocked.count == 1
    incident.holder.release(incident.lock)
    incident.look()
    incident.clock.ahead += 400
    assert incident.look().blocked.count == 0
    incident.holder.take(incident.lock, created=incident.clock())
    assert incident.look().blocked.count == 0


def test_callers_of_the_last_occupation_count_for_a_while_and_those_before_it_no_longer(incident):
    incident.holder.take(incident.lock)
    incident.look()
    incident.caller()
    incident.holder.release(incident.lock)
    incident.look()
    incident.clock.ahead += 100
    assert incident.look().blocked.count == 1
    incident.holder.take(incident.lock, created=incident.clock())
    incident.look()
    incident.holder.release(incident.lock)
    incident.look()
    incident.clock.ahead += 10
    assert incident.look().blocked.count == 0


def test_callers_of_a_holder_without_progress_make_it_stuck(incident):
    incident.holder.take(incident.lock)
    incident.look()
    incident.clock.ahead += ATTEMPT_S + 10
    incident.caller()
    seen = incident.look()
    assert seen.state is State.STUCK
    assert "1 caller" in " ".join(seen.reasons)


def test_one_look_is_enough_to_call_a_lock_leaked_and_none_that_is_being_let_go_of(incident):
    incident.holder.leak(incident.lock)
    session = incident.look()
    assert (session.lock.judgement.verdict, session.state) == (Verdict.LEAKED, State.STUCK)
    threading.Timer(0.1, incident.lock.unlink).start()
    again = Collector.discover(
        [str(incident.fleet.root)],
        incident.fleet.settings(),
        logs=[str(incident.fleet.log)],
        env=incident.fleet.env,
    )
    (session,) = again.look().sessions
    assert (session.lock, session.state) == (None, State.IDLE)


@pytest.mark.parametrize(
    "folder", ["/home/node/.openclaw/agents/main/sessions", "/data/store", "C:\\oc\\store"]
)
def test_a_caller_that_names_the_lock_as_its_container_sees_it_is_blocked(incident, folder):
    """Also where its store has a layout of its own: the lock is called after the session."""
    incident.holder.take(incident.lock)
    inside = f"{folder}/{incident.lock.name}"
    error = f"session file locked (timeout 10000ms): pid={incident.holder.pid} {inside}"
    with incident.fleet.log.open("a") as log:
        log.write(
            f'{iso(time.time())} [diagnostic] lane task error: lane=main durationMs=10500 error="Error: {error}"\n'
        )
    assert incident.look().blocked.count == 1


def test_a_stopped_holder_is_told_as_stopped_with_what_wakes_it(incident):
    incident.holder.take(incident.lock)
    assert incident.look().state is State.RUNNING
    incident.holder.stop()
    session = incident.look()
    pid = incident.holder.pid
    assert (session.state, session.reasons[0]) == (
        State.STUCK, f"pid {pid} is stopped (state T): it goes on after kill -CONT {pid}",
    )  # fmt: skip


def test_a_session_that_only_the_log_names_is_a_row_while_it_is_in_trouble(incident):
    key = "agent:main:direct:1"
    for ago in (200, 100, 20):
        at = time.time() - ago
        text = f'lane task error: lane=session:{key} durationMs=7 error="timeout waiting for session store lock: /r"'
        with incident.fleet.log.open("a") as log:
            log.write(f"{iso(at)} [diagnostic] {text}\n")
    incident.look()
    (session,) = [session for session in incident.snapshot.sessions if session.key == key]
    assert (session.state, session.blocked.count, session.lock) == (State.STUCK, 3, None)
    assert session.reasons[-1] == "known from the log alone: the store names no such session"


def test_log_lines_of_runs_that_belong_to_nobody_are_noted(incident):
    Narrator(incident.log, Session("agent:x:y", "nobody", ""), "run-9").failover(
        "a:b", "rotate_profile", CHAIN[0], True
    )
    incident.look()
    assert any("no session known here" in note for note in incident.snapshot.notes)


def test_lines_that_could_not_be_read_are_counted_and_what_they_told_is_not_known(incident):
    incident.holder.take(incident.lock)
    with incident.fleet.log.open("ab") as log:
        log.write(b'{"0": "embedded run timeout: \n' + b"\xff\x00 embedded_run_failover_decision {\n")
    assert incident.look().state is State.UNKNOWN
    assert "what they tell is not known" in incident.look().reasons[0]
    assert incident.snapshot.roots[0].unseen
    assert any("not understood" in note for note in incident.snapshot.notes)
    assert any("1 line looks like OpenClaw's and could not be read" in n for n in incident.snapshot.notes)


def test_what_a_log_says_is_read_only_once(incident):
    incident.holder.take(incident.lock)
    incident.look()
    incident.time_out("atlas:alpha", first=True)
    incident.holder.take(incident.lock)
    assert [len(incident.look().rotation.attempts) for _ in range(3)] == [2, 2, 2]


def test_a_session_that_nothing_happens_to_is_the_same_object_in_every_snapshot(incident):
    incident.fleet.session("agent:silas:calm")

    def calm():
        incident.look()
        return next(s for s in incident.snapshot.sessions if s.key == "agent:silas:calm")

    assert calm() is calm()


def test_what_the_limits_left_out_is_noted_for_an_hour():
    runs = [AttemptStarted(float(n), f"r{n}") for n in range(3)]
    joins = Joins.of(fold_all(RunBook(limits=Limits(runs=2)), runs), {}, {})
    assert FORGOTTEN in joins.notes(3600.0)
    assert FORGOTTEN not in joins.notes(3601.0)


def test_a_cancelled_session_says_by_whom_and_when_until_the_next_run(incident):
    """In a gap of a rotation: what OpenClaw logged so far would be a promise that nobody keeps."""
    incident.holder.take(incident.lock)
    for profile in ("atlas:alpha", "atlas:beta"):
        incident.look()
        incident.clock.ahead += ATTEMPT_S
        incident.time_out(profile, first=profile == "atlas:alpha")
        if profile == "atlas:alpha":
            incident.holder.take(incident.lock)
    journal = Journal(str(incident.fleet.root.parent / "state" / "journal.jsonl"), incident.clock)
    facts = {"key": KEY, "root": str(incident.fleet.root), "user": "alice", "runId": "run-1"}
    journal.append("cancel-end", **facts, outcome={"worked": True})
    collector = Collector.discover(
        [str(incident.fleet.root)],
        incident.fleet.settings(),
        logs=[str(incident.fleet.log)],
        env=incident.fleet.env,
        clock=incident.clock,
        cancels=PastCancels(journal.path).by_session,
    )
    assert incident.look().state is State.STUCK, "without the journal"
    incident.collector.close()
    incident.collector = collector
    seen = incident.look()
    assert (seen.state, seen.severity, seen.cancelled.user) == (State.IDLE, Severity.OK, "alice")
    assert seen.reasons[0].startswith("cancelled by lockdeck (user alice) at ")
    assert any("cancelled by lockdeck" in line for line in snapshot_lines(incident.snapshot))
    incident.clock.ahead += 1.0
    incident.holder.take(incident.lock, createdAt=iso(incident.clock()))
    seen = incident.look()
    assert (seen.cancelled, seen.state) == (None, State.RUNNING), seen.reasons
