"""`lockdeck replay` tells what happened beside the attempts: one line a happening, in order of time."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from msgspec.structs import replace

from lockdeck.backend.model.moments import iso
from lockdeck.backend.model.runs.fold import PAST, RunBook, fold_all
from lockdeck.backend.model.runs.history import occupations_from_runs
from lockdeck.backend.model.runs.joins import session_keys
from lockdeck.backend.model.runs.past.timeline import Happening, timeline_of
from lockdeck.backend.model.wire import dumps
from lockdeck.backend.openclaw.log.stream import parse_line
from lockdeck.backend.watch.logs import replay as replay_module
from lockdeck.backend.watch.logs.replay import replay
from lockdeck.tui.cli.replaying.as_json import replay_json
from lockdeck.tui.cli.replaying.timeline import timeline_lines
from tests.folders import DOCS, RECORDINGS
from tests.unit.openclaw.wrappers import recorded, saved, terminal

SCHEMA = json.loads((DOCS / "replay.schema.json").read_text())
AGENTS = ("main", "silas", "ezra", "juno")
BEGIN = datetime(2026, 5, 9, 23, 55, tzinfo=UTC)
GATEWAY = "Gateway failed to start: gateway already running (pid 396); lock timeout after 5000ms"


def session(agent: str) -> str:
    return f"1a1b2c3d-0000-4000-8000-00000000000{AGENTS.index(agent)}"


def lock(agent: str) -> str:
    return f"/home/claw/.openclaw/agents/{agent}/sessions/{session(agent)}.jsonl.lock"


def line(at_s: float, tag: str, message: str) -> tuple[float, str]:
    at = (BEGIN + timedelta(seconds=at_s)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return at_s, f"{at} [{tag}] {message}"


def rotation(agent: str, begins_s: float) -> list[tuple[float, str]]:
    """Three attempts of a minute, with the errors of both lanes after each that goes on."""
    told = []
    for number, decision in enumerate(("rotate_profile", "fallback_model", "surface_error"), 1):
        at_s = begins_s + 60 * number
        told += [
            line(
                at_s,
                "agent",
                f"embedded run timeout: runId=run-{agent} sessionId={session(agent)} timeoutMs=60000",
            ),
            line(
                at_s + 0.01,
                "agent",
                f"embedded run failover decision: runId=run-{agent} stage=assistant decision={decision} "
                f"reason=timeout provider=atlas/large profile=sha256:{number}aaaaaaaaaaa",
            ),
        ]
        for lane in ("main", f"session:agent:{agent}:main"):
            error = 'error="FailoverError: LLM request timed out."'
            told.append(
                line(at_s + 0.02, "diagnostic", f"lane task error: lane={lane} durationMs=60000 {error}")
            )
    return told


def callers(agent: str, at_s: float) -> list[tuple[float, str]]:
    """One caller that failed on a lock, as both its lanes tell it."""
    error = f'"Error: session file locked (timeout 10000ms): pid=396 {lock(agent)}"'
    return [
        line(
            at_s + later_s,
            "diagnostic",
            f"lane task error: lane={lane} durationMs=10004 error={error}",
        )
        for later_s, lane in ((0.0, "main"), (0.003, f"session:agent:{agent}:main"))
    ]


def incident() -> list[tuple[float, str]]:
    told = [line(-40, "gateway", f"removed stale session lock: {lock('silas')} (dead-pid)")]
    for place, agent in enumerate(AGENTS):
        told += rotation(agent, 0.3 * place)
    for number in range(3):
        told += callers("silas", 95 + 7 * number)
    key, id_ = "sessionKey=agent:main:main", f"sessionId={session('main')}"
    told += [
        line(
            121 + 30 * number,
            "diagnostic",
            f"stuck session: {id_} {key} state=processing age={121 + 30 * number}s queueDepth=2 reason=active_work",
        )
        for number in range(7)
    ]
    names = f"sessionId={session('juno')} sessionKey=agent:juno:main"
    told.append(line(130, "diagnostic", f"long-running session: {names} state=processing age=130s"))
    key, id_ = "sessionKey=agent:ezra:main", f"sessionId={session('ezra')}"
    told += [
        line(
            122,
            "diagnostic",
            f"stuck session recovery: {id_} {key} age=122s action=abort_embedded_run aborted=true drained=false released=0",
        ),
        line(
            122.001,
            "diagnostic",
            f"stuck session recovery outcome: status=aborted action=abort_embedded_run {id_} {key} released=0",
        ),
    ]
    for lane in ("main", "session:agent:ezra:main"):
        told.append(line(181, "diagnostic", f"lane wait exceeded: lane={lane} waitedMs=61000 queueAhead=2"))
    told += [
        line(
            290,
            "agent",
            f"using current snapshot: timed out during compaction runId=run-juno sessionId={session('juno')}",
        ),
        line(305, "session-write-lock", f"releasing lock held for 305000ms (max=300000ms): {lock('silas')}"),
        line(310, "gateway", GATEWAY),
        line(316, "gateway", GATEWAY),
        line(
            320,
            "ws",
            f"⇄ res ✗ agent 12ms errorMessage=ActiveTurnClaimError: Session {session('main')} already has an active turn claim",
        ),
    ]
    return sorted(told)


INCIDENT = """\
timeline
2026-05-09 UTC
  23:54:20  agent:silas:main  OpenClaw removed a stale lock at its start (dead-pid)
  23:55:00  agent:main:main   occupied for 3m 00s: 3 attempts, 3 by timeout; failed
  23:55:00  agent:silas:main  occupied for 3m 00s: 3 attempts, 3 by timeout; failed
  23:55:00  agent:ezra:main   occupied for 3m 00s: 3 attempts, 3 by timeout; failed
  23:55:00  agent:juno:main   occupied for 3m 00s: 3 attempts, 3 by timeout; failed
  23:56:35  agent:silas:main  a caller gave up on the lock after 10 s held by pid 396; run run-silas had the session  x3 to 23:56:49
  23:57:01  agent:main:main   OpenClaw calls the session stuck in processing for 5m 01s, 2 messages queued (active work)  x7 to 2026-05-10 00:00:01
  23:57:02  agent:ezra:main   OpenClaw tried to recover the session: abort embedded run, run aborted, not drained, nothing released
  23:57:10  agent:juno:main   OpenClaw calls the session long-running in processing for 2m 10s
  23:58:01  agent:ezra:main   a message waited 1m 01s in the lane with 2 ahead of it; run run-ezra had the session
  23:59:50  agent:juno:main   a compaction ran into a timeout
