"""What is tried on each release. Every scenario ends with the instance running and answering."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.live.deck import by_agent, lockdeck, status
from tests.live.instance import Instance
from tests.live.matrix.judgement import false_greens, flips
from tests.live.matrix.looks import Looks, looking
from tests.live.provider import Mode, ProviderRequest
from tests.live.state import AGENTS
from tests.live.waiting import eventually

HANG_S = 120
"""So long (seconds) a hang of all agents is watched at most; a rotation that takes longer is ended by a restart."""
QUIET_S = 6.0
"""No request of a cancelled run may come for so long (seconds)."""
DECISION = re.compile(r'"event": ?"embedded_run_failover_decision"|embedded run failover decision:')
PATIENCE_S = 180


@dataclass(slots=True)
class Findings:
    """What the scenarios found on one release; each fault is a sentence."""

    release: str
    looks: int = 0
    false_greens: list[str] = field(default_factory=list)
    flips: int = 0
    attempts: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    cancels: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def count(self, counter: Counter[str], right: bool, fault: str) -> None:
        """Count one thing that was looked at; what is not right is written down."""
        counter["all"] += 1
        counter["right"] += right
        if not right:
            self.faults.append(fault)


def idle(instance: Instance, findings: Findings) -> None:
    """Nobody runs: nothing may need a person."""
    code, snapshot = status(instance)
    findings.looks += 1
    if code != 0:
        reasons = [s["reasons"] for s in snapshot["sessions"]] + [r["problems"] for r in snapshot["roots"]]
        findings.faults.append(f"idle: exit {code}: {reasons}")


def streaming(instance: Instance, findings: Findings) -> None:
    """A model that answers slowly: running, never more."""
    instance.provider.mode(Mode.SLOW)
    with looking(instance) as looks:
        for run in [instance.start_run(agent) for agent in AGENTS]:
            run.wait(PATIENCE_S)
    _judge(looks, instance, findings, "streaming")
    for agent in AGENTS:
        worse = set(looks.watch.states(agent)) & {"stuck", "rotating"}
        if worse:
            findings.faults.append(f"streaming: {agent} was {', '.join(sorted(worse))}")
    instance.provider.mode(Mode.OK)


def hang(instance: Instance, findings: Findings) -> None:
    """The incident of openclaw#62351: all four agents hang until each has tried everything."""
    instance.provider.mode(Mode.HANG)
    already, began_at = _size(instance.log_file), time.time()
    with looking(instance) as looks:
        runs = [instance.start_run(agent) for agent in AGENTS]
        while time.time() < began_at + HANG_S and not all(run.finished for run in runs):
            time.sleep(0.2)
        ended = all(run.finished for run in runs)
        time.sleep(2)
    _judge(looks, instance, findings, "hang")
    asked = Counter(r.agent for r in instance.provider.history if r.began_at >= began_at)
    for agent in AGENTS:
        findings.flips += (count := flips(looks.watch.states(agent)))
        if count:
            findings.faults.append(f"hang: {agent} flipped: {looks.watch.states(agent)}")
        if "stuck" not in looks.watch.states(agent):
            findings.faults.append(
                f"hang: watch never said that {agent} is stuck: {looks.watch.states(agent)}"
            )
        if not any(answer.states.get(agent) == "stuck" for answer in looks.statuses):
            findings.faults.append(f"hang: status never said that {agent} is stuck")
    _replayed(instance, findings, already, asked, ended)
    instance.provider.mode(Mode.OK)
    _settle(instance)


def failing(instance: Instance, findings: Findings) -> None:
    """A provider that answers with an error is no hang."""
    for mode in (Mode.ERROR429, Mode.ERROR500):
        instance.provider.mode(mode)
        with looking(instance) as looks:
            run = instance.start_run("ezra")
            deadline = time.time() + 60
            while time.time() < deadline and not run.finished:
                time.sleep(0.2)
        _judge(looks, instance, findings, mode)
        told = [s for s in looks.watch.sessions("ezra") if "openclaw#62351" in " ".join(s["reasons"])]
        if told:
            findings.faults.append(f"{mode}: told as the hang of openclaw#62351: {told[0]['reasons']}")
        instance.provider.mode(Mode.OK)
        _settle(instance)


