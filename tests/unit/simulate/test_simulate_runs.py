"""Runs inside the simulated gateway: rotation, aborts, contention; no child processes here."""

from __future__ import annotations

import asyncio
import json

import pytest

from lockdeck.backend.simulate import lockfile, store
from lockdeck.backend.simulate.attempt import Abort, Result
from lockdeck.backend.simulate.home import Home, furnish
from lockdeck.backend.simulate.log import SIZE_LIMIT, Log
from lockdeck.backend.simulate.runs import Runs
from lockdeck.backend.simulate.tempo import Tempo
from lockdeck.backend.simulate.world import World

KEY = "agent:silas:main"


@pytest.fixture
def world(tmp_path) -> World:
    home = Home(tmp_path)
    furnish(home, 1, 0.05)
    return World(home, Tempo(0.05), Log(home.log()))


def session_of(world: World):
    return next(session for session in store.load_sessions(world.home) if session.key == KEY)


def stored(world: World) -> dict:
    return json.loads(world.home.store("silas").read_text())[KEY]


async def aborted(runs: Runs, run: asyncio.Task, how: Abort) -> None:
    """Abort as soon as an attempt is in flight."""
    while not runs.abort(KEY, how):
        await asyncio.wait({run}, timeout=0.001)
        assert not run.done(), "the run ended before it could be aborted"


async def test_a_healthy_run_answers_and_leaves_no_lock(world):
    session = session_of(world)
    assert await Runs(world).run(session) is Result.ANSWERED
    assert not lockfile.stands(session.lock)
    assert stored(world)["status"] == "done"


@pytest.mark.parametrize(("chat", "status"), [(False, "failed"), (True, "running")])
async def test_a_hang_fails_every_candidate(world, chat, status):
    world.provider.hanging = True
    session = session_of(world)
    assert await Runs(world).run(session, chat) is Result.TIMED_OUT
    log = world.home.log().read_text()
    assert log.count("embedded run timeout") == 5
    assert log.count("candidate_failed") == 2 * 3
    assert "All models failed (3)" in log
    assert stored(world)["status"] == status
    assert not lockfile.stands(session.lock)


async def test_a_stop_ends_the_rotation_for_good(tmp_path):
    home = Home(tmp_path)
    furnish(home, 1, 30.0)
    world = World(home, Tempo(30.0), Log(home.log()))
    world.provider.hanging = True
    session, runs = session_of(world), Runs(world)
    run = asyncio.create_task(runs.run(session))
    await aborted(runs, run, Abort.STOP)
    assert await run is Result.STOPPED
    assert not lockfile.stands(session.lock)
    assert runs.live() == ()
    assert stored(world)["abortedLastRun"]


async def test_a_chat_abort_does_not_reach_a_run_of_the_agent_call(world):
    world.provider.hanging = True
    runs = Runs(world)
    run = asyncio.create_task(runs.run(session_of(world)))
    while not runs.live():
        await asyncio.wait({run}, timeout=0.001)
    assert not runs.abort(KEY, Abort.CHAT)
    await aborted(runs, run, Abort.STOP)
    assert await run is Result.STOPPED


async def test_a_chat_abort_leaves_one_more_hold_on_the_next_profile(world):
    world.provider.hanging = True
    runs = Runs(world)
    run = asyncio.create_task(runs.run(session_of(world), chat=True))
    await aborted(runs, run, Abort.CHAT)
    assert await run is Result.STOPPED
    log = world.home.log().read_text()
    assert log.count('"decision":"rotate_profile"') == 1
    assert "embedded run timeout" not in log


def test_nothing_is_aborted_where_nothing_runs(world):
    assert not Runs(world).abort(KEY, Abort.STOP)


async def test_a_lock_held_by_another_process_fails_the_candidates(world):
    session = session_of(world)
    descriptor = lockfile.create(session.lock)
    assert descriptor is not None
    lockfile.write_payload(descriptor)
    assert await Runs(world).run(session) is Result.TIMED_OUT
    assert world.home.log().read_text().count("session file locked (timeout 10000ms): pid=") >= 3
    lockfile.release(session.lock, descriptor)


async def test_a_second_message_waits_in_the_lane_and_not_on_the_lock(world):
    world.provider.hanging = True
    session, runs = session_of(world), Runs(world)
    both = await asyncio.gather(runs.run(session), runs.run(session))
    assert both == [Result.TIMED_OUT, Result.TIMED_OUT]
    log = world.home.log().read_text()
    assert log.count(f"lane wait exceeded: lane=session:{KEY} waitedMs=") == 1
    assert "session file locked" not in log


async def test_a_cancelled_run_releases_its_lock(world):
    world.provider.hanging = True
    session, runs = session_of(world), Runs(world)
    run = asyncio.create_task(runs.run(session))
    while not lockfile.stands(session.lock):
        await asyncio.wait({run}, timeout=0.001)
    run.cancel()
    await asyncio.wait({run})
    assert run.cancelled()
    assert not lockfile.stands(session.lock)
    assert runs.live() == ()


def test_a_log_that_outgrew_its_limit_starts_afresh(world):
    path = world.home.log()
    world.log.trim()
    with path.open("ab") as file:
        file.truncate(SIZE_LIMIT + 1)
    world.log.trim()
    assert path.stat().st_size == 0
