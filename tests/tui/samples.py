"""Fleet snapshots for tests and pictures: the incident of openclaw#62351, a quiet fleet, a large one, a hostile one."""

from __future__ import annotations

from msgspec.structs import replace

from lockdeck.backend.model.fleet import (
    FleetSnapshot,
    GatewayView,
    LockView,
    RootView,
    SessionView,
    Severity,
    State,
)
from lockdeck.backend.model.incidents.records import Incident, IncidentKind, Symptom
from lockdeck.backend.model.locks import (
    Evidence,
    Holder,
    Judgement,
    LockIdentity,
    LockKind,
    LockPayload,
    LockRecord,
    Presence,
    Proof,
    Verdict,
)
from lockdeck.backend.model.releases.exposure import exposure_notes
from lockdeck.backend.model.releases.lookup import traits_of
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.model.runs.budget import Budget
from lockdeck.backend.model.runs.fix import finding
from lockdeck.backend.model.runs.forecast import forecast
from lockdeck.backend.model.runs.records import (
    Attempt,
    Blocked,
    Hold,
    Occupation,
    PolicyFinding,
    Rotation,
)
from lockdeck.backend.model.runs.remaining import Remaining
from lockdeck.backend.model.sessions.loglines import LogLine
from lockdeck.backend.model.sources import SourceKind, SourceState, SourceView
from lockdeck.backend.model.words import plain_word
from lockdeck.backend.system.processes import ProcessDetails
from lockdeck.backend.system.text import safe

NOW = 1775543201.0
"""The moment of all samples, epoch seconds."""
ROOT = "/home/ops/.openclaw"
GATEWAY = Holder(396, "openclaw-gateway", NOW - 86_400 * 3, Proof.FD, 4711)
DECISIONS = ("rotate_profile", "fallback_model")
GATEWAY_DETAILS = ProcessDetails(
    396,
    1,
    3.24,
    412_000_000,
    23,
    1,
    (safe("node"), safe("/opt/openclaw/openclaw.mjs"), safe("gateway")),
    safe("/home/ops"),
)
MODELS = (
    ("copilot:work", "github-copilot", "claude-opus-4.6"),
    ("copilot:home", "github-copilot", "claude-opus-4.6"),
    ("openai:default", "openai", "gpt-5.2"),
    ("openai:backup", "openai", "gpt-5.2"),
    ("local:default", "ollama", "qwen3-coder"),
)
NOTES = tuple(f"{ROOT}: {note}" for note in exposure_notes(Version(2026, 4, 5)))
SOURCES = (
    SourceView(SourceKind.LOG, "/tmp/openclaw/openclaw-2026-04-07.log", SourceState.READ, NOW - 2),
    SourceView(SourceKind.GATEWAY, "127.0.0.1:18789", SourceState.NOT_NEEDED),
    SourceView(SourceKind.LOCKS, f"{ROOT}/agents", SourceState.READ, NOW),
    SourceView(SourceKind.STORE, f"{ROOT}/agents", SourceState.READ, NOW),
    SourceView(SourceKind.PROCESSES, "/proc", SourceState.READ, NOW),
)
PAYLOADS = (
    "[/foo]",
    "[/",
    "[@click=app.quit]x[/]",
    "\x1b[2J\x1b[31mred",
    "\x1b]52;c;cHduZWQ=\x07",
    "\x9b31mC1",
    "abc\u202etxt.exe",
    "zero\u200bwidth",
    "\ud800lone",
    "tab\there\nline",
)
"""Text that an attacker could put into a lock file, a session key or a log line."""


def lock(
    path: str,
    verdict: Verdict,
    *,
    agent: str = "main",
    age: float = 60.0,
    holder: Holder | None = None,
    pid: int = 396,
    reasons: tuple[str, ...] = (),
) -> LockView:
    """Return a lock with a verdict."""
    made = NOW - age
    identity = LockIdentity.of(66306, 2499111, int(made * 1e9), path.encode("utf-8", "surrogatepass"))
    record = LockRecord(
        path,
        ROOT,
        agent,
        LockKind.SESSION,
        Presence.FILE,
        identity,
        LockPayload(pid, made, 88_000),
        mtime=made,
        uid=1000,
    )
    releasable = verdict in (Verdict.DEAD, Verdict.RECYCLED)
    return LockView(record, Evidence(record, NOW), Judgement(verdict, reasons, releasable, holder))


