"""The JSON face of a snapshot: the shapes promised by `docs/status.schema.json`.

Times are ISO 8601 UTC with milliseconds, durations integer milliseconds.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from lockdeck.backend.model.cancel import Cancel
from lockdeck.backend.model.fleet import (
    FleetSnapshot,
    GatewayView,
    LockView,
    RefusedStart,
    RootView,
    RunHolder,
    SessionView,
)
from lockdeck.backend.model.incidents.records import Incident
from lockdeck.backend.model.knowledge import Knowledge
from lockdeck.backend.model.locks import Evidence, Holder, ScanEvidence
from lockdeck.backend.model.moments import clock_text, iso, seconds_between, telling_of
from lockdeck.backend.model.needs import needs_person
from lockdeck.backend.model.occupation import occupied_ms
from lockdeck.backend.model.runs.records import Attempt, Occupation, Rotation
from lockdeck.backend.model.sources import SourceView

SCHEMA = 2
Json = dict[str, Any]


def dumps(value: object, indent: int | None = None) -> str:
    """Serialise so that no byte of the data can act on a terminal: everything beyond ASCII is escaped."""
    try:
        # Python's own encoder writes the same text, in five times the time and memory; but this one escapes nothing.
        raw = msgspec.json.encode(value, enc_hook=_plain_text)
        raw = raw if raw.isascii() else json.dumps(value, ensure_ascii=True).encode()
        text = msgspec.json.format(raw, indent=indent or 0).decode()
    except (
        UnicodeEncodeError,
        msgspec.DecodeError,
    ):  # it knows no lone surrogates, as in names that are not UTF-8
        text = json.dumps(value, ensure_ascii=True, indent=indent)
    return text.replace("\x7f", "\\u007f")


def _plain_text(value: object) -> str:
    if isinstance(value, str):
        return str(value)  # of a kind of our own
    raise TypeError(f"{type(value).__name__} is nothing that is written as JSON")


def moment_json(name: str, at: float | None) -> Json:
    """Render a moment under its name, null without a date; and what else the log tells of it: its clock, or nothing."""
    return {name: iso(at), f"{name[:-2]}Clock" if name.endswith("At") else f"{name}Clock": clock_text(at)}


def times_json(at: float | None) -> str | None:
    """Say what the log tells of times: `dated`, `no year`, `no date` or `not told`; null where there is no time."""
    return None if at is None else telling_of(at).value


def ms(seconds: float | None) -> int | None:
    """Seconds as integer milliseconds, never negative."""
    return None if seconds is None else max(0, round(seconds * 1000))


def snapshot_json(snapshot: FleetSnapshot) -> Json:
    """Render the whole snapshot, as `status --json` prints it."""
    now = snapshot.generated_at
    return {
        "schema": SCHEMA,
        "generatedAt": iso(now),
        "host": snapshot.host,
        "roots": [root_json(root, snapshot.host) for root in snapshot.roots],
        "sessions": list(_sessions_json(snapshot)),
        "locks": [lock_json(view, snapshot.host, now) for view in snapshot.locks],
        "incidents": [incident_json(incident) for incident in snapshot.incidents],
        "summary": summary_json(snapshot),
        "notes": list(snapshot.notes),
    }


def incident_json(incident: Incident) -> Json:
    """Render a cause that several sessions have in common."""
    return {
        "kind": incident.kind.value,
        "subject": incident.subject,
        "since": iso(incident.since),
        "until": iso(incident.until),
        "agents": list(incident.agents),
        "sessions": list(incident.sessions),
        "attempts": incident.attempts,
        "answers": incident.answers,
        "callers": incident.callers,
        "evidence": list(incident.evidence),
        "freeBy": iso(incident.free_by),
    }


def summary_json(snapshot: FleetSnapshot) -> Json:
    """Counts by state and verdict, blocked callers, and whether a person is needed."""
    states = Counter(session.state.value for session in snapshot.sessions)
    verdicts = Counter(view.judgement.verdict.value for view in snapshot.locks)
    return {
        "sessions": {"total": len(snapshot.sessions), **dict(sorted(states.items()))},
        "locks": {"total": len(snapshot.locks), **dict(sorted(verdicts.items()))},
        "releasable": sum(view.judgement.releasable for view in snapshot.locks),
        "blocked": sum(session.blocked.count for session in snapshot.sessions),
        "needsPerson": needs_person(snapshot),
    }


def _sessions_json(snapshot: FleetSnapshot) -> Iterator[Json]:
    sources = SessionSources(snapshot.roots)
    for session in snapshot.sessions:
        yield session_json(session, snapshot.generated_at, snapshot.host, sources.json_of(session))


class SessionSources:
    """The sources of sessions as JSON. Most of a root have the same ones, as one object: that is rendered once."""

    def __init__(self, roots: Iterable[RootView]) -> None:
        self._roots = {root.path: root for root in roots}
        self._known: dict[str, Knowledge] = {}
        self._rendered: dict[int, tuple[tuple[SourceView, ...], list[Json]]] = {}

    def json_of(self, session: SessionView) -> list[Json]:
        """Return the sources of a session; none where its root is not known."""
        root = self._roots.get(session.root)
        if root is None:
            return []
        if root.path not in self._known:
            self._known[root.path] = Knowledge(root)
        sources = self._known[root.path].listed(session)
        if id(sources) not in self._rendered:
            self._rendered[id(sources)] = (sources, sources_json(sources))
        return self._rendered[id(sources)][1]


def sources_json(sources: Iterable[SourceView]) -> list[Json]:
    """Render what is read of a root or session, how fresh it is, and what can't be known without it."""
    return [
        {
            "kind": source.kind.value,
            "where": source.where,
            "state": source.state.value,
            "asOf": iso(source.as_of),
            "lost": source.lost,
        }
        for source in sources
    ]


