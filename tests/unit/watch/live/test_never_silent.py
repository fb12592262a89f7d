"""A live stream that is never silent is of now where its lines come as they are written, and else not."""

from __future__ import annotations

from datetime import UTC, datetime

from lockdeck.backend.openclaw.log.stream import LineCounts
from lockdeck.backend.watch.live.buffer import LiveBuffer
from lockdeck.backend.watch.live.reader import LiveReader

NOW = 1_775_728_800.0
EVENT = "[agent] embedded run timeout: runId=r sessionId=s timeoutMs=600000"


def clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"


def told(texts: list[str], every_s: float = 0.5) -> list[float]:
    """Return the times of the events of lines that come one after the other, never a second apart."""
    buffer = LiveBuffer()
    reader, counts, times = LiveReader(buffer), LineCounts(), []
    for place, text in enumerate(texts):
        buffer.put(f"{text}\n".encode())
        times += [event.at for event in reader.read(NOW + place * every_s, counts)]
    return times


def test_clocks_that_go_on_like_ours_date_what_comes_next():
    idle = [f"{clock(NOW + place * 0.5)} [gateway] ready" for place in range(40)]
    assert told([*idle, f"{clock(NOW + 20)} {EVENT}"]) == [NOW + 20]
    assert told([*idle, EVENT]) == [NOW + 20]
    assert told([f"{clock(NOW)} {EVENT}", *idle]) == []


def test_a_backlog_that_comes_without_a_pause_dates_nothing():
    for step in (60.0, 5.0, 0.1, 0.0):
        idle = [f"{clock(NOW - 86400 + place * step)} [gateway] ready" for place in range(100)]
        assert told([*idle, EVENT]) == [], step


def test_a_line_with_a_date_of_now_dates_what_comes_next():
    dated = f"{datetime.fromtimestamp(NOW, UTC).isoformat()} [gateway] ready"
    old = f"{datetime.fromtimestamp(NOW - 3600, UTC).isoformat()} [gateway] ready"
    assert told([dated, EVENT]) == [NOW + 0.5]
    assert told([old, EVENT]) == []
