"""Lines of several containers in one followed log: those of another gateway are never taken for ones of ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from lockdeck.backend.model.runs.events import LaneTaskError, RunTimeout
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.sources import without
from lockdeck.backend.openclaw.log.stream import LineCounts
from lockdeck.backend.watch.live.buffer import LiveBuffer
from lockdeck.backend.watch.live.reader import LiveReader
from lockdeck.backend.watch.logs.tail import LogTail
from lockdeck.backend.watch.logs.writers import Writers
from tests.unit.fleetdir import FleetDir, lockdeck

NOW = 1_778_320_860.0


def line(pod: str, run: str, session: str, second: int = 0) -> str:
    words = f"embedded run timeout: runId={run} sessionId={session} timeoutMs=60000"
    return f"[pod/{pod}/gateway] 2026-05-09T10:00:{second:02}Z [agent] {words}\n"


def lane(pod: str, second: int) -> str:
    words = 'lane task error: lane=session:agent:main:main durationMs=1 error="FailoverError: x"'
    return f"[pod/{pod}/gateway] 2026-05-09T10:00:{second:02}Z [diagnostic] {words}\n"


def live(raw: str) -> tuple[list, Writers]:
    buffer = LiveBuffer()
    reader = LiveReader(buffer)
    buffer.put(raw.encode())
    return list(reader.read(NOW, LineCounts())), reader.writers


def followed(raw: str, tmp_path) -> tuple[list, Writers]:
    path = tmp_path / "pods.log"
    path.write_text(raw)
    tail = LogTail((str(path),), lookback_s=10 * 365 * 86400.0)
    events = list(tail.poll(NOW).events)
    ((_, writers),) = tail.writers()
    tail.close()
    return events, writers


@pytest.fixture(params=["live", "followed"])
def read(request, tmp_path):
    return live if request.param == "live" else lambda raw: followed(raw, tmp_path)


def test_one_container_tells_all_and_nothing_is_withheld(read):
    events, writers = read(line("a", "r1", "s1") + lane("a", 1))
    assert [type(event) for event in events] == [RunTimeout, LaneTaskError]
    assert (writers.several, writers.withheld(0.0), writers.attribute({"s1"})) == (False, None, ([], []))


def test_what_one_told_before_another_came_is_withdrawn_until_it_names_a_session_of_ours(read):
    events, writers = read(line("a", "r1", "s1") + lane("a", 1) + line("b", "r2", "s2", 2) + lane("b", 3))
    assert [event.run_id for event in events] == ["r1", None]
    told, withdrawn = writers.attribute({"s2"})
    assert [event.at for event in told] == [NOW - 58, NOW - 57]
    book = fold_all(without(fold_all(RunBook(), events), withdrawn), told)
    assert set(book.runs) == {"r2"}
    assert [notice.at for notice in book.notices] == [NOW - 57]


def test_where_nothing_names_a_session_of_ours_nothing_counts_and_that_is_said(read):
    events, writers = read(line("a", "r1", "s1") + lane("b", 1) + lane("a", 2))
    told, withdrawn = writers.attribute({"s9"})
    assert (told, withdrawn) == ([], events)
    assert "pod/a/gateway, pod/b/gateway" in (writers.withheld(0.0) or "")
    assert writers.withheld(NOW) is None


def test_a_stranger_beside_the_gateway_of_ours_leaves_nothing_unknown_and_who_names_none_does(read):
    _, writers = read(line("a", "r1", "s1") + line("b", "r2", "s2", 1))
    writers.attribute({"s1"})
    assert writers.withheld(0.0) is None
    _, writers = read(line("a", "r1", "s1") + lane("b", 1))
    writers.attribute({"s1"})
    assert "no line of pod/b/gateway names a session" in (writers.withheld(0.0) or "")


def test_a_look_takes_nothing_of_another_container_for_ours_and_says_so(tmp_path):
    fleet = FleetDir(tmp_path)
    ours = fleet.session().name.removesuffix(".jsonl.lock")
    fleet.config()
    now = datetime.now(UTC)

    def told(*pods: tuple[str, str]) -> str:
        stamps = [(now - timedelta(seconds=90 - n)).isoformat() for n in range(len(pods))]
        texts = (
            f"[pod/{pod}/gateway] {stamp} [agent] embedded run timeout: runId=r-{pod} sessionId={session} timeoutMs=1\n"
            for (pod, session), stamp in zip(pods, stamps, strict=True)
        )
        fleet.log.write_text("".join(texts))
        done = lockdeck(
            "status",
            "--json",
            "--log",
            fleet.log,
            "--config",
            fleet.settings_file(),
            env=fleet.env,
            text=True,
        )
        return json.dumps(json.loads(done.stdout))

    text = told(("a", "x"), ("b", ours))
    assert "known here" not in text
    assert "r-a" not in text
    text = told(("a", "x"), ("b", "y"))
    assert "pod/a/gateway, pod/b/gateway names a session that is known here" in text