2026-05-10 UTC
  00:00:05  agent:silas:main  OpenClaw's watchdog dropped the lock after 5m 05s (limit 5m 00s); the run goes on without it
  00:00:10  -                 a gateway that was being started was refused: another gateway runs already, pid 396  x2 to 00:00:16
  00:00:20  agent:main:main   a caller was refused: the session has a turn already
"""


def text_of(timeline: tuple[Happening, ...]) -> str:
    return "".join(f"{line}\n" for line in timeline_lines(timeline, None))


def told(lines: list[str]) -> tuple[Happening, ...]:
    events = [parse_line(text.encode()) for text in lines]
    book = fold_all(RunBook(limits=PAST), [event for event in events if event is not None])
    return timeline_of(book, session_keys(book, {}), occupations_from_runs(book))


def test_an_incident_of_four_agents_is_one_line_a_happening(tmp_path):
    lines = [text for _, text in incident()]
    assert text_of(told(lines)) == INCIDENT
    history = replay([saved(tmp_path, "".join(f"{text}\n" for text in lines).encode())])
    cause = "  23:55:00  cause             atlas answered nobody from 2026-05-09T23:55:00.000Z to 2026-05-09T23:58:00.910Z: "
    counts = "4 agents, 12 attempts, 0 answers, 3 callers refused\n"
    before, since, after = INCIDENT.partition("  23:55:00  agent:main:main ")
    assert text_of(history.timeline) == f"{before}{cause}{counts}{since}{after}"


@settings(deadline=None, max_examples=25)
@given(st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_the_lines_changes_the_timeline(order: random.Random):
    lines = [text for _, text in incident()]
    lines += order.sample(lines, order.randrange(len(lines)))
    order.shuffle(lines)
    assert text_of(told(lines)) == INCIDENT


@pytest.mark.parametrize("name", sorted(folder.name for folder in RECORDINGS.glob("2026*")))
def test_what_replay_prints_is_as_the_schema_promises(name):
    validate(replay([str(RECORDINGS / name / "gateway.log")]))


def test_an_incident_is_as_the_schema_promises_also_without_dates_and_from_two_sources(tmp_path):
    lines = [text for _, text in incident()]
    paths = [saved(tmp_path, "".join(f"{text}\n" for text in lines).encode())]
    paths.append(saved(tmp_path, "".join(f"{text[11:]}\n" for text in lines[:40]).encode(), "clock.log"))
    paths.append(saved(tmp_path, b"[gateway] " + GATEWAY.encode() + b"\n", "bare.log"))
    found = validate(replay(paths))
    assert {happening["times"] for happening in found["timeline"]} >= {"dated", "not told"}
    assert len({happening["source"] for happening in found["timeline"]}) >= 2


def validate(history):
    found = json.loads(dumps(replay_json(history)))
    Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(found)
    return found


def test_days_that_no_line_tells_have_a_heading_that_says_so(tmp_path):
    history = replay([saved(tmp_path, "".join(f"{terminal(each)}\n" for each in recorded()).encode())])
    heading, day, *happenings = text_of(history.timeline).splitlines()
    assert (heading, day) == ("timeline", "(no date in this log)")
    clocks = [happening[2:10] for happening in happenings]
    assert len(clocks) == 5
    assert clocks == sorted(clocks)
    assert clocks[0] == "09:49:07"


def test_a_caller_that_failed_in_its_own_run_is_told_with_the_others_failures_as_one(tmp_path):
    history = replay([str(RECORDINGS / "2026.4.5-incident-hang-with-local-probe" / "gateway.log")])
    (blocked,) = [happening for happening in history.timeline if happening.kind == "lock blocked"]
    assert (blocked.count, blocked.before_run) == (2, None)
    assert blocked.sentence == "a caller gave up on the lock after 10 s held by pid 20673"


def test_the_timeline_says_from_when_on_it_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(replay_module, "PAST", replace(PAST, notices=3))
    history = replay([saved(tmp_path, "".join(f"{text}\n" for _, text in incident()).encode())])
    assert history.whole_since is not None
    (heading, *_) = timeline_lines(history.timeline, history.whole_since)
    assert heading == f"timeline, whole since {iso(history.whole_since)}"


def test_what_hours_lie_between_is_told_twice():
    again = [text for _, text in [line(0, "gateway", GATEWAY), line(7200, "gateway", GATEWAY)]]
    assert [happening.count for happening in told(again)] == [1, 1]


def test_a_lane_error_that_no_attempt_explains_is_told_once_although_two_lanes_tell_it():
    error = 'durationMs=4000 error="Error: ENOSPC: no space left on device, write"'
    lanes = [f"lane task error: lane={lane} {error}" for lane in ("main", "session:agent:main:main")]
    timeline = told([line(0.001 * place, "diagnostic", text)[1] for place, text in enumerate(lanes)])
    assert [(h.subject.name, h.kind, h.count) for h in timeline] == [
        ("agent:main:main", "lane task error", 1)
    ]