def held(agent: str, name: str, age: float) -> LockView:
    """Return a lock the gateway has open."""
    reasons = (f"pid {GATEWAY.pid} ({GATEWAY.name}) has the lock file open",)
    path = f"{ROOT}/agents/{agent}/sessions/{name}.jsonl.lock"
    return lock(path, Verdict.HELD, agent=agent, age=age, holder=GATEWAY, reasons=reasons)


def session(agent: str, rest: str, **fields: object) -> SessionView:
    """Return a session view; `rest` is the key after `agent:<id>:`."""
    view = SessionView(ROOT, agent, f"agent:{agent}:{rest}", f"{agent}-0001")
    return replace(view, **fields)  # type: ignore[arg-type]


def rotating(
    agent: str, rest: str, attempt: int, *, state: State, severity: Severity, blocked: int, occupied: float
) -> SessionView:
    """Return a session in the rotation of the incident: attempts of 60 s, by timeouts, five candidates."""
    since = NOW - occupied
    length = 60.0
    tried = tuple(
        Attempt(
            index + 1,
            *MODELS[index],
            started_at=since + index * length,
            ended_at=since + (index + 1) * length - 0.4 if index + 1 < attempt else None,
            reason="timeout" if index + 1 < attempt else None,
            decision=DECISIONS[index % 2] if index + 1 < attempt else None,
            timed_out=index + 1 < attempt,
        )
        for index in range(attempt)
    )
    to_come = tuple(Attempt(index + 1, *MODELS[index]) for index in range(attempt, len(MODELS)))
    left = Remaining(
        (tried[-1], *to_come), (Budget(length, "idle timeout"),) * (len(to_come) + 1), listed=True
    )
    ahead = forecast(left, tried[-1], NOW, traits_of(None))
    rotation = Rotation(
        f"run-{agent}",
        tried,
        attempt - 1,
        len(MODELS),
        ahead.to_come,
        ahead.free_by,
        ahead.basis,
        finding(tried, NOW),
    )
    holds = tuple(
        Hold(
            f"{index:012x}",
            396,
            since + index * length,
            since + (index + 1) * length - 0.4 if index + 1 < attempt else None,
        )
        for index in range(attempt)
    )
    sentences = (
        "session file locked (timeout 10000ms): pid=396",
        "lane wait exceeded: lane=session:main waitedMs=41017",
    )
    return session(
        agent,
        rest,
        state=state,
        severity=severity,
        since=since,
        reasons=(
            f"{attempt} attempts in one occupation, driven by {attempt - 1} timeouts",
            "the transcript has not grown since the rotation began",
        ),
        attempt=tried[-1],
        rotation=rotation,
        occupation=Occupation(
            f"{ROOT}/agents/{agent}/sessions/{agent}-0001.jsonl.lock", since, attempt, holds
        ),
        blocked=Blocked(blocked, NOW - 21, sentences[:blocked]) if blocked else Blocked(),
        lock=held(agent, f"{agent}-0001", occupied - (attempt - 1) * length),
        log=told(since, length, attempt, blocked),
    )


def told(since: float, length: float, attempt: int, blocked: int) -> tuple[LogLine, ...]:
    """Return what the log tells of a rotation in its `attempt`-th try."""
    lines = []
    for index in range(attempt):
        profile, provider, model = MODELS[index]
        lines.append(LogLine(since + index * length, f"attempt began on {provider}/{model}"))
        if index + 1 < attempt:
            over = since + (index + 1) * length - 0.4
            lines += [
                LogLine(over, f"profile {profile} timed out", bad=True),
                LogLine(
                    over, f"attempt over on {provider}/{model}: timeout; {plain_word(DECISIONS[index % 2])}"
                ),
            ]
    waits = [
        LogLine(NOW - 21 * n, "a caller gave up on the lock after 10 s held by pid 396", bad=True)
        for n in range(blocked, 0, -1)
    ]
    return tuple(sorted([*lines, *waits], key=lambda line: line.at))


