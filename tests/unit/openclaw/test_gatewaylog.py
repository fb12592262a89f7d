"""Every kind of line in every shape becomes the right event; nothing from outside makes the reader fail."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockdeck.backend.model.moments import Telling, telling_of
from lockdeck.backend.model.runs import events as ev
from lockdeck.backend.model.runs.profiles import profile_hash
from lockdeck.backend.openclaw.log.kinds import KINDS
from lockdeck.backend.openclaw.log.kinds.table import KindTable
from lockdeck.backend.openclaw.log.stream import (
    EventStream,
    LineCounts,
    Malformed,
    parse_line,
)
from tests.folders import RECORDINGS
from tests.reading import read_events

EXPECTED = sorted(RECORDINGS.glob("*/expected.json"))
AT = 1795340967.525
DATE = "2026-11-22T09:49:27.525Z"
RUN = "77bbc320-47b9-4591-b13b-02346e7e28cd"
SID = "1341829b-54bc-45e1-a70f-b6dde9d3ff25"
LOCK = f"/home/claw/.openclaw/agents/juno/sessions/{SID}.jsonl.lock"
TAG = {"agent/embedded": "agent", "model-fallback/decision": "model-fallback"}


def old_shape(subsystem: str, message: str, meta: dict | None = None) -> bytes:
    """2026.2 to 2026.4.24."""
    name = json.dumps({"subsystem": subsystem}, separators=(",", ":"))
    parts = {"0": name, "1": message} if meta is None else {"0": name, "1": meta, "2": message}
    tail = {
        "_meta": {"name": name, "date": DATE, "logLevelName": "WARN"},
        "time": "2026-11-22T09:49:27.600+00:00",
    }
    return json.dumps(parts | tail, ensure_ascii=False, separators=(",", ":")).encode()


def new_shape(subsystem: str, message: str, meta: dict | None = None) -> bytes:
    """From 2026.4.29: the same with fields at the top."""
    top = {"hostname": "deck", "message": message, "agent_id": "juno", "spanId": "cd"}
    return json.dumps(json.loads(old_shape(subsystem, message, meta)) | top).encode()


def console(subsystem: str, message: str, meta: dict | None = None) -> bytes:
    return f"2026-11-22T10:49:27.525+01:00 [{TAG.get(subsystem, subsystem)}] {message}".encode()


def journal(subsystem: str, message: str, meta: dict | None = None) -> bytes:
    return b"Nov 22 10:49:28 deck node[4711]: " + console(subsystem, message)


SHAPES = pytest.mark.parametrize("shape", [old_shape, new_shape, console, journal])
BLOCKED = f"session file locked (timeout 10000ms): pid=4711 {LOCK}"
TIMEOUT = ev.LockTimeout(LOCK, 10000, 4711)

TEXTS = {
    "a gateway that was refused": (
        "gateway",
        (
            "Gateway failed to start: gateway already running (pid 10888); lock timeout after 5000ms\n"
            "If the gateway is supervised, stop it with: openclaw gateway stop"
        ),
        ev.GatewayRefused(AT, 10888, 5000),
    ),
    "a gateway that was refused by a lock without a pid": (
        "gateway",
        "gateway already running; lock timeout after 5000ms",
        ev.GatewayRefused(AT, None, 5000),
    ),
    "a gateway that was refused while it restarted": (
        "gateway",
        (
            "failed to reacquire gateway lock for in-process restart: GatewayLockError: gateway already running "
            "(pid 8); lock timeout after 5000ms"
        ),
        ev.GatewayRefused(AT, 8, 5000),
    ),
    "a supervised gateway that waits": (
        "gateway",
        "gateway already running under systemd; waiting 5000ms before retrying startup",
        ev.GatewayRefused(AT, waiting=True),
    ),
    "a supervised gateway that gives up": (
        "gateway",
        (
            "Gateway failed to start: gateway already running under systemd; existing gateway did not become healthy "
            "after 30000ms"
        ),
        ev.GatewayRefused(AT, waited_ms=30000),
    ),
    "a supervised gateway that leaves it to the other": (
        "gateway",
        "gateway already running under launchd; existing gateway is healthy, leaving it in control",
        ev.GatewayRefused(AT),
    ),
    "a gateway whose port is taken": (
        "gateway",
        "Gateway failed to start: another gateway instance is already listening on ws://127.0.0.1:18789",
        ev.GatewayRefused(AT, port=18789),
    ),
    "a gateway whose port is taken, without the lead": (
        "gateway",
        "another gateway instance is already listening on ws://127.0.0.1:18789",
        ev.GatewayRefused(AT, port=18789),
    ),
    "a gateway that failed for a reason of its own": (
        "gateway",
        "Gateway failed to start: failed to acquire gateway lock at /s/gateway.state.lock | openat2: ENOSYS",
        ev.GatewayRefused(
            AT, reason="failed to acquire gateway lock at /s/gateway.state.lock | openat2: ENOSYS"
        ),
    ),
    "a gateway of 9.6 that waits": (
        "gateway",
        "waiting for gateway-lifecycle ownership held by another OpenClaw process, up to 300 s",
        ev.GatewayRefused(AT, waiting=True),
    ),
    "a gateway of 9.6 beside another one": (
        "gateway",
        (
            "Gateway failed to start: Doctor could not enter maintenance. StateDatabaseCoordinatorContentionError: "
            "another OpenClaw process owns gateway-lifecycle Stop the Gateway service and other OpenClaw processes "
            "using this state, then run openclaw doctor --fix"
        ),
        ev.GatewayRefused(AT),
    ),
    "a lane error without an error": (
        "diagnostic",
        "lane task error: lane=main durationMs=5995error=x",
        ev.LaneTaskError(AT, "main", None, 5995, ""),
    ),
    "a supervised gateway of 9.6 that waits": (
        "gateway",
        (
            "gateway-lifecycle ownership held by another OpenClaw process under systemd; waiting 5000ms before "
            "retrying startup"
        ),
        ev.GatewayRefused(AT, waiting=True),
    ),
    "a gateway of 9.6 that gives up": (
        "gateway",
        (
            "Gateway failed to start: failed to acquire gateway state ownership; waited 300012ms for "
            "gateway-lifecycle ownership"
        ),
        ev.GatewayRefused(AT, waited_ms=300012),
    ),
    "a gateway kept out by maintenance": (
        "gateway",
        (
            "Gateway failed to start: state directory is locked by sqlite-maintenance (pid 12); lock timeout after "
            "5000ms"
        ),
        ev.GatewayRefused(AT, 12, 5000, role="sqlite-maintenance"),
    ),
    "a gateway kept out by an embedded agent": (
        "gateway",
        (
            "Gateway failed to start: another embedded OpenClaw state writer is active (pid 12); lock timeout after "
            "5000ms"
        ),
        ev.GatewayRefused(AT, 12, 5000, role="agent-embedded"),
    ),
    "run timeout": (
        "agent/embedded",
        f"embedded run timeout: runId={RUN} sessionId={SID} timeoutMs=20000",
        ev.RunTimeout(AT, RUN, SID, 20000),
    ),
    "profile": (
        "agent/embedded",
        "Profile atlas:alpha timed out. Trying next account...",
        ev.ProfileTimedOut(AT, "atlas:alpha", idle=False),
    ),
    "profile of 2.9": (
        "agent/embedded",
        "Profile atlas:alpha timed out (possible rate limit). Trying next account...",
        ev.ProfileTimedOut(AT, "atlas:alpha", idle=False),
    ),
    "profile idle": (
        "agent/embedded",
        "Profile atlas:alpha idle timeout (model silent). Trying next account...",
        ev.ProfileTimedOut(AT, "atlas:alpha", idle=True),
    ),
    "lane error": (
        "diagnostic",
        'lane task error: lane=session:agent:juno:main durationMs=59950 error="FailoverError: Request was aborted."',
        ev.LaneTaskError(
            AT, "session:agent:juno:main", "agent:juno:main", 59950, "FailoverError: Request was aborted."
        ),
    ),
    "lane error with lock": (
        "diagnostic",
        f'lane task error: lane=main durationMs=38014 error="Error: {BLOCKED}"',
        ev.LaneTaskError(AT, "main", None, 38014, f"Error: {BLOCKED}", TIMEOUT),
    ),
    "lane wait": (
        "diagnostic",
        "lane wait exceeded: lane=session:agent:juno:main waitedMs=18220 queueAhead=0 activeAhead=1",
        ev.LaneWait(AT, "session:agent:juno:main", "agent:juno:main", 18220, 0),
    ),
    "stuck": (
        "diagnostic",
        f"stuck session: sessionId={SID} sessionKey=agent:juno:main state=processing age=148s queueDepth=3",
        ev.StuckSession(AT, "stuck", SID, "agent:juno:main", "processing", 148_000, 3),
    ),
    "stalled": (
        "diagnostic",
        (
            f"stalled session: sessionId={SID} sessionKey=agent:juno:main state=processing age=31s queueDepth=0 "
            "reason=active_work_without_progress classification=stalled_agent_run recovery=none"
        ),
        ev.StuckSession(
            AT,
            "stalled",
            SID,
            "agent:juno:main",
            "processing",
            31_000,
            0,
            "active_work_without_progress",
            "stalled_agent_run",
        ),
    ),
    "recovery": (
        "diagnostic",
        (
            f"stuck session recovery outcome: status=aborted action=abort_embedded_run sessionId={SID} "
            "sessionKey=agent:juno:main aborted=true drained=false released=1"
        ),
        ev.RecoveryOutcome(
            AT,
            SID,
            "agent:juno:main",
            "aborted",
            "abort_embedded_run",
            aborted=True,
            drained=False,
            released=1,
        ),
    ),
    "recovery skipped": (
        "diagnostic",
        f"stuck session recovery skipped: sessionId={SID} sessionKey=agent:juno:main age=720s queueDepth=1",
        ev.RecoveryOutcome(AT, SID, "agent:juno:main", "skipped"),
    ),
    "stale lock removed": (
        "gateway",
        f"removed stale session lock: {LOCK} (dead-pid, too-old)",
        ev.StaleLockRemoved(AT, LOCK, ("dead-pid", "too-old")),
    ),
    "watchdog": (
        "session-write-lock",
        f"releasing lock held for 1040123ms (max=1040000ms): {LOCK}",
        ev.WatchdogRelease(AT, LOCK, 1040123, 1040000),
    ),
    "compaction grace": (
        "agent/embedded",
        f"embedded run timeout reached during compaction; extending deadline: runId={RUN} sessionId={SID} extraMs=1",
        ev.CompactionTimeout(
            AT,
            RUN,
            SID,
            f"embedded run timeout reached during compaction; extending deadline: runId={RUN} sessionId={SID} extraMs=1",
            extra_ms=1,
        ),
    ),
    "timeout compaction": (
        "agent/embedded",
        "[timeout-compaction] LLM timed out with high prompt token usage (71%); attempting compaction before retry (attempt 1/2) diagId=d",
        ev.CompactionTimeout(
            AT,
            None,
            None,
            "[timeout-compaction] LLM timed out with high prompt token usage (71%); attempting compaction before retry (attempt 1/2) diagId=d",
            tries=2,
        ),
    ),
    "compaction start": (
        "agent/embedded",
        f"embedded run auto-compaction start: runId={RUN} reason=threshold",
        ev.RunCompaction(AT, RUN, True, reason="threshold"),
    ),
    "compaction end": (
        "agent/embedded",
        f"embedded run manual compaction incomplete: runId={RUN} reason=manual aborted=true willRetry=false",
        ev.RunCompaction(AT, RUN, False, reason="manual"),
    ),
    "snapshot": (
        "agent/embedded",
        f"using current snapshot: timed out during compaction runId={RUN} sessionId={SID}",
        ev.CompactionTimeout(
            AT, RUN, SID, f"using current snapshot: timed out during compaction runId={RUN} sessionId={SID}"
        ),
    ),
    "abort": (
        "diagnostic",
        f"aborting run: sessionId={SID}",
        ev.RunAborted(AT, None, SID, True, f"aborting run: sessionId={SID}"),
    ),
    "abort failed": (
        "diagnostic",
        f"abort failed: sessionId={SID} reason=no_active_run",
        ev.RunAborted(AT, None, SID, False, f"abort failed: sessionId={SID} reason=no_active_run"),
    ),
    "still streaming": (
        "agent/embedded",
        f"embedded run abort still streaming: runId={RUN} sessionId={SID}",
        ev.RunAborted(
            AT, RUN, SID, False, f"embedded run abort still streaming: runId={RUN} sessionId={SID}"
        ),
    ),
    "settle": (
        "agent/embedded",
        f"sessions_yield abort settle timed out: runId={RUN} sessionId={SID} timeoutMs=2000",
        ev.RunAborted(
            AT,
            RUN,
            SID,
            False,
            f"sessions_yield abort settle timed out: runId={RUN} sessionId={SID} timeoutMs=2000",
        ),
    ),
    "cap": (
        "agent/embedded",
        "rate-limit profile rotation cap reached for b/m after 2 rotations; escalating to model fallback",
        ev.RotationCap(
            AT,
            "rate-limit profile rotation cap reached for b/m after 2 rotations; escalating to model fallback",
        ),
    ),
    "backoff": (
        "agent/embedded",
        "overload backoff before failover for b/m: delayMs=250",
        ev.RotationCap(AT, "overload backoff before failover for b/m: delayMs=250"),
    ),
    "retry limit": (
        "agent/embedded",
        "[run-retry-limit] sessionKey=agent:juno:main provider=b/m attempts=32 maxAttempts=32",
        ev.RotationCap(
            AT,
            "[run-retry-limit] sessionKey=agent:juno:main provider=b/m attempts=32 maxAttempts=32",
            "agent:juno:main",
        ),
    ),
    "breaker": (
        "agent/embedded",
        "[idle-timeout-circuit-breaker-tripped] sessionKey=agent:juno:main provider=b/m consecutive=5 cap=5",
        ev.RotationCap(
            AT,
            "[idle-timeout-circuit-breaker-tripped] sessionKey=agent:juno:main provider=b/m consecutive=5 cap=5",
            "agent:juno:main",
        ),
    ),
    "idle retry": (
        "agent/embedded",
        "[llm-idle-timeout] atlas/atlas-large produced no reply before the idle watchdog; retrying same model",
        ev.SameModelRetry(AT, None, None, "atlas/atlas-large", "timeout"),
    ),
    "transient retry": (
        "agent/embedded",
        "transient same-model retry 2/8 for atlas/atlas-large reason=timeout: delayMs=1000",
        ev.SameModelRetry(AT, 2, 8, "atlas/atlas-large", "timeout", delay_ms=1000),
    ),
    "run start": (
        "agent/embedded",
        f"embedded run start: runId={RUN} sessionId={SID} provider=atlas model=atlas-large thinking=off",
        ev.AttemptStarted(AT, RUN, SID, None, "atlas", "atlas-large"),
    ),
    "run done": (
        "agent/embedded",
        f"embedded run done: runId={RUN} sessionId={SID} durationMs=12 aborted=true",
        ev.RunEnded(AT, RUN, ok=False, aborted=True, session_id=SID),
    ),
    "rpc reply": (
        "gateway/ws",
        (
            f"⇄ res ✗ agent errorCode=UNAVAILABLE errorMessage=FallbackSummaryError: All models failed (2): a/b: {BLOCKED}"
            f" (timeout) | c/d: x (auth) runId={RUN} error=FallbackSummaryError: All models failed (2): a/b: {BLOCKED}"
        ),
        None,
    ),
    "lock told elsewhere": (
        "agent/embedded",
        f"compaction failed: {BLOCKED} runId={RUN}",
        ev.LockBlocked(AT, TIMEOUT, RUN),
    ),
}


FURTHER = (
    f"⇄ res ✓ agent 12ms runId={RUN} conn=c",
    "compaction retry aggregate timeout (60000ms): proceeding with pre-compaction state runId=r",
    "[compaction-diag] end runId=r sessionKey=k outcome=failed reason=timed_out",
    "Embedded agent failed before reply: All models failed (2): a/b: x (timeout) | c/d: x (auth)",
    f"Error: Session {SID} already has an active turn claim",
    f"embedded run failover decision: runId={RUN} stage=assistant decision=fallback_model reason=timeout",
    "model fallback decision: decision=candidate_failed requested=a/b candidate=a/b reason=timeout next=none",
    "model fallback chain stopped: runId=r reason=caller_signal_aborted",
    "auth profile failure state updated: runId=r profile=sha256:cfcfc3d3ac52 provider=a reason=auth",
    f"embedded run agent end: runId={RUN} isError=true reason=rate_limit",
)
EXAMPLES = [
    json.dumps({"1": message, "time": DATE, "traceId": "t"}, ensure_ascii=False).encode()
    for message in (*FURTHER, *(message for _, message, _ in TEXTS.values()))
]


@pytest.mark.parametrize("kind", KINDS.kinds, ids=lambda kind: f"{kind.event.__name__} {kind.pattern}"[:60])
def test_every_kind_of_line_has_an_example_whose_own_marker_lets_it_through(kind):
    read = [parse_line(line, kinds=KindTable([kind])) for line in EXAMPLES]
    assert any(type(event) is kind.event for event in read)


@SHAPES
@pytest.mark.parametrize("name", TEXTS)
def test_a_message_becomes_its_event_in_every_shape(name, shape):
    subsystem, message, expected = TEXTS[name]
    event = parse_line(shape(subsystem, message))
    if name == "rpc reply":
        assert isinstance(event, ev.AllModelsFailed)
        assert (event.total, event.run_id, event.lock_timeouts) == (2, RUN, (TIMEOUT,))
        assert len(event.text) <= 200
        return
    if isinstance(expected, ev.RotationCap | ev.CompactionTimeout | ev.RunAborted):
        assert expected.text in event.text
        expected = type(expected)(
            **{f: getattr(expected, f) for f in expected.__struct_fields__} | {"text": event.text}
        )
    assert event == expected


FAILOVER = {
    "event": "embedded_run_failover_decision",
    "tags": ["error_handling"],
    "runId": RUN,
    "stage": "assistant",
    "decision": "rotate_profile",
    "failoverReason": "timeout",
    "profileFailureReason": "timeout",
    "provider": "atlas",
    "model": "atlas-large",
    "profileId": "sha256:cfcfc3d3ac52",
    "fallbackConfigured": True,
    "timedOut": True,
    "aborted": True,
}
FALLBACK = {
    "event": "model_fallback_decision",
    "runId": RUN,
    "decision": "candidate_failed",
    "requestedProvider": "atlas",
    "requestedModel": "atlas-large",
    "candidateProvider": "atlas",
    "candidateModel": "atlas-large",
    "attempt": 1,
    "total": 3,
    "reason": "timeout",
    "status": 408,
    "errorPreview": BLOCKED,
    "nextCandidateProvider": "borealis",
    "nextCandidateModel": "borealis-medium",
}


@pytest.mark.parametrize("shape", [old_shape, new_shape])
def test_structured_decisions_become_events(shape):
    failover = parse_line(shape("agent/embedded", "embedded run failover decision", FAILOVER))
    assert failover == ev.FailoverDecision(
        AT,
        RUN,
        "assistant",
        "rotate_profile",
        "timeout",
        "atlas",
        "atlas-large",
        profile_hash("atlas:alpha"),
        True,
        True,
        True,
    )
    fallback = parse_line(shape("model-fallback/decision", "model fallback decision", FALLBACK))
    assert fallback == ev.ModelFallbackDecision(
        AT,
        RUN,
        "candidate_failed",
        1,
        3,
        "atlas/atlas-large",
        "atlas/atlas-large",
        "borealis/borealis-medium",
        "timeout",
        408,
        lock_timeout=TIMEOUT,
    )


@pytest.mark.parametrize("shape", [console, journal])
def test_the_console_words_for_decisions_become_events(shape):
    text = (
        f"embedded run failover decision: runId={RUN} stage=assistant decision=fallback_model reason=timeout "
        "provider=atlas/atlas-large profile=sha256:cfcfc3d3ac52 rawError=Request was aborted."
    )
    event = parse_line(shape("agent/embedded", text))
    assert (event.run_id, event.decision, event.reason) == (RUN, "fallback_model", "timeout")
    assert (event.provider, event.model, event.profile_hash) == (
        "atlas",
        "atlas-large",
        "sha256:cfcfc3d3ac52",
    )
    later = text.replace("provider=atlas/atlas-large", "from=atlas/atlas-large to=borealis/x")
    assert parse_line(shape("agent/embedded", later)) == event
    text = (
        "model fallback decision: decision=candidate_failed requested=a/b candidate=a/b reason=timeout next=none "
        f"detail={BLOCKED}"
    )
    event = parse_line(shape("model-fallback/decision", text))
    assert (event.candidate, event.next_candidate, event.lock_timeout) == ("a/b", None, TIMEOUT)


def test_from_2026_5_7_the_source_model_is_the_one_that_was_tried():
    meta = FAILOVER | {
        "sourceProvider": "atlas",
        "sourceModel": "tried",
        "provider": "borealis",
        "model": "next",
    }
    event = parse_line(new_shape("agent/embedded", "embedded run failover decision", meta))
    assert (event.provider, event.model) == ("atlas", "tried")


def test_a_stopped_chain_names_its_session_by_id_and_lane():
    meta = {
        "event": "model_fallback_chain_stopped",
        "sessionId": SID,
        "lane": "session:agent:juno:main",
        "reason": "caller_signal_aborted",
    }
    event = parse_line(new_shape("model-fallback/decision", "model fallback chain stopped", meta))
    assert event == ev.ChainStopped(AT, None, SID, "caller_signal_aborted", "agent:juno:main")


def test_a_cooldown_is_told_in_seconds():
    meta = {
        "event": "auth_profile_failure_state_updated",
        "runId": RUN,
        "profileId": "sha256:cfcfc3d3ac52",
        "provider": "atlas",
        "reason": "auth",
        "cooldownUntil": 1795341000500,
    }
    event = parse_line(old_shape("agent/embedded", "auth profile failure state updated", meta))
    assert event == ev.AuthProfileFailure(AT, RUN, "sha256:cfcfc3d3ac52", "atlas", "auth", 1795341000.5)


def test_an_agent_end_is_told_only_for_errors():
    meta = {"event": "embedded_run_agent_end", "runId": RUN, "isError": True, "failoverReason": "rate_limit"}
    line = old_shape("agent/embedded", "embedded run agent end", meta)
    assert parse_line(line) == ev.AgentEnd(AT, RUN, "rate_limit")
    good = old_shape("agent/embedded", "embedded run agent end", meta | {"isError": False})
    assert parse_line(good) is None


def test_from_2026_9_6_the_error_name_stands_in_the_fields():
    line = new_shape(
        "diagnostic", 'lane task error: lane=main durationMs=5 error="x"', {"errorName": "FailoverError"}
    )
    assert parse_line(line).error == "FailoverError: x"


def test_the_trace_of_a_run_is_told_also_where_the_line_names_no_run():
    text = "transient same-model retry 2/8 for atlas/atlas-large reason=timeout: delayMs=1000"
    told = json.loads(new_shape("agent/embedded", text)) | {"traceId": "14a2b43f"}
    event = parse_line(json.dumps(told).encode())
    assert event == ev.SameModelRetry(
        AT, 2, 8, "atlas/atlas-large", "timeout", trace_id="14a2b43f", delay_ms=1000
    )
    told = json.loads(new_shape("gateway", f"removed stale session lock: {LOCK} (dead-pid)")) | {
        "traceId": "14a2b43f"
    }
    assert parse_line(json.dumps(told).encode()) == ev.StaleLockRemoved(AT, LOCK, ("dead-pid",))


def test_the_top_level_session_id_may_be_a_session_key():
    line = json.loads(
        new_shape("agent/embedded", "[run-retry-limit] provider=b/m attempts=32 maxAttempts=32")
    )
    line["session_id"] = "agent:juno:main"
    assert parse_line(json.dumps(line).encode()).session_key == "agent:juno:main"
    line = json.loads(new_shape("agent/embedded", "embedded run failover decision", FAILOVER)) | {
        "session_id": SID
    }
    assert parse_line(json.dumps(line).encode()).session_id == SID


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"session file locked (timeout 60000ms): unknown {LOCK}", ev.LockTimeout(LOCK, 60000)),
        (f"session file locked (timeout 60000ms): owner=unknown {LOCK}", ev.LockTimeout(LOCK, 60000)),
        (
            f"Error: session file lock stale (dead-pid, too-old): pid=7 alive=false ageMs=9 {LOCK}",
            ev.LockTimeout(LOCK, None, 7, alive=False, age_ms=9),
        ),
        (
            f"timed out waiting for embedded session file owner after 60000ms: {LOCK.removesuffix('.lock')}",
            ev.LockTimeout(LOCK, 60000),
        ),
        (
            f"session file locked (timeout 60000ms): owner=unknown ageMs=12 {LOCK}",
            ev.LockTimeout(LOCK, 60000, age_ms=12),
        ),
        (
            f"session file locked (timeout 60000ms): pid=7 alive=false ageMs=99 {LOCK} (code x)",
            ev.LockTimeout(LOCK, 60000, 7, False, 99),
        ),
        (
            f"session file locked (timeout Infinityms): pid=7 alive=true {LOCK}",
            ev.LockTimeout(LOCK, None, 7, True),
        ),
        (
            'x="session file locked (timeout 1ms): pid=7 /a b/my.lock dir/c.lock.d/é.jsonl.lock" y',
            ev.LockTimeout("/a b/my.lock", 1, 7),
        ),
        (
            "session file locked (timeout 1ms): pid=7 /a b/c.lock.d/é f.jsonl.lock",
            ev.LockTimeout("/a b/c.lock.d/é f.jsonl.lock", 1, 7),
        ),
        (
            f"Error: file lock stale for {LOCK.removesuffix('.lock')}",
            ev.LockTimeout(LOCK, None, how="the lock was found stale and could not be had"),
        ),
        (f"file lock timeout for {LOCK.removesuffix('.lock')}.", ev.LockTimeout(LOCK, None)),
        (
            f"session file changed while embedded prompt lock was released: {LOCK.removesuffix('.lock')}",
            ev.LockTimeout(LOCK, None, how="another writer took the session while its lock was released"),
        ),
        (
            "reply session initialization conflicted for agent:main:signal:direct:+1555",
            ev.LockTimeout(
                None,
                None,
                session_key="agent:main:signal:direct:+1555",
                how="another caller set the session up at the same moment",
            ),
        ),
        (
            "timeout waiting for session store lock: /s/sessions.json",
            ev.LockTimeout(
                "/s/sessions.json.lock", None, how="the lock of the session store could not be had"
            ),
        ),
        (
            "timeout acquiring session store lock: /s/sessions.json.lock",
            ev.LockTimeout(
                "/s/sessions.json.lock", None, how="the lock of the session store could not be had"
            ),
        ),
        (
            f"file lock of another kind for {LOCK.removesuffix('.lock')}",
            ev.LockTimeout(LOCK, None, how="file lock of another kind"),
        ),
        (
            f"session file changed in a way nobody knows: {LOCK.removesuffix('.lock')}",
            ev.LockTimeout(LOCK, None, how="session file changed in a way nobody knows"),
        ),
    ],
)
def test_every_form_of_the_lock_timeout_is_read_wherever_it_stands(text, expected):
    assert parse_line(old_shape("whatever", f"something failed: {text}")).lock_timeout == expected
    assert parse_line(console("whatever", f"something failed: {text}")).lock_timeout == expected


@pytest.mark.parametrize(
    "text", ["file lock timeout for /s/auth-profiles.json", "file lock stale for /s/devices.json"]
)
def test_the_lock_of_another_file_is_no_sessions(text):
    event = parse_line(old_shape("whatever", f"something failed: {text}"))
    assert event is None


def test_the_reply_to_a_person_tells_all_models_failed():
    text = f"Embedded agent failed before reply: All models failed (3): a/b: {BLOCKED} (timeout) | a/c: {BLOCKED} (x)"
    line = json.dumps({"0": text, "_meta": {"name": "openclaw", "date": DATE}}).encode()
    event = parse_line(line)
    assert (event.total, event.run_id, event.lock_timeouts) == (3, None, (TIMEOUT, TIMEOUT))


@pytest.mark.parametrize("words", ["", "[agent] ", "I saw this: ", "> "])
def test_text_quoted_inside_another_line_is_no_event(words):
    text = f"{words}he wrote: embedded run timeout: runId={RUN} sessionId={SID} timeoutMs=20000"
    assert parse_line(old_shape("gateway", text)) is None
    assert parse_line(console("gateway", text)) is None


def test_auth_probes_are_ignored():
    assert (
        parse_line(
            old_shape("agent/embedded", "embedded run failover decision", FAILOVER | {"runId": "probe-1"})
        )
        is None
    )
    assert parse_line(console("agent", "embedded run timeout: runId=r sessionId=probe-x timeoutMs=1")) is None


@pytest.mark.parametrize("value", [None, 7, 1.5, True, [], {}, ["x"], "", "none", "x" * 5000, "\ud83d"])
@pytest.mark.parametrize("field", sorted(FAILOVER | FALLBACK))
def test_wrong_types_are_values_that_are_not_there(field, value):
    for base in (FAILOVER, FALLBACK):
        event = parse_line(old_shape_ascii(base | {field: value}))
        assert event is None or isinstance(
            event, ev.FailoverDecision | ev.ModelFallbackDecision | ev.LockBlocked
        )
        assert len(repr(event)) < 6000


def old_shape_ascii(meta: dict) -> bytes:
    return json.dumps(
        {"0": '{"subsystem":"x"}', "1": meta, "2": "model fallback decision", "time": DATE}
    ).encode()


def test_half_an_emoji_does_not_lose_the_line():
    meta = FAILOVER | {"rawErrorPreview": "\ud83d"}
    assert isinstance(parse_line(old_shape_ascii(meta)), ev.FailoverDecision)


def test_control_characters_never_reach_shown_text():
    line = old_shape("diagnostic", 'lane task error: lane=main durationMs=5 error="\x1b[2J\u202eevil"')
    error = parse_line(line).error
    assert "\x1b" not in error
    assert "\u202e" not in error


def test_previews_and_ids_are_capped():
    line = old_shape("diagnostic", f'lane task error: lane=main durationMs=5 error="{"s" * 9000}"')
    assert len(parse_line(line).error) == 200
    line = old_shape("agent/embedded", "embedded run failover decision", FAILOVER | {"runId": "r" * 900})
    assert len(parse_line(line).run_id) == 200


def test_a_line_without_time_takes_the_callers():
    text = f"[session-write-lock] releasing lock held for 5ms (max=4ms): {LOCK}".encode()
    assert parse_line(text) is Malformed.TIME
    assert parse_line(text, at=12.5) == ev.WatchdogRelease(12.5, LOCK, 5, 4)
    coloured = b"\x1b[33m15:23:11 \x1b[36m[session-write-lock]\x1b[0m " + text.split(b"] ")[1]
    assert parse_line(coloured, at=12.5) == ev.WatchdogRelease(12.5, LOCK, 5, 4)


def test_a_line_without_time_has_its_place_in_the_stream_and_no_time():
    lone = f"[session-write-lock] releasing lock held for 5ms (max=4ms): {LOCK}\n".encode()
    text = console("gateway", "ready") + b"\n" + lone + lone
    first, second = EventStream().feed(text, LineCounts())
    assert telling_of(first.at) is telling_of(second.at) is Telling.ORDER
    assert first.at < second.at
    stream = EventStream()
    assert list(stream.feed(text.split(b"\n")[0] + b"\n", LineCounts())) == []
    assert [event.at for event in stream.feed(lone, LineCounts(), 12.5)] == [12.5]


def test_lines_that_do_not_concern_us_are_not_even_decoded():
    assert parse_line(b'{"0":"not json at all') is None
    assert parse_line(b'{"0":"[model-fetch] start provider=a timeoutMs=5000') is None
    assert parse_line(b'{"0":"abort settle but not json') is Malformed.JSON


def test_the_hash_of_a_profile_is_the_one_openclaw_writes():
    assert profile_hash("atlas:alpha") == "sha256:cfcfc3d3ac52"


def tally(found: list[ev.Event]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for event in found:
        match event:
            case ev.RunTimeout():
                counts["embedded run timeout"] += 1
            case ev.ProfileTimedOut():
                counts["profile timed out"] += 1
            case ev.FailoverDecision():
                counts[f"embedded_run_failover_decision/{event.decision}"] += 1
            case ev.ModelFallbackDecision():
                counts[f"model_fallback_decision/{event.decision}"] += 1
            case ev.LaneTaskError():
                counts["lane task error"] += 1
            case ev.AgentEnd():
                counts["embedded_run_agent_end/None"] += 1
            case ev.StaleLockRemoved():
                counts["stale lock removed"] += 1
        counts["lines naming a lock timeout"] += getattr(event, "lock_timeout", None) is not None
    return +counts


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: path.parent.name)
def test_a_recording_gives_the_counts_it_was_recorded_with(expected):
    told = json.loads(expected.read_text())
    counts = LineCounts()
    found = list(read_events(expected.with_name("gateway.log"), counts))
    assert tally(found) == told["counts"]
    assert (counts.lines, counts.malformed, counts.oversize) == (told["lines"], 0, 0)
    assert (
        len({event.run_id for event in found if isinstance(event, ev.FailoverDecision)})
        == told["runs_with_decisions"]
    )


def live(version: str) -> list[ev.Event]:
    counts = LineCounts()
    found = list(read_events(RECORDINGS / f"{version}-hang" / "gateway.log", counts))
    assert (counts.malformed, counts.oversize) == (0, 0)
    return found


def test_a_hang_of_2026_7_35_is_read_and_every_line_of_a_run_has_one_trace():
    found = live("2026.7.35")
    decisions = [event for event in found if isinstance(event, ev.FailoverDecision)]
    fallbacks = [event for event in found if isinstance(event, ev.ModelFallbackDecision)]
    assert Counter(event.decision for event in decisions) == {"rotate_profile": 8, "fallback_model": 12}
    assert len(fallbacks) == 12
    assert all(event.session_id for event in fallbacks)
    runs = {event.trace_id: event.run_id for event in decisions}
    assert len(runs) == len(set(runs.values())) == 4
    timeouts = [event for event in found if isinstance(event, ev.ProfileTimedOut)]
    assert len(timeouts) == 20
    assert all(event.idle and event.trace_id in runs for event in timeouts)
    cooldowns = [event for event in found if isinstance(event, ev.AuthProfileFailure)]
    assert {round(event.cooldown_until - event.at) for event in cooldowns} == {30}


def test_a_hang_of_2026_9_6_is_retries_a_breaker_and_a_stopped_chain_in_one_trace():
    found = live("2026.9.6")
    retries = [event for event in found if isinstance(event, ev.SameModelRetry)]
    caps = {event.trace_id: event.session_key for event in found if isinstance(event, ev.RotationCap)}
    stops = {event.trace_id: event.session_id for event in found if isinstance(event, ev.ChainStopped)}
    assert Counter(event.index for event in retries) == {1: 4, 2: 4, 3: 4, 4: 4}
    assert set(caps) == set(stops) == {event.trace_id for event in retries}
    assert len(set(caps.values())) == len(set(stops.values())) == 4


def test_there_are_recordings():
    assert len(EXPECTED) >= 6


SEEDS = [old_shape(s, m) for s, m, _ in TEXTS.values()] + [console(s, m) for s, m, _ in TEXTS.values()]


@settings(deadline=None)
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 700), st.binary(max_size=6)), max_size=6))
def test_a_mutated_line_never_makes_the_reader_fail(seed, edits):
    line = bytearray(seed)
    for place, raw in edits:
        line[place : place + 2] = raw
    assert len(repr(parse_line(bytes(line), at=0.0))) < 20_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(FAILOVER | FALLBACK)), json_values, st.sampled_from([FAILOVER, FALLBACK]))
def test_any_value_in_any_field_never_makes_the_reader_fail(field, value, base):
    parse_line(old_shape_ascii(base | {field: value}))
    parse_line(
        json.dumps({"0": value, "1": value, "2": "lane task error: lane=", "_meta": value}).encode(), at=0.0
    )


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"embedded run ", b"file locked (", b": lane=", b"\n"]))
def test_arbitrary_bytes_never_make_the_stream_fail(junk, marker):
    stream, counts = EventStream(), LineCounts()
    assert (
        list(stream.feed(junk + marker + junk, counts)) == list(stream.finish(counts)) == []
        or counts.relevant
    )


@settings(deadline=None)
@given(st.data())
def test_the_events_do_not_depend_on_how_the_bytes_are_cut(data):
    lines = data.draw(st.lists(st.sampled_from(SEEDS) | st.binary(max_size=40), max_size=12))
    raw = b"\n".join(lines) + b"\n"
    whole = list(EventStream().feed(raw, LineCounts()))
    stream, pieces, begin = EventStream(), [], 0
    for end in [*sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8))), len(raw)]:
        pieces += stream.feed(raw[begin:end], LineCounts())
        begin = end
    assert pieces == whole
