"""Real locks in a real root, seen by a real collector and acted on from a dashboard; waits cost nothing."""

from __future__ import annotations

import json
import time
from dataclasses import replace  # noqa: TID251 - of a context that holds secrets and is a dataclass
from pathlib import Path

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.settings.records import RootSettings, Settings
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.operations import ActionContext
from tests.tui.stage import dashboard, show
from tests.unit.releasing import Root

SIZE = (100, 40)


class Yard(Root):
    """A root with any number of sessions; what its dashboard does is done for real."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        self.path = str(folder / "root")
        self.settings = Settings(roots=(RootSettings(self.path, own_namespace=True),))
        self.action_context = ActionContext(
            journal=self.journal, env={}, settings=self.settings, watch_s=0.0, wait=lambda _seconds: None
        )
        self.names_of: list[str] = []

    def dead(self, *names: str) -> None:
        """Give each named session a transcript, and a lock of a process that never was."""
        for name in names:
            self.session(name)
            self.lock_of(name).write_bytes(self._payload())

    def session(self, name: str) -> None:
        """Add a session `agent:main:<name>`."""
        self.names_of.append(name)
        (self.sessions / f"{name}.jsonl").write_text('{"type":"session"}\n')
        store = {
            f"agent:main:{known}": {
                "sessionId": known,
                "sessionFile": str(self.sessions / f"{known}.jsonl"),
                "updatedAt": 1_775_000_000_000,
            }
            for known in self.names_of
        }
        (self.sessions / "sessions.json").write_text(json.dumps(store))

    def lock_of(self, name: str) -> Path:
        return self.sessions / f"{name}.jsonl.lock"

    def replace_lock(self, name: str) -> bytes:
        """Put another hold at the name, of another dead process; return its bytes."""
        self.lock_of(name).unlink()
        raw = self._payload(pid=4194306)
        self.lock_of(name).write_bytes(raw)
        return raw

    def look(self) -> FleetSnapshot:
        """Return the fleet as it is now."""
        collector = Collector.discover((self.path,), self.settings, env={"HOME": str(self.folder)})
        try:
            return collector.look()
        finally:
            collector.close()

    def dashboard(self, **options: object) -> LockdeckApp:
        action_context = replace(self.action_context, **options.pop("action_context", {}))  # type: ignore[arg-type]
        return dashboard(now=time.time(), action_context=action_context, **options)

    async def shown(self, pilot: object) -> FleetSnapshot:
        """Look, and show it on the dashboard."""
        snapshot = self.look()
        await show(pilot, snapshot)
        return snapshot

    @staticmethod
    def _payload(pid: int = 4194305) -> bytes:
        return json.dumps({"pid": pid, "createdAt": "2026-04-05T03:00:00.000Z"}).encode()


def release_id(snapshot: FleetSnapshot, name: str) -> str:
    """Return the release id of a session's lock."""
    (found,) = [lock for lock in snapshot.locks if lock.record.path.endswith(f"/{name}.jsonl.lock")]
    assert found.release_id is not None
    return found.release_id
