"""Whether what comes by itself is a log: by its first bytes and its lines, as with a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from lockdeck.backend.openclaw.log.inputs.packing import LONGEST_MARK, why_packed
from lockdeck.backend.openclaw.log.scan import NO_LOG_FILE, LineCounts


class StreamShape(Struct):
    """What one stream has shown of itself since it began: its first bytes, its lines, and how many events they told."""

    head: bytes = b""
    counts: LineCounts = field(default_factory=LineCounts)
    events: int = 0

    def begin(self, piece: bytes) -> None:
        """Keep the first bytes of the stream."""
        if len(self.head) < LONGEST_MARK:
            self.head = (self.head + piece)[:LONGEST_MARK]

    @property
    def silent(self) -> bool:
        """Return whether nothing can be said of it yet: no whole line has come, and no mark of packed data."""
        return not self.counts.lines and why_packed(self.head) is None


def latest(pairs: Iterable[tuple[StreamShape, StreamShape]]) -> list[StreamShape]:
    """Return what the streams of one log showed last; each comes with what it showed before it began anew."""
    before, now = zip(*pairs, strict=True)
    return list(before if all(shape.silent for shape in now) else now)


def why_no_log(shapes: Sequence[StreamShape]) -> str | None:
    """Say why the streams of one log are none; None where they are one, or have told no whole line yet."""
    packed = next((sentence for shape in shapes if (sentence := why_packed(shape.head)) is not None), None)
    if packed is not None:
        return f"no log: {packed}"
    counts = LineCounts()
    for shape in shapes:
        counts.add(shape.counts)
    of_log = counts.of_log or any(shape.events for shape in shapes)
    return None if of_log else NO_LOG_FILE
