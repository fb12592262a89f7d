"""All who judge a lock judge it alike: `status`, `explain`, `release` and `cancel` are handed one place by discovery."""

from __future__ import annotations

import ast
import json
import os

import pytest

from lockdeck.backend.actions.cancel.holder import gateway_lock_of
from lockdeck.backend.actions.cancel.plan import plan_cancel
from lockdeck.backend.actions.release.plan import plan_release
from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.openclaw.locks import evidence
from lockdeck.backend.settings.records import RootSettings, Settings
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.cli.explain import explain_lock
from tests.folders import REPOSITORY
from tests.unit.fleetdir import PAST, FleetDir, dead_pid, payload


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    """A root that processes of other pid namespaces could write, as seen from inside a container."""
    monkeypatch.setattr(evidence.namespaces, "in_initial_pid_namespace", lambda: False)
    monkeypatch.setattr(evidence, "may_be_shared", lambda _volume: True)
    fleet = FleetDir(tmp_path)
    for name, value in fleet.env.items():
        monkeypatch.setenv(name, value)
    return fleet


def verdicts(fleet, lock, vouched, capsys):
    """What each of the four says of a lock, and the plan of the cancel."""
    settings = Settings(roots=(RootSettings(str(fleet.root), own_namespace=vouched),))
    collector = Collector.discover([str(fleet.root)], settings, env=fleet.env)
    try:
        snapshot = collector.look()
    finally:
        collector.close()
    (view,) = snapshot.locks
    explain_lock(str(lock), settings, as_json=True)
    explained = json.loads(capsys.readouterr().out)
    release = plan_release(str(lock), view.release_id, env=fleet.env, vouches=settings.vouch_for)
    (session,) = snapshot.sessions
    cancel = plan_cancel(
        session,
        snapshot.roots[0],
        env=fleet.env,
        folder=str(fleet.home / "state"),
        wait=lambda _seconds: None,
    )
    return view.judgement.verdict, explained["verdict"], release.view.judgement.verdict, cancel


@pytest.mark.parametrize(("vouched", "verdict"), [(True, "dead"), (False, "foreign")])
def test_status_explain_release_and_cancel_agree_on_a_lock(fleet, vouched, verdict, capsys):
    lock = fleet.session()
    lock.write_text(payload(dead_pid(), PAST))
    *others, cancel = verdicts(fleet, lock, vouched, capsys)
    assert [*others, cancel.view.judgement.verdict] == [verdict] * 4
    assert ("release the lock instead" in " ".join(cancel.refusal)) is vouched


@pytest.mark.parametrize(("vouched", "verdict"), [(True, "dead"), (False, "foreign")])
def test_status_explain_release_and_cancel_agree_on_a_gateways_lock(fleet, vouched, verdict, capsys):
    fleet.session()
    lock = fleet.gateway_lock()
    lock.write_text(payload(dead_pid(), PAST, configPath=str(fleet.root / "openclaw.json")))
    *others, cancel = verdicts(fleet, lock, vouched, capsys)
    by_cancel = gateway_lock_of(cancel.route, PAST + 1000)
    assert by_cancel.record.kind is LockKind.GATEWAY
    assert [*others, by_cancel.judgement.verdict] == [verdict] * 4


def test_only_discovery_makes_places():
    makers = set()
    for folder in ("backend", "tui"):
        for path in (REPOSITORY / folder).rglob("*.py"):
            tree = ast.parse(path.read_text())
            if _imports_place(tree) or path.match("roots/place.py"):
                makers |= {
                    os.path.relpath(path, REPOSITORY) for node in ast.walk(tree) if _makes_a_place(node)
                }
    assert makers == {"backend/openclaw/roots/place.py"}


def _imports_place(tree):
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "lockdeck.backend.openclaw.roots.place"
        and any(alias.name == "Place" for alias in node.names)
        for node in ast.walk(tree)
    )


def _makes_a_place(node):
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
    return name == "Place"