def incident() -> FleetSnapshot:
    """Return four agents in the incident, with one dead, one leaked lock and an unreadable one of its own."""
    dead = lock(
        f"{ROOT}/agents/juno/sessions/juno-0007.jsonl.lock",
        Verdict.DEAD,
        agent="juno",
        age=5025,
        pid=30211,
        reasons=("pid 30211 is gone (ESRCH)", "no process has inode 2499111 open (142 of 142 inspected)"),
    )
    leaker = Holder(30507, "node", NOW - 9000, Proof.PID, 99)
    leaked = lock(
        f"{ROOT}/agents/ezra/sessions/cli-0003.jsonl.lock",
        Verdict.LEAKED,
        agent="ezra",
        age=1210,
        pid=30507,
        holder=leaker,
        reasons=("pid 30507 (node) is alive", "no process has inode 2499112 open (142 of 142 inspected)"),
    )
    lonely = lock(
        f"{ROOT}/agents/main/sessions/old-0001.jsonl.lock",
        Verdict.RECYCLED,
        age=190_000,
        pid=812,
        reasons=("pid 812 is younger than the lock: the pid was reused",),
    )
    sessions = (
        session(
            "main",
            "main",
            state=State.RUNNING,
            severity=Severity.OK,
            since=NOW - 12,
            lock=held("main", "main-0001", 12),
            attempt=Attempt(1, *MODELS[0], started_at=NOW - 12),
            occupation=Occupation("x", NOW - 12, 1, (Hold("a", 396, NOW - 12),)),
        ),
        rotating(
            "silas",
            "discord:channel:119834421",
            4,
            state=State.STUCK,
            severity=Severity.CRITICAL,
            blocked=4,
            occupied=187,
        ),
        rotating(
            "ezra",
            "discord:channel:119834907",
            3,
            state=State.STUCK,
            severity=Severity.CRITICAL,
            blocked=2,
            occupied=131,
        ),
        rotating(
            "juno",
            "telegram:direct:4402",
            2,
            state=State.ROTATING,
            severity=Severity.WARNING,
            blocked=0,
            occupied=74,
        ),
        session(
            "juno",
            "cron:nightly-digest",
            state=State.IDLE,
            severity=Severity.WARNING,
            since=NOW - 5025,
            lock=dead,
            reasons=("a dead holder's lock stands in the way of the next run",),
        ),
        session(
            "ezra", "cli:probe", state=State.UNKNOWN, severity=Severity.WARNING, since=NOW - 1210, lock=leaked
        ),
        session("main", "whatsapp:group:120363", since=NOW - 7200),
        session("silas", "main", since=NOW - 40_000),
        session("ezra", "main", since=NOW - 41_000),
        session(
            "juno",
            "heartbeat",
            state=State.FAILED,
            severity=Severity.NOTICE,
            since=NOW - 640,
            reasons=("all models failed (5): timeout",),
        ),
    )
    gateway = GatewayView(396, "2026.4.5", 18789, True)
    root = RootView(ROOT, "files", gateway, "live", (), "2026.4.5", sources=SOURCES)
    locks = tuple(view.lock for view in sessions if view.lock is not None)
    cause = outage(sessions)
    return FleetSnapshot(NOW, "deck", (root,), sessions, (*locks, lonely), NOTES, (cause,))