def root_json(root: RootView, host: str) -> Json:
    """Render one root of a host."""
    return {
        "host": host,
        "path": root.path,
        "era": root.era,
        "owner": {"uid": root.ownership.uid, "name": root.ownership.owner},
        "ours": root.ownership.ours,
        "version": root.version,
        "gateway": _gateway(root.gateway),
        "watch": root.watch,
        "problems": list(root.problems),
        "unseen": root.unseen,
        "refusedStart": _refused_start(root.refused_start),
        "sources": sources_json(root.sources),
    }


def _refused_start(refused: RefusedStart | None) -> Json | None:
    if refused is None:
        return None
    return {
        "at": iso(refused.at),
        "count": refused.count,
        "pid": refused.pid,
        "alive": refused.alive,
        "waiting": refused.waiting,
        "reason": refused.reason,
    }


def _gateway(gateway: GatewayView | None) -> Json | None:
    if gateway is None:
        return None
    return {"pid": gateway.pid, "version": gateway.version, "port": gateway.port, "alive": gateway.alive}


def session_json(session: SessionView, now: float, host: str, sources: Sequence[Json] = ()) -> Json:
    """Render one session of a host as seen at `now`; `sources` are rendered already."""
    return {
        "host": host,
        "root": session.root,
        "agent": session.agent,
        "key": session.key,
        "sessionId": session.session_id,
        "state": session.state.value,
        "severity": session.severity.word,
        "since": iso(session.since),
        "reasons": list(session.reasons),
        "attempt": attempt_json(session.attempt, session.rotation) if session.attempt else None,
        "rotation": rotation_json(session.rotation) if session.rotation else None,
        "occupation": _occupation(session.occupation, now),
        "blocked": {"count": session.blocked.count, "last": iso(session.blocked.last)},
        "lock": lock_json(session.lock, host, now) if session.lock else None,
        "holder": _run_holder(session.holder),
        "cancelled": cancel_json(session.cancelled),
        "sources": list(sources),
    }


def cancel_json(cancel: Cancel | None) -> Json | None:
    """Render who cancelled a run, and when; null where nobody did."""
    if cancel is None:
        return None
    return {
        "at": iso(cancel.at),
        "by": cancel.by,
        "user": cancel.user,
        "rung": cancel.rung,
        "runId": cancel.run_id,
    }


def attempt_json(attempt: Attempt, rotation: Rotation | None = None) -> Json:
    """Render one attempt; `total` is the rotation's, None where not known."""
    ended, started = attempt.ended_at, attempt.started_at
    return {
        "index": attempt.index,
        "total": rotation.total if rotation else None,
        "profile": attempt.profile,
        "provider": attempt.provider,
        "model": attempt.model,
        **moment_json("startedAt", started),
        "startAssumed": attempt.start_assumed,
        **moment_json("endedAt", ended),
        "times": times_json(started if ended is None else ended),
        "durationMs": ms(seconds_between(started, ended)),
        "reason": attempt.reason,
        "decision": attempt.decision,
        "timedOut": attempt.timed_out,
    }


