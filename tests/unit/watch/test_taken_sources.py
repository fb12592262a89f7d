"""Whatever sources are taken away, no answer is green that the rest does not support; and with nothing running none is red."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockdeck.backend.model.fleet import FleetSnapshot, State
from lockdeck.backend.model.knowledge import Knowledge
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.system.procfs import LINUX
from tests.unit.fleetdir import FleetDir, actor, dead_pid, payload
from tests.unit.watch.test_sessions_files import KEY, Incident

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
GREEN = (State.IDLE, State.RUNNING)


def garble(log: Path) -> None:
    """Turn each line into one that looks like OpenClaw's and can't be read."""
    lines = log.read_text().splitlines()
    log.write_text("".join(f"{line[: len(line) // 2]}\n" for line in lines))


def refuse(path: Path) -> None:
    """Put a directory where a file is wanted."""
    path.unlink()
    path.mkdir()


LOGS = {"read": lambda log: None, "missing": Path.unlink, "refused": refuse, "garbled": garble}
STORES = {
    "read": lambda store: None,
    "missing": Path.unlink,
    "refused": refuse,
    "broken": lambda s: s.write_text("["),
}
GATEWAYS = ("none", "gone", "alive")


@contextmanager
def incident() -> Iterator[Incident]:
    with tempfile.TemporaryDirectory() as folder, actor() as holder:
        made = Incident(FleetDir(Path(folder)), holder)
        try:
            yield made
        finally:
            made.collector.close()


@contextmanager
def gateway(fleet: FleetDir, kind: str) -> Iterator[None]:
    """The gateway's lock, of a process that lives or is gone."""
    config = str(fleet.root / "openclaw.json")
    if kind == "gone":
        fleet.gateway_lock().write_text(payload(dead_pid(), time.time() - 60.0, configPath=config))
    if kind != "alive":
        yield
        return
    with actor() as process:
        process.take(fleet.gateway_lock(), configPath=config)
        yield


def taken_away(made: Incident, log: str, store: str, keeps_config: bool) -> FleetSnapshot:
    LOGS[log](made.fleet.log)
    STORES[store](made.fleet.sessions() / "sessions.json")
    if not keeps_config:
        (made.fleet.root / "openclaw.json").unlink()
    return made.collector.look()


@settings(max_examples=30, deadline=None)
@given(
    log=st.sampled_from(sorted(LOGS)),
    store=st.sampled_from(sorted(STORES)),
    keeps_config=st.booleans(),
    kind=st.sampled_from(GATEWAYS),
)
def test_of_a_rotation_no_rest_of_the_sources_makes_a_green_answer(log, store, keeps_config, kind):
    with incident() as made, gateway(made.fleet, kind):
        made.holder.take(made.lock)
        made.time_out("atlas:alpha", first=True)
        made.holder.take(made.lock)
        made.time_out("atlas:beta")
        made.holder.take(made.lock)
        snapshot = taken_away(made, log, store, keeps_config)
    assert needs_person(snapshot)
    assert [session.state for session in snapshot.sessions if session.lock and session.state in GREEN] == []


@settings(max_examples=20, deadline=None)
@given(
    log=st.sampled_from(["read", "missing", "refused"]),
    keeps_config=st.booleans(),
    kind=st.sampled_from(["none", "gone"]),
)
def test_with_nothing_running_no_source_is_missed(log, keeps_config, kind):
    with incident() as made, gateway(made.fleet, kind):
        snapshot = taken_away(made, log, "read", keeps_config)
    assert not needs_person(snapshot)
    assert {session.state for session in snapshot.sessions} == {State.IDLE}


@settings(max_examples=20, deadline=None)
@given(
    log=st.sampled_from(["read", "missing", "refused"]),
    store=st.sampled_from(sorted(STORES)),
    kind=st.sampled_from(GATEWAYS),
)
def test_a_healthy_run_is_green_just_where_log_and_store_are_read(log, store, kind):
    with incident() as made, gateway(made.fleet, kind):
        made.holder.take(made.lock)
        snapshot = taken_away(made, log, store, keeps_config=True)
    (session,) = [view for view in snapshot.sessions if view.lock is not None]
    whole = (log, store) == ("read", "read")
    assert (session.state is State.RUNNING) == whole
    assert needs_person(snapshot) == (not whole)
    assert (session.key == KEY) == (store == "read")
    losses = [source for source in Knowledge(snapshot.roots[0]).of(session) if source.lost]
    assert bool(losses) == (not whole)
