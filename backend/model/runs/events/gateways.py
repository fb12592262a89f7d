"""Events of gateways and not of their sessions."""

from __future__ import annotations

from typing import ClassVar

from lockdeck.backend.model.runs.events.base import About, CausalOrder, Handling, PassiveEvent
from lockdeck.backend.model.runs.events.wording import word_or


class GatewayRefused(PassiveEvent, frozen=True):
    """A gateway that was being started was turned away, or waits, because of another owner, or for a `reason` of its own.

    `gateway already running (pid N); lock timeout after Nms` in all versions read. `pid` of the owner as
    OpenClaw read it in the lock, None where the line names none: 2026.9.6 mostly says `another OpenClaw process
    owns gateway-lifecycle` (seen). `waited_ms` before it gave up. `port`: that
    port is taken. `role`: what the owner is that is no gateway (2026.8 on). `waiting`: it goes on trying.
    `reason`: the line's own words where they are none of these. The line names no root.
    """

    pid: int | None = None
    waited_ms: int | None = None
    port: int | None = None
    role: str | None = None
    waiting: bool = False
    reason: str | None = None

    handling: ClassVar[Handling] = Handling("gateway start refused", CausalOrder.LOOSE, About.ROOT, bad=True)

    def sentence(self) -> str:
        """Say who or what kept the gateway out."""
        if self.reason is not None:
            return "a gateway failed to start"
        owner = word_or(self.role, "another gateway" if self.role is None else "another process")
        pid = f", pid {self.pid}" if self.pid is not None else ""
        cause = f"port {self.port} is taken" if self.port is not None else f"{owner} runs already{pid}"
        return f"a gateway that was being started {'waits' if self.waiting else 'was refused'}: {cause}"