def rotation_json(rotation: Rotation) -> Json:
    """Render the attempts so far and to come, what the policy says, and when the session is free at worst."""
    policy = rotation.policy
    return {
        "runId": rotation.run_id,
        "attempts": [attempt_json(attempt, rotation) for attempt in rotation.attempts],
        "toCome": [attempt_json(attempt, rotation) for attempt in rotation.to_come],
        "total": rotation.total,
        "timeouts": rotation.timeouts,
        "lockFailures": rotation.lock_failures,
        "finished": rotation.finished,
        "policy": policy
        and {
            "wouldStopAt": policy.would_stop_at,
            "avoidableMs": policy.avoidable_ms,
            "sentence": policy.sentence,
        },
        "freeBy": iso(rotation.free_by),
        "freeByHow": rotation.free_by_how,
        "freeByPassed": rotation.free_by_passed,
    }


def _occupation(occupation: Occupation | None, now: float) -> Json | None:
    if occupation is None:
        return None
    return {"since": iso(occupation.since), "ms": occupied_ms(occupation, now), "holds": occupation.holds}


def lock_json(view: LockView, host: str, now: float | None = None) -> Json:
    """Render one lock of a host as of `now` (else of its observation)."""
    record, judgement = view.record, view.judgement
    payload = record.payload
    return {
        "host": host,
        "path": record.path,
        "root": record.root,
        "agent": record.agent,
        "kind": record.kind.value,
        "releaseId": view.release_id,
        "pid": payload.pid if payload else None,
        "createdAt": iso(record.created_at),
        "ageMs": ms(view.evidence.age_at(view.evidence.observed_at if now is None else now)),
        "maxHoldMs": payload.max_hold_ms if payload else None,
        "verdict": judgement.verdict.value,
        "reasons": list(judgement.reasons),
        "releasable": judgement.releasable,
        "holder": _holder(judgement.holder),
    }


def _run_holder(holder: RunHolder | None) -> Json | None:
    if holder is None:
        return None
    return {
        "pid": holder.pid,
        "runId": holder.run_id,
        "model": holder.model,
        "since": iso(holder.since),
        "lastProgress": iso(holder.last_progress),
        "queueDepth": holder.queue_depth,
        "refused": holder.refused,
    }


def _holder(holder: Holder | None) -> Json | None:
    if holder is None:
        return None
    return {
        "pid": holder.pid,
        "name": holder.name,
        "startedAt": iso(holder.started_at),
        "proof": holder.proof.value,
    }


def evidence_json(evidence: Evidence) -> Json:
    """Render what was observed, for `explain` and the journal."""
    record, identity = evidence.record, evidence.record.identity
    return {
        "observedAt": iso(evidence.observed_at),
        "presence": record.presence.value,
        "payload": record.payload_state.value,
        "problem": record.problem,
        "dev": identity.dev if identity else None,
        "ino": identity.ino if identity else None,
        "ctimeNs": identity.ctime_ns if identity else None,
        "mtime": iso(record.mtime),
        "uid": record.uid,
        "ourUid": evidence.our_uid,
        "hardLinks": record.nlink,
        "starttime": record.payload.starttime if record.payload else None,
        "port": record.payload.port if record.payload else None,
        "role": record.payload.role if record.payload else None,
        "process": _process(evidence),
        "openers": [_holder(holder) for holder in evidence.openers],
        "deletedOpeners": [_holder(holder) for holder in evidence.deleted_openers],
        "scan": _scan(evidence.scan),
        "ownNamespace": evidence.own_namespace,
        "namespaceNote": evidence.namespace_note,
        "volume": evidence.volume,
        "fsType": evidence.fs_type,
        "bootTime": iso(evidence.boot_time),
        "era": evidence.era,
    }


def _process(evidence: Evidence) -> Json:
    return {
        "liveness": evidence.liveness.value if evidence.liveness else None,
        "name": evidence.process_name or None,
        "startedAt": iso(evidence.process_started_at),
        "startTicks": evidence.process_start_ticks,
        "startMatches": evidence.start_matches,
    }


def _scan(scan: ScanEvidence) -> Json:
    return {
        "supported": scan.supported,
        "complete": scan.complete,
        "inspected": scan.inspected,
        "total": scan.total,
        "hidden": list(scan.hidden),
        "unwritten": scan.unwritten,
    }
