"""`sessions.json` as the gateway keeps it: a short store lock, a temporary file, an atomic rename."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from lockdeck.backend.simulate import lockfile
from lockdeck.backend.simulate.cast import AGENTS, Session
from lockdeck.backend.simulate.clock import epoch_ms
from lockdeck.backend.simulate.home import Home


def load_sessions(home: Home) -> Iterator[Session]:
    """Yield every session that the stores of the fleet name."""
    for agent in AGENTS:
        entries = json.loads(home.store(agent).read_text(encoding="utf-8"))
        for key, entry in entries.items():
            yield Session(key, entry["sessionId"], entry["sessionFile"])


def update(home: Home, session: Session, changes: dict[str, object]) -> None:
    """Merge `changes` into the session's entry. Only the gateway process calls this."""
    path = home.store(session.agent)
    lock = f"{path}.lock"
    descriptor = lockfile.create(lock)
    try:
        if descriptor is not None:
            lockfile.write_payload(descriptor)
        _rewrite(path, session.key, {**changes, "updatedAt": epoch_ms()})
    finally:
        if descriptor is not None:
            lockfile.release(lock, descriptor)


def _rewrite(path: Path, key: str, changes: dict[str, object]) -> None:
    entries = json.loads(path.read_text(encoding="utf-8"))
    entries[key] = {**entries[key], **changes}
    fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)