def cancelling(instance: Instance, findings: Findings, ways: tuple[str, ...] = ("agent", "chat")) -> None:
    """Cancel in the middle of an attempt, and right after one has ended: exit 0 says that nothing goes on."""
    for way in ways:
        for moment in ("attempt", "gap"):
            instance.provider.mode(Mode.HANG)
            instance.provider.forget()
            instance.start_run("silas", via=way)
            wanted = 1 if moment == "attempt" else 2
            eventually(lambda n=wanted: len(instance.provider.requests) >= n, PATIENCE_S, f"request {wanted}")
            code, outcome, narration = lockdeck(
                instance, "cancel", "agent:silas:main", "--root", str(instance.root)
            )
            at = time.time()
            time.sleep(QUIET_S)
            late = [r for r in instance.provider.history if r.agent == "silas" and _lives(r, at)]
            said = outcome["status"] if outcome else narration.strip()[-200:]
            findings.count(
                findings.cancels,
                (code == 0) is not bool(late),
                f"cancel of {way} in {moment}: exit {code} ({said}), {len(late)} requests after it",
            )
            instance.provider.mode(Mode.OK)
            _settle(instance)


def killed(instance: Instance, findings: Findings) -> None:
    """SIGKILL in a hang: what is left is told, released where it is a lock, and the next run is not disturbed."""
    instance.provider.mode(Mode.HANG)
    for agent in AGENTS:
        instance.start_run(agent)
    eventually(lambda: len(instance.provider.open_requests) >= len(AGENTS), PATIENCE_S, "four open requests")
    instance.sigkill()
    left = instance.lock_files()
    code, snapshot = status(instance)
    if code != 1:
        findings.faults.append(f"killed: exit {code} with {len(left)} locks left and four runs cut off")
    for agent, session in by_agent(snapshot).items():
        if session["state"] in ("running", "rotating", "stuck") and not session["lock"]:
            findings.faults.append(f"killed: {agent} is {session['state']} after its gateway is gone")
    for lock in snapshot["locks"]:
        if lock["path"].endswith(".jsonl.lock"):
            words = ["release", lock["path"], "--release-id", lock["releaseId"], "--watch", "0.1"]
            released, outcome, narration = lockdeck(instance, *words)
            if released != 0:
                findings.faults.append(
                    f"killed: release of {Path(lock['path']).name}: {outcome or narration}"
                )
    instance.provider.mode(Mode.OK)
    instance.start()
    if not instance.start_run("main").wait(PATIENCE_S)["ok"]:
        findings.faults.append("killed: the next run failed")


def _judge(looks: Looks, instance: Instance, findings: Findings, scenario: str) -> None:
    findings.looks += len(looks.answers)
    findings.false_greens += [
        f"{scenario}: {s}" for s in false_greens(looks.answers, instance.provider.history)
    ]
    findings.faults += [f"{scenario}: {trouble}" for trouble in looks.trouble]


def _replayed(
    instance: Instance, findings: Findings, already: int, asked: Counter[str | None], ended: bool
) -> None:
    """Compare what `replay` tells of the hang with the log's own lines and the provider's requests."""
    text = instance.log_file.read_bytes()[already:]
    piece = instance.folder / "hang.log"
    piece.write_bytes(text)
    code, history, narration = lockdeck(instance, "replay", str(piece))
    if history is None:
        findings.faults.append(f"replay: exit {code}: {narration}")
        return
    logged = sum(bool(DECISION.search(line)) for line in text.decode("utf-8", "replace").splitlines())
    told = sum(
        count
        for kind, count in history["counts"].items()
        if kind.startswith("embedded_run_failover_decision/")
    )
    findings.count(findings.decisions, told == logged, f"replay: {told} decisions, the log has {logged}")
    if not ended:
        return
    for agent in AGENTS:
        told_attempts = [
            len(r["attempts"]) for r in history["runs"] if _agent_of(r) == agent and r["attempts"]
        ]
        findings.count(
            findings.attempts,
            told_attempts == [asked[agent]],
            f"replay: {agent}: attempts {told_attempts}, the provider was asked {asked[agent]} times",
        )


def _agent_of(run: dict[str, Any]) -> str | None:
    key = run["sessionKey"] or ""
    return key.split(":")[1] if key.startswith("agent:") else None


def _lives(request: ProviderRequest, at: float) -> bool:
    return request.began_at > at or request.ended_at is None or request.ended_at > at + 1.0


def _settle(instance: Instance) -> None:
    """Wait until no request is open and no lock stands; a run that goes on is ended by a restart."""
    try:
        eventually(lambda: not instance.provider.open_requests and not instance.lock_files(), 10, "quiet")
    except AssertionError:
        instance.sigkill()
        for lock in instance.lock_files():
            lock.unlink(missing_ok=True)
        instance.start()
    instance.warm_up()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
