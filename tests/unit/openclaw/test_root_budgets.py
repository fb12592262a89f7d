"""What stands in one root costs no more than its budget together, however it is spread over files."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lockdeck.backend.model.locks import LockKind, Presence
from lockdeck.backend.openclaw.locks.lockfile import CAP_BYTES, read_lock
from lockdeck.backend.openclaw.roots import era
from lockdeck.backend.openclaw.roots.budgets import BudgetError
from lockdeck.backend.openclaw.roots.discovery import place_of
from lockdeck.backend.openclaw.roots.era import era_of
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.watch.collector import Collector
from tests.unit.fleetdir import FleetDir


def databases(root: Path, count: int) -> None:
    """Plant databases without sessions, all the same file."""
    first = root / "agents" / "main" / "agent" / "openclaw-agent.sqlite"
    first.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(first)) as connection:
        connection.execute("CREATE TABLE other (x)")
    for number in range(1, count):
        folder = root / "agents" / f"a{number}" / "agent"
        folder.mkdir(parents=True)
        os.link(first, folder / first.name)


def test_databases_past_the_budget_of_their_root_decide_nothing(tmp_path, monkeypatch):
    databases(tmp_path, 10)
    assert era_of(str(tmp_path)) == "files"
    monkeypatch.setattr(era, "ERA_PAGES", 9)
    with pytest.raises(BudgetError, match="9 pages"):
        era_of(str(tmp_path))
    monkeypatch.setattr(era, "ERA_PAGES", 100)
    monkeypatch.setattr(era, "ERA_BYTES", 9 * 4096)
    with pytest.raises(BudgetError, match="36864 bytes"):
        era_of(str(tmp_path))


def test_a_root_without_a_known_era_is_unseen_and_its_locks_are_only_shown(tmp_path, monkeypatch):
    fleet = FleetDir(tmp_path)
    fleet.config()
    lock = fleet.root / "agents" / "main" / "sessions" / "a.jsonl.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("{}")
    databases(fleet.root, 10)
    monkeypatch.setattr(era, "ERA_PAGES", 9)
    (root,) = Collector.discover([str(fleet.root)], Settings(), env=fleet.env).look().roots
    assert root.unseen
    assert any("9 pages" in problem for problem in root.problems)
    env = {**fleet.env, "OPENCLAW_STATE_DIR": str(fleet.root)}
    assert place_of(str(lock), env, Settings().vouch_for).kind is LockKind.OTHER


def test_of_a_lock_its_size_and_a_hash_are_kept_whatever_stands_in_it(tmp_path):
    for size, presence in ((100, Presence.FILE), (CAP_BYTES, Presence.FILE), (65536, Presence.UNREADABLE)):
        path = tmp_path / "a.jsonl.lock"
        path.write_bytes(b"x" * size)
        record = read_lock(str(path), str(tmp_path), None, LockKind.SESSION)
        assert record.presence is presence
        identity = record.identity
        assert identity is not None
        assert identity.size == min(size, CAP_BYTES)
        assert identity.has_bytes(b"x" * identity.size)
        assert not identity.has_bytes(b"x" * (identity.size + 1))
        assert not identity.has_bytes(b"y" * identity.size)
        kept = [word for word in (identity.digest, identity.release_id) if len(word) > 32]
        assert kept == []


def test_a_root_with_too_many_locks_is_unseen_and_the_one_beside_it_is_not(tmp_path, monkeypatch):
    fleets = []
    for name in ("good", "greedy"):
        (tmp_path / name).mkdir()
        fleets.append(FleetDir(tmp_path / name))
        fleets[-1].session()
        fleets[-1].config()
    monkeypatch.setattr("lockdeck.backend.watch.root.LOCKS", 5)
    folder = fleets[1].root / "agents" / "main" / "sessions"
    (folder / "a.jsonl.lock").write_text("{}")
    for number in range(6):
        os.link(folder / "a.jsonl.lock", folder / f"b{number}.jsonl.lock")
    snapshot = Collector.discover([str(f.root) for f in fleets], Settings(), env=fleets[0].env).look()
    good, greedy = snapshot.roots
    assert (good.unseen, greedy.unseen) == (False, True)
    assert any("7 locks" in problem for problem in greedy.problems)
    assert [view for view in snapshot.locks if view.record.root == str(fleets[1].root)] == []
