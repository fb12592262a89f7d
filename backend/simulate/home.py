"""The private directory of one simulated fleet: where things are, and what stands there at the start."""

from __future__ import annotations

import json
import os
import sys
import uuid
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from lockdeck.backend.simulate.cast import (
    AGENTS,
    CHAIN,
    SIDE_SESSIONS,
    TOKEN,
    VERSION,
    Session,
    main_key,
)
from lockdeck.backend.simulate.clock import epoch_ms
from lockdeck.backend.simulate.transcript import Transcript


class Home(Struct, frozen=True):
    """Paths of one fleet. `path` is absolute, resolved, and belongs to the fleet alone."""

    path: Path

    @property
    def root(self) -> Path:
        """The state directory."""
        return self.path / ".openclaw"

    @property
    def config(self) -> Path:
        """The configuration of the gateway."""
        return self.root / "openclaw.json"

    @property
    def errors(self) -> Path:
        """What the gateway process writes to stderr."""
        return self.root / "logs" / "gateway.err.log"

    @property
    def tmp(self) -> Path:
        """The directory that stands in for /tmp."""
        return self.path / "tmp"

    @property
    def runtime(self) -> Path:
        """OpenClaw's own folder in the temporary directory: log and gateway lock."""
        return self.tmp / f"openclaw-{os.getuid()}"

    @property
    def gateway_lock(self) -> Path:
        """The single-instance lock, named after the config path (2026.4.5)."""
        return self.runtime / f"gateway.{sha256(str(self.config).encode()).hexdigest()[:8]}.lock"

    @property
    def programs(self) -> Path:
        """Links to the interpreter under OpenClaw's names, so that `ps` shows them."""
        return self.path / "bin"

    def log(self) -> Path:
        """Return the log file. It keeps the local date of the fleet's start, also past midnight."""
        today = self.runtime / f"openclaw-{datetime.now(UTC).astimezone():%Y-%m-%d}.log"
        return next(self.runtime.glob("openclaw-*.log"), today)

    def sessions(self, agent: str) -> Path:
        """Return the directory of an agent's store, transcripts and locks."""
        return self.root / "agents" / agent / "sessions"

    def store(self, agent: str) -> Path:
        """Return an agent's `sessions.json`."""
        return self.sessions(agent) / "sessions.json"

    def environment(self) -> dict[str, str]:
        """What OpenClaw's own discovery looks at."""
        return {"HOME": str(self.path), "OPENCLAW_STATE_DIR": str(self.root), "TMPDIR": str(self.tmp)}


def furnish(home: Home, port: int, attempt_s: float) -> None:
    """Write everything that stands before the gateway starts. Raises OSError."""
    for folder in (home.root, home.tmp, home.runtime):
        folder.mkdir(mode=0o700)
    for folder in (home.errors.parent, home.programs):
        folder.mkdir()
    for name in ("openclaw-gateway", "openclaw"):
        # The resolved interpreter: a link to a virtual environment's link would not find its library.
        (home.programs / name).symlink_to(os.path.realpath(sys.executable))
    home.log().touch(mode=0o600)
    _write_private(home.config, _config(home, port, attempt_s))
    for agent in AGENTS:
        _furnish_agent(home, agent)


def _furnish_agent(home: Home, agent: str) -> None:
    (home.root / f"workspace-{agent}").mkdir()
    home.sessions(agent).mkdir(parents=True)
    credentials = home.root / "agents" / agent / "agent"
    credentials.mkdir()
    profiles = {
        profile: {"type": "api_key", "provider": candidate.provider, "key": "simulated"}
        for candidate in CHAIN
        for profile in candidate.profiles
    }
    _write_private(credentials / "auth-profiles.json", {"version": 1, "profiles": profiles})
    keys = [main_key(agent), *(key for key in SIDE_SESSIONS if key.split(":")[1] == agent)]
    store: dict[str, object] = {}
    for key in keys:
        session = _new_session(home, key)
        Transcript(session).begin(str(home.root / f"workspace-{agent}"))
        store[key] = {
            "sessionId": session.session_id,
            "updatedAt": epoch_ms(),
            "sessionFile": session.transcript,
            "status": "done",
            "abortedLastRun": False,
            "modelProvider": CHAIN[0].provider,
            "model": CHAIN[0].model,
        }
    _write_private(home.store(agent), store)


def _new_session(home: Home, key: str) -> Session:
    session_id = str(uuid.uuid4())
    return Session(key, session_id, str(home.sessions(key.split(":")[1]) / f"{session_id}.jsonl"))


def _config(home: Home, port: int, attempt_s: float) -> dict[str, object]:
    """Build openclaw.json in 2026.4.5's words; run and idle timeouts are one attempt long."""
    models = [f"{candidate.provider}/{candidate.model}" for candidate in CHAIN]
    order = {candidate.provider: list(candidate.profiles) for candidate in CHAIN}
    modes = {p: {"provider": c.provider, "mode": "api_key"} for c in CHAIN for p in c.profiles}
    defaults = {
        "model": {"primary": models[0], "fallbacks": models[1:]},
        "models": {model: {} for model in models},
        "timeoutSeconds": _plain(attempt_s),
        "llm": {"idleTimeoutSeconds": _plain(attempt_s)},
    }
    agents = [
        {"id": a, "name": a.capitalize(), "workspace": str(home.root / f"workspace-{a}")} for a in AGENTS
    ]
    return {
        "meta": {"lastTouchedVersion": VERSION},
        "gateway": {
            "mode": "local",
            "port": port,
            "bind": "loopback",
            "auth": {"mode": "token", "token": TOKEN},
        },
        "auth": {"profiles": modes, "order": order},
        "agents": {"defaults": defaults, "list": [{**agents[0], "default": True}, *agents[1:]]},
    }


def _plain(seconds: float) -> float | int:
    return int(seconds) if seconds == int(seconds) else seconds


def _write_private(path: Path, content: object) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