def outage(sessions: tuple[SessionView, ...]) -> Incident:
    """Return what the sessions in a rotation have in common: a provider that answers nobody."""
    members = tuple(view for view in sessions if view.rotation is not None)
    attempts = sum(len(view.rotation.attempts) for view in members if view.rotation is not None)
    return Incident(
        IncidentKind.PROVIDER,
        ("github-copilot",),
        Symptom.SILENT,
        NOW - 187,
        agents=tuple(view.agent for view in members),
        members=tuple(view.identity for view in members),
        attempts=attempts,
        callers=sum(view.blocked.count for view in members),
        evidence=(
            f"{attempts} attempts of {len(members)} agents, none answered",
            "main on another provider was answered meanwhile",
        ),
        free_by=max(view.free_by or NOW for view in members),
    )


def story() -> tuple[FleetSnapshot, ...]:
    """Return the incident as it came to be, one snapshot a minute; the last one is the incident itself."""
    whole = incident()
    return (*(_begun(whole, minutes) for minutes in (4, 3, 2, 1)), whole)


def _begun(whole: FleetSnapshot, minutes: int) -> FleetSnapshot:
    """Return the snapshot of some minutes before, with fewer holds and callers."""
    sessions = []
    for view in whole.sessions:
        if view.occupation is not None:
            holds = max(view.occupation.holds - minutes, 1)
            callers = max(view.blocked.count - minutes, 0)
            taken = replace(view.occupation, holds=holds)
            view = replace(view, occupation=taken, blocked=replace(view.blocked, count=callers))
        sessions.append(view)
    return replace(whole, generated_at=whole.generated_at - 60 * minutes, sessions=tuple(sessions))


def quiet() -> FleetSnapshot:
    """Return a fleet with nothing in it."""
    root = RootView(ROOT, "files", None, "polling", ("no gateway lock in /tmp/openclaw-1000",), "2026.4.5")
    return FleetSnapshot(NOW, "deck", (root,))


def large(count: int) -> FleetSnapshot:
    """Return a fleet of `count` sessions, one in ten running."""
    sessions = tuple(
        session(
            f"agent{number % 40}",
            f"discord:channel:{number:09d}",
            state=State.RUNNING if number % 10 == 0 else State.IDLE,
            since=NOW - number,
        )
        for number in range(count)
    )
    root = RootView(ROOT, "files", GatewayView(396, "2026.4.5", 18789, True), "live")
    return FleetSnapshot(NOW, "deck", (root,), sessions)


def hostile() -> FleetSnapshot:
    """Return a fleet in which every text came from an attacker."""
    sessions = tuple(_hostile_session(payload) for payload in PAYLOADS)
    roots = tuple(
        RootView(
            f"/{payload}",
            payload,
            GatewayView(1, payload, 1, True),
            "live",
            (payload,),
            payload,
            sources=(SourceView(SourceKind.LOG, payload, SourceState.STALE, NOW, payload),),
        )
        for payload in PAYLOADS[:3]
    )
    locks = tuple(
        lock(f"/{payload}.lock", Verdict.DEAD, agent=payload, reasons=(payload,)) for payload in PAYLOADS
    )
    return FleetSnapshot(NOW, PAYLOADS[0], roots, sessions, locks, PAYLOADS)


def _hostile_session(payload: str) -> SessionView:
    attempt = Attempt(1, payload, payload, payload, NOW - 50, NOW - 20, payload, payload, True)
    rotation = Rotation(
        payload,
        (attempt,),
        1,
        2,
        (replace(attempt, index=2),),
        NOW + 10,
        payload,
        PolicyFinding(1, 1000, payload),
    )
    return SessionView(
        payload,
        payload,
        f"agent:{payload}:{payload}",
        payload,
        State.STUCK,
        Severity.CRITICAL,
        NOW - 50,
        (payload,),
        attempt,
        rotation,
        Occupation(payload, NOW - 50, 1, (Hold(payload, 1, NOW - 50),)),
        Blocked(1, NOW, (payload,)),
        lock(
            payload,
            Verdict.LEAKED,
            agent=payload,
            holder=Holder(1, payload, NOW - 90, Proof.PID),
            reasons=(payload,),
        ),
        payload,
        (LogLine(NOW - 40, payload, bad=True),),
    )
