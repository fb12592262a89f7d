"""Whatever of its sources a root is robbed of: no answer is green that the rest does not support.

A hang with two timeouts behind it, and the same root without one, for each way in which releases keep their locks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockdeck.backend.model.fleet import FleetSnapshot, State
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.model.sources import SourceKind
from lockdeck.backend.simulate.cast import CHAIN, Session
from lockdeck.backend.simulate.log import Log
from lockdeck.backend.simulate.narration import Narrator
from lockdeck.backend.simulate.rpc import Manners
from lockdeck.backend.system import descriptors
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch import directory
from lockdeck.backend.watch.collector import Collector
from tests.unit.fleetdir import Actor, FleetDir
from tests.unit.gatewayproc import GatewayProcess
from tests.unit.watch.test_feed import KEY, TOKEN, Server, Sessions
from tests.unit.watch.test_sqlite_era import log_line, migrate

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
ALL = frozenset(SourceKind)
SQLITE = frozenset({"2026.8.2", "2026.9.6"})


class Plight(StrEnum):
    """What the agent is at."""

    IDLE = "nothing runs"
    WORKS = "a run goes on"
    HANGS = "two attempts of its run timed out"


class World:
    """One root of a release with its gateway, of which any source can be taken away."""

    def __init__(self, home: Path, release: str) -> None:
        self.release, self.fleet = release, FleetDir(home)
        self.fleet.env |= {"LOCKDECK_STATE_DIR": str(home / "deck")}
        self.sessions = Sessions()
        self.server = Server(Manners(TOKEN, release, 4 if release in SQLITE else 3), self.sessions)
        self.closers = [self.server.down]
        self.holder, self.lock = Actor(), None
        self.closers.append(self.holder.end)
        self.session_id = "s-1"
        if release in SQLITE:
            migrate(self.fleet)
            self.configure()
            self.closers.append(GatewayProcess(self.fleet.root).close)
        else:
            self.lock = self.fleet.session(KEY)
            self.session_id = self.lock.name.removesuffix(".jsonl.lock")
            self.configure()
            path = str(self.fleet.root / "openclaw.json")
            self.holder.take(self.fleet.gateway_lock(), configPath=path, port=self.server.port)

    def configure(self, token: str = TOKEN) -> None:
        auth = {"mode": "token", "token": token}
        self.fleet.config(
            meta={"lastTouchedVersion": self.release}, gateway={"port": self.server.port, "auth": auth}
        )

    def close(self) -> None:
        for close in reversed(self.closers):
            close()

    def live(self, plight: Plight) -> None:
        """Let the agent be at something: its lock, its gateway's row, its log."""
        active = plight is not Plight.IDLE
        row = {"key": KEY, "agentId": "silas", "sessionId": self.session_id, "hasActiveRun": active}
        self.sessions.rows = [row | {"status": "running" if active else "done"}]
        self.fleet.log.write_text("")
        if self.release == "2026.4.5":
            assert self.lock is not None
            if active and not self.lock.exists():
                self.holder.take(self.lock)
            elif not active and self.lock.exists():
                self.holder.release(self.lock)
        if plight is Plight.HANGS:
            self._log_timeouts()

    def _log_timeouts(self) -> None:
        log = Log(self.fleet.log)
        narrator = Narrator(log, Session(KEY, self.session_id, ""), "run-1")
        if self.release == "2026.9.6":
            self._log_retries(time.time())
            return
        narrator.run_timeout(20.0)
        for profile in CHAIN[0].profiles[:2]:
            narrator.failover(profile, "rotate_profile", CHAIN[0], first=True)

    def _log_retries(self, now: float) -> None:
        """The lines of 2026.9.6, which name a trace; one of a lane names its session."""
        model = "atlas/atlas-large reason=timeout: delayMs=1"
        for index, at in ((1, now - 0.03), (2, now - 0.01)):
            log_line(self.fleet, at, f"transient same-model retry {index}/8 for {model}")
        error = 'durationMs=20000 error="FailoverError: LLM idle timeout (5s): no response from model"'
        log_line(self.fleet, now - 0.04, f"lane task error: lane=session:{KEY} {error}")

    def look(self, remaining: frozenset[SourceKind]) -> FleetSnapshot:
        """Look once, with these sources only."""
        with self._robbed(remaining):
            logs = [str(self.fleet.log)] if SourceKind.LOG in remaining else []
            collector = Collector.discover(
                [str(self.fleet.root)], self.fleet.settings(), logs=logs, env=self.fleet.env
            )
            try:
                return collector.look()
            finally:
                collector.close()

    @contextmanager
    def _robbed(self, remaining: frozenset[SourceKind]) -> Iterator[None]:
        self.configure(TOKEN if SourceKind.GATEWAY in remaining else "another")
        store = self.fleet.sessions("silas") / "sessions.json"
        stored = store.read_bytes() if store.exists() else None
        with pytest.MonkeyPatch.context() as patch:
            if SourceKind.LOCKS not in remaining:
                patch.setattr(directory, "names_in", refused)
            if SourceKind.PROCESSES not in remaining:
                patch.setattr(descriptors, "proc_is_ours", lambda: False)
            if SourceKind.STORE not in remaining and stored is not None:
                store.write_text("[")
            transcript = store.with_name(f"{self.session_id}.jsonl")
            if SourceKind.TRANSCRIPT in remaining and self.release not in SQLITE:
                transcript.write_text(json.dumps({"type": "session", "id": self.session_id}) + "\n")
            try:
                yield
            finally:
                transcript.unlink(missing_ok=True)
                if stored is not None:
                    store.write_bytes(stored)


