"""A system call that fails leaves something unknown: nothing is taken for a lock or for a vacancy because of it."""

from __future__ import annotations

import errno
import os
import signal

import pytest
from watchfiles import watch

from lockdeck.backend.actions.release import release as release_module
from lockdeck.backend.actions.release import standin
from lockdeck.backend.actions.release import swap as swap_module
from lockdeck.backend.actions.release.entries import unfinished_actions
from lockdeck.backend.actions.release.records import Status
from lockdeck.backend.actions.release.recovery import recover
from lockdeck.backend.actions.release.site import FileKind, kind_at, no_hook, open_site
from lockdeck.backend.actions.release.standin import run_stand_in
from lockdeck.backend.actions.release.swap import freeze, furnish, take
from lockdeck.backend.actions.turns import turn
from tests.unit.releasing import Root, end

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")

UNKNOWN = (errno.EMFILE, errno.ENFILE, errno.EACCES, errno.ESTALE, errno.EIO, errno.ENOMEM)


@pytest.fixture
def root(tmp_path):
    return Root(tmp_path)


class FailingOpens:
    """`os.open` below an open folder fails from the `first` call on, `times` times."""

    def __init__(self, monkeypatch, code, first, times=1):
        self.code, self.first, self.times, self.calls = code, first, times, 0
        self._open = os.open
        monkeypatch.setattr(os, "open", self)

    def __call__(self, path, flags, *more, dir_fd=None, **options):
        if dir_fd is not None and self.armed and flags & os.O_ACCMODE == os.O_RDONLY:
            self.calls += 1
            if self.first <= self.calls < self.first + self.times:
                raise OSError(self.code, os.strerror(self.code), path)
        return self._open(path, flags, *more, dir_fd=dir_fd, **options)

    armed = False


@pytest.mark.parametrize("code", UNKNOWN)
def test_what_can_not_be_opened_is_not_taken_for_a_lock(root, monkeypatch, code):
    root.write()
    with open_site(str(root.lock), "a1", no_hook, make=True) as site:
        furnish(site, b'{"lockdeck": "a1"}')
        take(site)
        failing = FailingOpens(monkeypatch, code, 1)
        failing.armed = True
        with pytest.raises(OSError, match="Errno"):
            kind_at(site, site.directory, site.name)
        assert kind_at(site, site.directory, site.name) is FileKind.STAND_IN


@pytest.mark.parametrize("code", UNKNOWN)
def test_a_name_whose_lock_can_not_be_looked_at_once_it_is_frozen_gets_it_back(root, monkeypatch, code):
    raw = root.write()
    with open_site(str(root.lock), "a1", no_hook, make=True) as site:
        furnish(site, b'{"lockdeck": "a1"}')
        failing = FailingOpens(monkeypatch, code, 1)
        failing.armed = True
        with pytest.raises(OSError, match="Errno"):
            freeze(site)
        monkeypatch.undo()
        assert root.lock.read_bytes() == raw


@pytest.mark.parametrize("code", UNKNOWN)
@pytest.mark.parametrize("first", range(1, 7))
def test_a_live_lock_taken_out_by_a_lost_race_stands_at_its_name_whichever_call_fails(
    root, monkeypatch, code, first
):
    """The watchman goes on where lockdeck could not."""
    root.write()
    plan, holders = root.plan(), []
    failing = FailingOpens(monkeypatch, code, first)

    def taken_meanwhile(site):
        root.lock.unlink()
        holders.append(root.hold())
        take(site)
        failing.armed = True

    monkeypatch.setattr(swap_module, "take", taken_meanwhile)
    outcome = root.release(plan)
    monkeypatch.undo()
    (holder,) = holders
    try:
        assert outcome.status is not Status.RELEASED
        recover(root.journal, turn_s=30.0)  # the watchman may be at it already
        assert os.path.samestat(os.stat(f"/proc/{holder.pid}/fd/3"), os.stat(root.lock))
        assert root.names() == ["one.jsonl", "one.jsonl.lock"]
    finally:
        end(holder)


def test_the_watchman_tries_again_until_it_can_put_things_right(root, monkeypatch):
    """Nobody starts lockdeck again: the sessions directory is away for a while and comes back."""
    raw = root.write()
    away = root.sessions.with_name("away")

    class CrashError(Exception):
        pass

    def dying(name):
        if name == "taken":
            root.sessions.rename(away)
            raise CrashError

    with pytest.raises(CrashError):
        root.release(on_step=dying)
    with turn(root.journal.folder, str(root.sessions), 10):
        away.rename(root.sessions)
    for _ in watch(root.journal.folder, yield_on_timeout=True, rust_timeout=50, step=10, debounce=20):
        if not unfinished_actions(root.journal.walk)[1]:
            break
    assert root.lock.read_bytes() == raw
    assert root.names() == ["one.jsonl", "one.jsonl.lock"]


def test_a_stand_in_that_was_stopped_does_not_hold_up_a_release(root, monkeypatch):
    monkeypatch.setattr(standin, "LEAVE_S", 0.2)
    root.write()
    stopped = []
    run = run_stand_in

    def remember(journal, account=None):
        started = run(journal, account)
        enter = started.__enter__

        class Remembered:
            def __enter__(self):
                stopped.append(enter().pid)
                os.kill(stopped[0], signal.SIGSTOP)
                return standin.StandIn(stopped[0], None)

            def __exit__(self, *failure):
                return started.__exit__(*failure)

        return Remembered()

    monkeypatch.setattr(release_module, "run_stand_in", remember)
    assert root.release().status is Status.RELEASED
    assert not os.path.exists(f"/proc/{stopped[0]}")
    with turn(root.journal.folder, str(root.sessions), 0):
        assert root.names() == ["one.jsonl"]
