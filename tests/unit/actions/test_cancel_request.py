"""A request to a model that outlives its aborted run: waited for within limits, and said where it outlasts them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from lockdeck.backend.actions.cancel.cancel import cancel
from lockdeck.backend.actions.cancel.context import CancelTools
from lockdeck.backend.actions.cancel.ladder import ABORT
from lockdeck.backend.actions.cancel.records import CancelOutcome
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.runs.chain import Candidate, FailoverChain
from lockdeck.backend.openclaw.log.place import named_log
from tests.unit.actions.test_cancel_lockless import LIMITS, WRITES, Runs, fleet, lock, planned, serve
from tests.unit.fleetdir import FleetDir

__all__ = ["fleet", "lock", "serve"]
SETTLES_NOT = "embedded abort settle timed out: runId=r1 sessionId={session} timeoutMs=2000"


def writing(log: Path, session: str) -> Callable[[Runs], None]:
    """An abort that ends the run, and of whose request OpenClaw 2026.5.18 logs that it goes on."""

    def effect(runs: Runs) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = SETTLES_NOT.format(session=session)
        line = {"0": '{"subsystem":"agent/embedded"}', "1": text, "time": stamp, "message": text}
        with log.open("a") as file:
            file.write(json.dumps(line) + "\n")
        runs.over()

    return effect


def cancelled(
    fleet: FleetDir,
    lock: Path,
    serve: Callable[..., object],
    chain: FailoverChain,
    session: str | None = None,
) -> tuple[CancelOutcome, float]:
    """The outcome of a cancel, and the longest that it waited at once (seconds)."""
    log = fleet.home / "openclaw-2026-05-18.log"
    log.touch()
    server = serve(WRITES, True, writing(log, session or lock.name.partition(".jsonl")[0]))
    plan = planned(fleet, lock, server.port, version=WRITES, logs=(named_log(str(log)),))
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(min(seconds, 0.1))

    journal = Journal(str(fleet.home / "deck" / "journal.jsonl"))
    tools = CancelTools(journal, limits=LIMITS, wait=wait)
    return cancel(replace(plan, chain=chain), allow=[ABORT], tools=tools), max(waits)


def test_a_request_that_outlives_its_run_is_waited_for_until_its_own_timeout(fleet, lock, serve):
    outcome, waited = cancelled(fleet, lock, serve, FailoverChain(idle_timeout_s=8.0))
    assert outcome.status == "cancelled"
    # It began before the call: 8 s and the second it takes to end, less what the verification took.
    assert 5.0 < waited < 9.0 - LIMITS.quiet
    assert (
        "OpenClaw could not end its request to the model, whose idle timeout has ended it by now"
        in outcome.sentences[0]
    )


def test_a_longer_timeout_is_not_waited_for_but_said(fleet, lock, serve):
    outcome, waited = cancelled(fleet, lock, serve, FailoverChain(idle_timeout_s=120.0))
    assert (outcome.status, waited) == ("cancelled", LIMITS.request)
    words = r"it may stay open for 1m \d\ds more, by the idle timeout; nothing follows it"
    assert re.search(words, outcome.sentences[0])


def test_the_longest_timeout_of_the_models_counts_as_which_of_them_is_asked_is_not_known(fleet, lock, serve):
    quick, slow = (Candidate("p", "m", (), idle_timeout_s=seconds) for seconds in (1.0, 8.0))
    _, waited = cancelled(fleet, lock, serve, FailoverChain((quick, slow)))
    assert waited > 5.0


def test_without_any_timeout_nothing_is_promised(fleet, lock, serve):
    outcome, waited = cancelled(fleet, lock, serve, FailoverChain(idle_timeout_s=0.0, run_timeout_s=0.0))
    assert waited < 1.0
    assert "no timeout is set: only the provider ends it" in outcome.sentences[0]


def test_another_sessions_request_is_none_of_ours(fleet, lock, serve):
    outcome, waited = cancelled(fleet, lock, serve, FailoverChain(idle_timeout_s=8.0), session="another")
    assert waited < 1.0
    assert "could not end" not in outcome.sentences[0]
