"""A lock of another account names a process of ours: by no way in does it get a signal, and nothing counts as cancelled."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time

import pytest

from lockdeck.backend.system.procfs import read_stat
from tests.secondowner import UID, give_away, needs_root
from tests.unit.cli.test_foreign_root import claw, home
from tests.unit.cli.waysin import EVERY_WAY, dashboard, walk
from tests.unit.fleetdir import iso, payload

__all__ = ["claw", "home"]
pytestmark = needs_root


@pytest.fixture
def named(claw, home):
    """A process of ours that the session's lock and the gateway's lock of another account name, with its start time."""
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    ticks = read_stat(process.pid).start_ticks
    claw.config(gateway={"port": 1})
    claw.lock.write_text(payload(process.pid, starttime=ticks))
    folder = home.home / "tmp" / f"openclaw-{UID}"
    folder.mkdir(mode=0o700)
    config = str(claw.root / "openclaw.json")
    word = {"pid": process.pid, "createdAt": iso(time.time()), "configPath": config, "startTime": ticks}
    (folder / f"gateway.{hashlib.sha256(config.encode()).hexdigest()[:8]}.lock").write_text(json.dumps(word))
    give_away(claw.home, folder)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("vouch", [(), ("--trust-owner", UID)], ids=["foreign", "vouched"])
def test_a_process_that_only_a_lock_of_another_account_names_gets_no_signal_by_any_way(
    claw, home, named, vouch
):
    for way in EVERY_WAY:
        answer = walk(way, claw, home.env, port=1, lock=claw.lock, options=vouch)
        assert named.poll() is None, way
        assert claw.lock.exists(), way
        if way in ("cancel", "cancel --allow restart", "release"):
            assert answer.code != 0, answer.text
    dashboard(claw, home.env, frozenset({UID} if vouch else ()))
    assert named.poll() is None