def refused(_path: str) -> list[str]:
    raise PermissionError(13, "Permission denied")


def is_supported(release: str, plight: Plight, remaining: frozenset[SourceKind]) -> bool:
    """Whether what remains would show a hang, if there were one: each release's own way, written down once more."""
    log, gateway = SourceKind.LOG in remaining, SourceKind.GATEWAY in remaining
    nothing_runs_by_its_word = gateway and plight is Plight.IDLE
    if release == "2026.8.2":
        return gateway and (log or plight is Plight.IDLE)
    if release == "2026.9.6":
        return log or nothing_runs_by_its_word
    of_files = {SourceKind.LOCKS, SourceKind.STORE} <= remaining
    return of_files and (log or (release == "2026.5.18" and nothing_runs_by_its_word))


@pytest.fixture(scope="module", params=["2026.4.5", "2026.5.18", "2026.8.2", "2026.9.6"])
def world(request, tmp_path_factory):
    made = World(tmp_path_factory.mktemp("root"), request.param)
    yield made
    made.close()


def greens(snapshot: FleetSnapshot) -> list[str]:
    """What of an answer is green: the exit code, and sessions."""
    sessions = [s.key for s in snapshot.sessions if s.state in (State.IDLE, State.RUNNING)]
    return [*sessions, *([] if needs_person(snapshot) else ["exit 0"])]


@pytest.mark.parametrize("plight", [Plight.IDLE, Plight.WORKS])
def test_with_every_source_a_root_without_trouble_is_green(world, plight):
    world.live(plight)
    snapshot = world.look(ALL)
    assert greens(snapshot) == [KEY, "exit 0"], [root.problems for root in snapshot.roots]


@settings(max_examples=32, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(remaining=st.frozensets(st.sampled_from(SourceKind)))
def test_a_hang_is_never_green_whatever_is_taken_away(world, remaining):
    world.live(Plight.HANGS)
    assert not greens(world.look(remaining))


@settings(max_examples=32, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    remaining=st.frozensets(st.sampled_from(SourceKind)), plight=st.sampled_from([Plight.IDLE, Plight.WORKS])
)
def test_green_is_only_what_would_not_be_green_in_a_hang(world, remaining, plight):
    world.live(plight)
    if greens(world.look(remaining)):
        assert is_supported(world.release, plight, remaining)
