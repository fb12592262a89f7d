"""The last rung from the dashboard where no lock file tells: a real process stands for the gateway."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from textual.widgets import Input

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.model.fleet import FleetSnapshot, RootView, RunHolder, SessionView, Severity, State
from lockdeck.backend.model.runs.records import Hold, Occupation
from lockdeck.tui.dialogs.cancel import CancelDialog
from lockdeck.tui.dialogs.result import ResultDialog
from lockdeck.tui.operations import ActionContext
from tests.tui.stage import dashboard, frame, show, wait_for
from tests.unit.gatewayproc import GatewayProcess

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="start times come from /proc")
KEY = "agent:silas:main"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root of 2026.9 to which we have no access."""
    made = tmp_path / "root"
    (made / "agents").mkdir(parents=True)
    (made / "openclaw.json").write_text(json.dumps({"gateway": {"port": 1, "auth": {"mode": "token"}}}))
    return made


@pytest.fixture
def gateway(root: Path) -> Iterator[GatewayProcess]:
    process = GatewayProcess(root)
    yield process
    process.close()


def stuck(root: Path) -> FleetSnapshot:
    now = time.time()
    held = Occupation(KEY, now - 300.0, 2, (Hold("r1", None, now - 60.0),))
    session = SessionView(
        str(root), "silas", KEY, "s1", State.STUCK, Severity.CRITICAL, now - 240.0, ("it hangs",),
        occupation=held, holder=RunHolder(None, "r1", "atlas/atlas-large", now - 300.0),
    )  # fmt: skip
    return FleetSnapshot(now, "host", (RootView(str(root), "sqlite", version="2026.9.6"),), (session,))


async def test_a_gateway_without_access_is_ended_after_its_name_was_typed(
    root: Path, gateway: GatewayProcess
) -> None:
    env = {"HOME": str(root.parent), "TMPDIR": str(root.parent), "PATH": ""}
    journal = Journal(str(root.parent / "deck" / "journal.jsonl"))
    app = dashboard(now=time.time(), action_context=ActionContext(journal=journal, env=env, wait=time.sleep))
    async with app.run_test(size=(140, 50)) as pilot:
        await show(pilot, stuck(root))
        await pilot.press("c")
        await wait_for(
            pilot, lambda: isinstance(app.screen, CancelDialog) and "End the gateway" in frame(app)
        )
        # Where a line ends depends on how many digits the pid has.
        shown = " ".join(frame(app).replace("│", " ").split())
        assert f"pid {gateway.pid}, the gateway" in shown
        assert "type the name of the process" in shown
        assert "up to 315 s" in shown
        assert "how many other runs end with it" in shown
        await pilot.press(*"restart", "enter")
        assert isinstance(app.screen, CancelDialog)  # a word that is the same for every gateway names none
        app.screen.query_one(Input).value = ""
        name = os.path.basename(sys.executable)
        await pilot.press(*name, "enter")
        await wait_for(
            pilot,
            lambda: isinstance(app.screen, ResultDialog) and not app.jobs.job(app.screen.number).running,
        )
        assert "no gateway serves this root until one is started" in " ".join(frame(app).split())
    assert psutil.Process(gateway.pid).status() == psutil.STATUS_ZOMBIE
