"""A call that does not answer is left behind: nobody waits for it twice, and no threads pile up."""

from __future__ import annotations

import threading
import time

import pytest

from lockdeck.backend.system import patience
from lockdeck.backend.system.patience import PatientCalls


@pytest.fixture
def gate():
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def waiting():
    waiting = PatientCalls(0.05)
    yield waiting
    waiting.close()


def readers():
    return {thread for thread in threading.enumerate() if thread.name == "lockdeck-reader"}


def test_calls_are_answered_in_one_thread_that_stays(waiting):
    before = readers()
    threads = waiting.run_all(dict.fromkeys(range(50), threading.get_ident))
    assert (len(threads), len(set(threads.values())), len(readers() - before)) == (50, 1, 1)
    assert threading.get_ident() not in threads.values()


def test_what_a_call_raises_is_raised(waiting):
    with pytest.raises(ZeroDivisionError):
        waiting.run_all({"a": lambda: 1 / 0})


def test_who_is_late_is_left_out_and_not_called_again_before_it_came_back(waiting, gate, monkeypatch):
    monkeypatch.setattr(patience, "REST_S", 0.0)
    before, calls = readers(), []

    def block():
        calls.append("block")
        gate.wait()

    for _ in range(20):
        assert waiting.run_all({"slow": block, "good": lambda: 1}) == {"good": 1}
    assert (calls, len(readers() - before)) == (["block"], 2)
    gate.set()
    while waiting.is_out("slow"):
        threading.Event().wait(0.01)
    assert waiting.run_all({"slow": lambda: 2}) == {"slow": 2}


def test_who_was_late_has_a_rest_before_anybody_waits_for_it_again(waiting, gate):
    assert waiting.run_all({"slow": gate.wait}) == {}
    gate.set()
    waiting._left["slow"][1]._thread.join()
    began = time.monotonic()
    assert waiting.run_all({"slow": lambda: 1}) == {}
    assert time.monotonic() - began < patience.REST_S


def test_late_ones_are_waited_for_together(gate, monkeypatch):
    waiting = PatientCalls(1.0)
    began = time.monotonic()
    assert waiting.run_all(dict.fromkeys(range(8), gate.wait)) == {}
    assert time.monotonic() - began < 8.0
    waiting.close()


def test_a_call_that_was_left_behind_does_nothing_more(waiting, gate):
    acts = []

    def act():
        gate.wait()
        acts.append("too late")

    assert waiting.run_all({"slow": act}) == {}
    gate.set()
    worker = waiting._left["slow"][1]
    worker._thread.join()
    assert acts == []


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="no clock of another thread here")
def test_a_call_that_is_at_work_gets_more_time(monkeypatch):
    monkeypatch.setattr(patience, "LONGEST", 10_000)
    waiting = PatientCalls(1.0)

    def work():
        began = time.thread_time()
        while time.thread_time() - began < 1.2:
            pass
        return "done"

    assert waiting.run_all({"busy": work}) == {"busy": "done"}
    waiting.close()
