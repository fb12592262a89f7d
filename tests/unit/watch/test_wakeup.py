"""When the collector looks: how long it rests between two looks, and what ends its wait."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.trust import Vouch
from lockdeck.backend.openclaw.roots.discovery import Root
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.watch.logs.paths import LogPaths
from lockdeck.backend.watch.root import WatchedRoot
from lockdeck.backend.watch.wakeup.bell import Bell
from lockdeck.backend.watch.wakeup.wakeup import ALLOWANCE_S, LONGEST_PAUSE_S, PAUSE_S, SHARE, Load, Wakeup
from tests.unit.fleetdir import FleetDir

FAR_S = 3600.0
linux = pytest.mark.skipif(not LINUX, reason="elsewhere logs are polled")


def live(load: Load, works: list[float], now: float = 0.0) -> tuple[float, list[float]]:
    """Work so long each time and rest as told; return the time at the end and the rests."""
    rests = []
    for work in works:
        load.awake(now)
        now += work
        rests.append(load.pause(now))
        now += rests[-1]
    return now, rests


def test_now_and_then_a_look_is_followed_by_the_shortest_rest():
    assert live(Load(), [0.003] * 200)[1] == [PAUSE_S] * 200


def test_a_burst_after_quiet_times_is_not_held_up():
    assert live(Load(), [0.02] * 9)[1] == [PAUSE_S] * 9


def test_a_look_that_took_long_is_rested_for_once():
    _end, rests = live(Load(), [5.0, 0.001, 0.001, 0.001, 0.001])
    assert rests[0] == pytest.approx(LONGEST_PAUSE_S)
    assert rests[-1] == PAUSE_S


@given(st.lists(st.floats(0.0, SHARE * LONGEST_PAUSE_S), min_size=50, max_size=400))
def test_a_storm_costs_no_more_than_its_share(works):
    end, rests = live(Load(), works)
    assert sum(works) <= SHARE * end + ALLOWANCE_S + LONGEST_PAUSE_S * SHARE + max(works)
    assert all(PAUSE_S <= rest <= LONGEST_PAUSE_S for rest in rests)


@pytest.fixture
def fleet(tmp_path):
    fleet = FleetDir(tmp_path)
    fleet.session()
    return fleet


@pytest.fixture
def paths(fleet):
    fleet.log.touch()
    return LogPaths((str(fleet.log),), (str(fleet.log),))


@pytest.fixture
def alarm(fleet, paths):
    """A wakeup over a fleet in which nothing happens any more."""
    root = WatchedRoot(Root(str(fleet.root), Vouch()), fleet.env)
    root.refresh()
    alarm = Wakeup()
    alarm.watch([root], paths)
    stop = threading.Event()
    while not alarm.live or alarm.wait(stop, time.monotonic(), paths):
        pass
    yield alarm
    alarm.stop()
    stop.set()


@pytest.fixture
def sleeps(monkeypatch):
    """For how long (seconds) each wait in the kernel was meant to be."""
    asked, wait = [], Bell.wait

    def recorded(bell, seconds, *others):
        asked.append(seconds)
        return wait(bell, seconds, *others)

    monkeypatch.setattr(Bell, "wait", recorded)
    return asked


def waiting(alarm, paths):
    """Wait in a thread for an hour; gives the thread, its answers, and what ends it."""
    stop, answers = threading.Event(), []
    thread = threading.Thread(
        target=lambda: answers.append(alarm.wait(stop, time.monotonic() + FAR_S, paths))
    )
    thread.start()
    return thread, answers, stop


@linux
def test_where_nothing_happens_one_sleep_lasts_until_the_next_full_look(alarm, paths, sleeps):
    alarm.wait(threading.Event(), time.monotonic(), paths)
    thread, answers, _ = waiting(alarm, paths)
    while not sleeps:
        time.sleep(0.001)
    alarm.ring()
    thread.join()
    assert answers == [set()]
    assert [seconds > FAR_S - 60 for seconds in sleeps] == [True]


def test_a_wait_ends_when_the_collector_is_to_end(fleet, paths):
    alarm = Wakeup()
    thread, answers, stop = waiting(alarm, paths)
    stop.set()
    thread.join()
    assert answers == [set()]
    alarm.stop()
    alarm.ring()  # a connection that is late with its news finds nobody


@linux
def test_a_line_in_a_log_ends_a_wait_and_names_no_directory(alarm, fleet, paths):
    thread, answers, _ = waiting(alarm, paths)
    with fleet.log.open("a") as log:
        log.write("a line\n")
    thread.join()
    assert answers == [set()]


@linux
def test_a_lock_ends_a_wait_and_names_its_directory(alarm, fleet, paths):
    thread, answers, _ = waiting(alarm, paths)
    (fleet.sessions() / "a.jsonl.lock").touch()
    thread.join()
    assert answers == [{str(fleet.sessions())}]
