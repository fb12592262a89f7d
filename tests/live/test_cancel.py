"""The cancel ladder against a real OpenClaw in the middle of a hang: what it says is what happened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from lockdeck.backend.actions.cancel.cancel import cancel, cancel_many
from lockdeck.backend.actions.cancel.context import CancelTools
from lockdeck.backend.actions.cancel.ladder import ABORT, RESTART, STOP, rung
from lockdeck.backend.actions.cancel.plan import plan_cancel
from lockdeck.backend.actions.cancel.records import CancelPlan
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.openclaw.log.place import named_log
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.watch.collector import Collector
from tests.live.conftest import InstanceMaker
from tests.live.instance import Instance
from tests.live.state import AGENTS
from tests.live.waiting import eventually

ATTEMPT = 20


@pytest.fixture(scope="module")
def incident(make_instance: InstanceMaker) -> Instance:
    """The release of the incident; an attempt lasts long enough to be cancelled in its midst."""
    return make_instance("2026.4.5", run_timeout=ATTEMPT)


@pytest.fixture
def instance(incident: Instance) -> Iterator[Instance]:
    """The shared instance, running, its provider hanging; restarted when a test leaves something going on."""
    incident.start()
    incident.provider.mode("hang")
    incident.provider.forget()
    yield incident
    if incident.lock_files() or incident.provider.open_requests:
        incident.restart()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal of its own; lockdeck's device key lands beside it."""
    return Journal(str(tmp_path / "state" / "journal.jsonl"))


def hang(instance: Instance, ways: dict[str, str]) -> None:
    """Start a run for each agent (agent -> agent or chat); return when all are in the midst of an attempt.

    A lock alone is too early: on 2026.7.35 the run takes it once before it asks the model.
    """
    for agent, way in ways.items():
        instance.start_run(agent, via=way)
    eventually(
        lambda: set(ways) <= holders(instance) and len(instance.provider.open_requests) >= len(ways),
        120,
        f"locks and requests of {sorted(ways)}",
    )


def holders(instance: Instance) -> set[str]:
    """Agents whose lock names the gateway now."""
    found = set()
    for lock in instance.lock_files():
        try:
            pid = json.loads(lock.read_text())["pid"]
        except (OSError, ValueError):
            continue
        if pid == instance.gateway_pid:
            found.add(lock.parent.parent.name)
    return found


def plan(instance: Instance, agent: str, journal: Journal) -> CancelPlan:
    """Plan as the command line does: from one snapshot of the fleet."""
    logs = (str(instance.log_file),)
    collector = Collector.discover([str(instance.root)], Settings(), logs=logs, env=instance.env)
    try:
        snapshot = collector.look()
    finally:
        collector.close()
    session = next(s for s in snapshot.sessions if s.key == f"agent:{agent}:main")
    return plan_cancel(
        session, snapshot.roots[0], env=instance.env, logs=tuple(map(named_log, logs)), folder=journal.folder
    )


def told(journal: Journal, *outcomes: object) -> str:
    """Everything that was written or would be shown."""
    return Path(journal.path).read_text() + "".join(repr(outcome) for outcome in outcomes)


def test_all_four_hanging_agents_are_cancelled_from_one_command(instance: Instance, journal: Journal) -> None:
    hang(instance, {agent: ("agent", "chat")[i % 2] for i, agent in enumerate(AGENTS)})
    transcripts = {path: path.read_bytes() for path in instance.root.glob("agents/*/sessions/*.jsonl")}
    plans = [plan(instance, agent, journal) for agent in AGENTS]
    assert [[r.name for r in p.rungs] for p in plans] == [["stop", "reset", "restart"]] * 4
    results = cancel_many(plans, allow={STOP}, tools=CancelTools(journal))
    for _, outcome in results:
        assert (outcome.status, outcome.rung) == ("cancelled", "stop"), outcome.sentences
        assert outcome.steps[-1].free_after_ms is not None
        assert outcome.steps[-1].free_after_ms < 2000
        assert outcome.verified_ms >= 5000
    assert instance.lock_files() == ()
    assert instance.provider.open_requests == ()
    for path, before in transcripts.items():
        assert path.read_bytes().startswith(before), f"{path} keeps its conversation"
    assert instance.token not in told(journal, plans, results)
    print([(o.key, o.free_after_ms, o.steps[-1].free_after_ms, o.verified_ms) for _, o in results])


def test_an_abort_that_an_agent_run_survives_is_told_and_the_stop_command_ends_it(
    instance: Instance, journal: Journal
) -> None:
    hang(instance, {"silas": "agent"})
    ladder = plan(instance, "silas", journal)
    ladder = replace(ladder, rungs=(rung(ABORT, ladder.scopes), *ladder.rungs))
    first = cancel(ladder, allow={ABORT}, tools=CancelTools(journal))
    assert (first.status, first.rung, first.next_rung) == ("still-rotating", None, "stop")
    assert "status=no-active-run" in first.steps[0].answer
    second = cancel(ladder, allow={STOP}, tools=CancelTools(journal))
    assert (second.status, second.rung) == ("cancelled", "stop"), second.sentences


def test_an_aborted_chat_run_goes_on_with_the_next_profile_until_the_gateway_is_ended(
    instance: Instance, journal: Journal
) -> None:
    hang(instance, {"juno": "chat"})
    ladder = plan(instance, "juno", journal)
    ladder = replace(ladder, rungs=(rung(ABORT, ladder.scopes), *ladder.rungs))
    first = cancel(ladder, allow={ABORT}, tools=CancelTools(journal))
    assert first.status == "still-rotating", first.sentences
    assert "status=aborted" in first.steps[0].answer
    # The profile is named when the log has told the decision by the time the lock is taken again.
    assert "but the rotation went on " in first.sentences[0], first.sentences
    second = cancel(ladder, allow={RESTART}, tools=CancelTools(journal))
    assert (second.status, second.rung) == ("cancelled", "restart"), second.sentences
    assert instance.lock_files() == ()
    assert not instance.running


def test_on_a_later_release_an_abort_is_clean_for_both_kinds_of_runs(
    make_instance: InstanceMaker, journal: Journal
) -> None:
    later = make_instance("2026.7.35", idle_timeout=60)
    later.provider.mode("hang")
    hang(later, {"silas": "agent", "juno": "chat"})
    for agent in ("silas", "juno"):
        ladder = plan(later, agent, journal)
        assert [r.name for r in ladder.rungs] == ["abort", "reset", "restart"]
        outcome = cancel(ladder, allow={ABORT}, tools=CancelTools(journal))
        assert (outcome.status, outcome.rung) == ("cancelled", "abort"), outcome.sentences
        assert outcome.steps[-1].free_after_ms is not None
        assert outcome.steps[-1].free_after_ms < 4000  # one abort in six takes 2 s ("abort settle timed out")
        assert later.token not in told(journal, ladder, outcome)
        print(outcome.key, outcome.free_after_ms, outcome.steps[-1].free_after_ms, outcome.verified_ms)
    later.stop()
