"""How fast the demo plays: everything scales with the length of one attempt."""

from __future__ import annotations

from msgspec import Struct

DEFAULT_PACE = 6.0
"""Seconds that one attempt lasts under the hang; OpenClaw 2026.4.5 really waits 60."""
REAL_ATTEMPT_S = 60.0
LOCK_TIMEOUT_MS = 10_000
"""What a caller of 2026.4.5 says it waited for a lock, whatever the pace."""
GAPS_S = (0.53, 0.79, 0.02, 0.9)
"""Time without a lock after each attempt, as seen on 2026.4.5; at the default pace they are played 1:1."""


class Tempo(Struct, frozen=True):
    """`attempt` is the length of one attempt in seconds."""

    attempt: float

    def scaled(self, real_s: float) -> float:
        """Turn seconds of the real incident into seconds of the demo."""
        return real_s * self.attempt / REAL_ATTEMPT_S

    @property
    def lock_wait(self) -> float:
        """How long a caller polls for a lock, in seconds: 10 s scaled."""
        return self.scaled(LOCK_TIMEOUT_MS / 1000)

    def gap(self, attempts_done: int) -> float:
        """Seconds without a lock after so many attempts of a run (1 or more)."""
        return GAPS_S[(attempts_done - 1) % len(GAPS_S)] * min(1.0, self.attempt / DEFAULT_PACE)
