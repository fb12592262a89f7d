"""Locks that are being let go, and locks at rest, as the collector follows them."""

from __future__ import annotations

import json
import os

import pytest

from lockdeck.backend.actions.release.standin import lock_payload, run_stand_in
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.trust import Vouch
from lockdeck.backend.openclaw.locks.lockfile import work_folder_name
from lockdeck.backend.openclaw.roots.discovery import Root
from lockdeck.backend.system import processes
from lockdeck.backend.watch.locks import LETTING_GO_S, WatchedLocks
from lockdeck.backend.watch.root import WatchedRoot
from tests.unit.fleetdir import actor

NOW = 1_800_000_000.0


@pytest.fixture
def root(tmp_path):
    sessions = tmp_path / "root" / "agents" / "main" / "sessions"
    sessions.mkdir(parents=True)
    (tmp_path / "root" / "openclaw.json").write_text("{}")
    watch = WatchedRoot(Root(str(tmp_path / "root"), Vouch(own_namespace=True)), {"HOME": str(tmp_path)})
    watch.refresh()
    return watch


def every(locks):
    return [view for views in locks.views.values() for view in views]


def look(locks, root, now, full=True):
    directories = list(root.directories.values())
    for directory in directories:
        directory.refresh()
    graces = dict.fromkeys((path for chains in locks.occupations.values() for path in chains), 3.0)
    locks.look(root, directories, graces, now, full)
    return [view.judgement.verdict for view in every(locks)]


def test_a_lock_whose_holder_has_just_closed_it_is_not_called_leaked(root):
    lock = next(iter(root.directories)) + "/one.jsonl.lock"
    locks = WatchedLocks()
    with actor() as holder:
        holder.take(lock)
        assert look(locks, root, NOW) == [Verdict.HELD]
        holder.close(lock)
        assert look(locks, root, NOW + 0.5, full=False) == [Verdict.HELD]
        assert os.path.dirname(lock) in locks.due
        assert look(locks, root, NOW + 0.5 + LETTING_GO_S) == [Verdict.LEAKED]
        os.unlink(lock)
        assert look(locks, root, NOW + 5) == []
        assert not locks._closing


def test_a_lock_is_leaked_at_the_second_look_at_the_earliest(root):
    lock = next(iter(root.directories)) + "/one.jsonl.lock"
    ticks = processes.look(os.getpid()).identity.start_ticks
    with open(lock, "w") as file:
        json.dump({"pid": os.getpid(), "createdAt": "2026-04-05T00:00:00.000Z", "starttime": ticks}, file)
    locks = WatchedLocks()
    assert look(locks, root, NOW) == [Verdict.HELD]
    assert "lets go of it, or has leaked it" in every(locks)[0].judgement.reasons[0]
    assert locks.undecided == (lock,)
    assert look(locks, root, NOW + LETTING_GO_S) == [Verdict.LEAKED]
    assert (look(locks, root, NOW + 9.0), locks.undecided) == ([Verdict.LEAKED], ())


def test_who_looks_twice_only_decides_at_the_second_look(root):
    lock = next(iter(root.directories)) + "/one.jsonl.lock"
    ticks = processes.look(os.getpid()).identity.start_ticks
    with open(lock, "w") as file:
        json.dump({"pid": os.getpid(), "createdAt": "2026-04-05T00:00:00.000Z", "starttime": ticks}, file)
    locks = WatchedLocks()
    look(locks, root, NOW)
    locks.decide()
    assert look(locks, root, NOW + 0.1) == [Verdict.LEAKED]


def test_a_stand_in_of_ours_says_that_its_release_is_under_way_and_occupies_no_session(root, tmp_path):
    lock = next(iter(root.directories)) + "/one.jsonl.lock"
    with run_stand_in(str(tmp_path / "journal.jsonl")) as stand_in:
        with open(lock, "wb") as file:
            file.write(lock_payload(stand_in, "abc123", NOW))
        assert look(WatchedLocks(), root, NOW) == [Verdict.HELD], "no release of that name is under way"
        os.mkdir(os.path.join(os.path.dirname(lock), work_folder_name("abc123")))
        locks = WatchedLocks()
        assert look(locks, root, NOW) == [Verdict.RELEASING]
        assert f"release under way by pid {stand_in.pid}" in every(locks)[0].judgement.reasons[0]
        assert not locks.occupations
    assert look(WatchedLocks(), root, NOW) == [Verdict.DEAD], "it died before the release was done"


def test_a_deleted_lock_that_is_open_stays_known_while_another_stands_in_its_place(root):
    lock = next(iter(root.directories)) + "/one.jsonl.lock"
    locks = WatchedLocks()
    with actor() as first, actor() as second:
        first.take(lock)
        os.unlink(lock)
        second.take(lock)
        look(locks, root, NOW)
        assert look(locks, root, NOW + 1, full=False) == [Verdict.HELD]
        assert [holder.pid for holder in every(locks)[0].evidence.deleted_openers] == [first.pid]
        first.close(lock)
        assert look(locks, root, NOW + 2, full=False) == [Verdict.HELD]
        assert not every(locks)[0].evidence.deleted_openers


def test_a_lock_that_nobody_held_ends_its_occupation_when_it_goes(root):
    lock = next(iter(root.directories)) + "/one.jsonl.lock"
    locks = WatchedLocks()
    with actor() as holder:
        holder.take(lock)
        look(locks, root, NOW)
        os.unlink(lock)
        holder.close(lock)
        look(locks, root, NOW + 1)
        assert lock in locks.occupations.get(os.path.dirname(lock), ()), (
            "what was held may be taken again in a moment"
        )
        look(locks, root, NOW + 9)
    with open(lock, "w") as file:
        json.dump({"pid": 4194305, "createdAt": "2026-04-05T00:00:00.000Z"}, file)
    assert look(locks, root, NOW + 10) == [Verdict.DEAD]
    assert lock in locks.occupations.get(os.path.dirname(lock), ())
    os.unlink(lock)
    look(locks, root, NOW + 11)
    assert lock not in locks.occupations.get(os.path.dirname(lock), ())
