"""Whether a stream that is never silent tells of now: by the times in its lines, and by how fast these go on."""

from __future__ import annotations

from collections.abc import Sequence

from lockdeck.backend.model.moments import DAY_S
from lockdeck.backend.openclaw.log.arrivals import LAG_S
from lockdeck.backend.openclaw.log.framing.unwrap import Unwrapped, Unwrapper
from lockdeck.backend.openclaw.log.records import whole_time

PACE_S = 10.0
"""Clocks that go on like ours for so long (seconds) are those of lines that are written as they come."""
DRIFT_S = 1.0
"""They may differ by so much (seconds) over that time: what is kept comes far faster than it was written."""
_HEAD = 16_384


class Pace:
    """Looks at one line of each piece. `of_now` once lines come as they are written."""

    def __init__(self) -> None:
        self._unwrapper = Unwrapper()
        self._first: dict[tuple[str, ...], tuple[float, float]] = {}
        self.of_now = False

    def take(self, pieces: Sequence[bytes | None], now: float) -> None:
        """Look at the last whole line of what came at `now` (epoch seconds)."""
        raw = next((piece for piece in reversed(pieces) if piece), b"")
        lines = [line for line in raw.split(b"\n")[1:-1] or raw.split(b"\n")[:-1] if line.strip()]
        if lines and not self.of_now:
            self._judge(self._unwrapper.unwrap(lines[-1][:_HEAD]), now)

    def _judge(self, line: Unwrapped, now: float) -> None:
        whole = whole_time(line)
        if whole is not None:
            self.of_now = -DRIFT_S <= now - whole[0] <= LAG_S
        elif line.clock is not None:
            began, clock = self._first.setdefault(line.origins, (now, line.clock.seconds))
            passed = now - began
            if passed >= PACE_S:
                self.of_now = abs((line.clock.seconds - clock) % DAY_S - passed) <= DRIFT_S
                self._first = {line.origins: (now, line.clock.seconds)}
