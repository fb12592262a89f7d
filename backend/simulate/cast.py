"""Who plays in the demo: four agents, one failover chain, and the sessions that only helpers touch."""

from __future__ import annotations

import hashlib

from msgspec import Struct

from lockdeck.backend.model.runs.chain import Candidate

VERSION = "2026.4.5"
TOKEN = "demo-fleet-token"  # noqa: S105  (guards nothing: the fleet is a simulation on loopback)

AGENTS = ("main", "silas", "ezra", "juno")
CHAIN = (
    Candidate("atlas", "atlas-large", ("atlas:alpha", "atlas:beta")),
    Candidate("borealis", "borealis-medium", ("borealis:alpha", "borealis:beta")),
    Candidate("cygnus", "cygnus-small", ("cygnus:solo",)),
)
"""Three models with 2 + 2 + 1 profiles: a hang costs five attempts, as in the incident."""

ON_THIS_MACHINE = Candidate("ollama", "qwen3-coder")
"""The model of the local run: the outage does not touch it."""

CRASHED = "agent:ezra:cron:nightly-digest"
LEAKED = "agent:juno:discord:channel:ops"
LOCAL = "agent:main:release-notes"
SIDE_SESSIONS = (CRASHED, LEAKED, LOCAL)


class Session(Struct, frozen=True):
    """One session of the fleet. `transcript` is the absolute path of its `.jsonl`."""

    key: str
    session_id: str
    transcript: str

    @property
    def agent(self) -> str:
        """The agent's id, second part of the key."""
        return self.key.split(":")[1]

    @property
    def lock(self) -> str:
        """Where OpenClaw puts the write lock of this session."""
        return self.transcript + ".lock"


def main_key(agent: str) -> str:
    """Return the key of an agent's main session."""
    return f"agent:{agent}:main"


def digest(text: str) -> str:
    """Hash as 2026.4.5 logs it: `sha256:` and 12 hex digits (atlas:alpha gives cfcfc3d3ac52)."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:12]
