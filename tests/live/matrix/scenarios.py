"""What is tried on each release but cancels. Every scenario ends with the instance running and answering."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.live.deck import by_agent, lockdeck, status
from tests.live.instance import Instance
from tests.live.matrix.findings import Findings
from tests.live.matrix.judgement import (
    DECISION,
    attempts_logged,
    attempts_of,
    false_greens,
    false_reds,
    flips,
    given_up_at,
    timeouts_behind,
)
from tests.live.matrix.looks import EVERY_S, Looks, looking
from tests.live.provider import Mode
from tests.live.state import AGENTS
from tests.live.waiting import eventually

HANG_S = 150
"""So long (seconds) a hang of all agents is watched at most; a rotation that takes longer is ended by a restart."""
FAILING_S = 45
PATIENCE_S = 180


def idle(instance: Instance, findings: Findings) -> None:
    """Nobody runs: nothing may need a person."""
    code, snapshot = status(instance)
    findings.looks += 1
    if code != 0:
        reasons = [s["reasons"] for s in snapshot["sessions"]] + [r["problems"] for r in snapshot["roots"]]
        findings.faults.append(f"idle: exit {code}: {reasons}")


def streaming(instance: Instance, findings: Findings) -> None:
    """A model that answers slowly: running, and no more than was given up where the machine is too slow for it."""
    instance.provider.mode(Mode.SLOW)
    already = _size(instance.log_file)
    with looking(instance, "streaming") as looks:
        runs = [instance.start_run(agent) for agent in AGENTS]
        for run in runs:
            run.wait(PATIENCE_S)
    judge(looks, instance, findings, "streaming")
    requests = [r for r in instance.provider.history if r.began_at >= looks.began_at]
    log = instance.log_file.read_bytes()[already:].decode("utf-8", "replace")
    logged = {agent: given_up_at(run.id, log) for agent, run in zip(AGENTS, runs, strict=True)}
    retries = retries_on_same_model(findings.release)
    told = false_reds(looks.answers, requests, retries=retries, logged=logged)
    findings.faults += [f"streaming: {sentence}" for sentence in dict.fromkeys(told)]
    asked = Counter(r.agent for r in requests)
    for agent in (agent for agent in AGENTS if asked[agent] > 1):
        findings.not_tried.append(f"streaming: {agent} was too slow for its idle timeout on this machine")
    instance.provider.mode(Mode.OK)


def hang(instance: Instance, findings: Findings) -> None:
    """The incident of openclaw#62351: all four agents hang until each has tried everything."""
    instance.provider.mode(Mode.HANG)
    already, began_at = _size(instance.log_file), time.time()
    with looking(instance, "hang") as looks:
        runs = [instance.start_run(agent) for agent in AGENTS]
        while time.time() < began_at + HANG_S and not all(run.finished for run in runs):
            time.sleep(0.2)
        ended = all(run.finished for run in runs)
        time.sleep(4)
    judge(looks, instance, findings, "hang")
    log = instance.log_file.read_bytes()[already:]
    asked = attempts_since(began_at, instance, findings)
    for agent, run in zip(AGENTS, runs, strict=True):
        logged = attempts_logged(run.id, log.decode("utf-8", "replace"))
        if logged > asked[agent]:
            unsent = f"{agent} timed out {logged} times, {asked[agent]} requests had left by then"
            findings.not_tried.append(f"hang: {unsent}")
            asked[agent] = logged
        judge_rotation(
            looks, findings, agent, asked[agent], ended, _most_behind(looks, instance, agent, findings)
        )
    _replayed(instance, findings, log, asked, ended)
    instance.provider.mode(Mode.OK)
    settle(instance)


def failing(instance: Instance, findings: Findings) -> None:
    """A provider that answers with an error is no hang."""
    _fail(instance, findings, Mode.ERROR429, Mode.ERROR500)


def refusing(instance: Instance, findings: Findings) -> None:
    """A provider that takes no key: the last scenario, for it makes the profiles of an agent cool down."""
    _fail(instance, findings, Mode.ERROR401)


def _fail(instance: Instance, findings: Findings, *modes: Mode) -> None:
    for mode in modes:
        instance.provider.mode(mode)
        with looking(instance, str(mode)) as looks:
            run = instance.start_run("ezra")
            deadline = time.time() + FAILING_S
            while time.time() < deadline and not run.finished:
                time.sleep(0.2)
        judge(looks, instance, findings, mode)
        told = [s for s in looks.pictures("ezra") if "openclaw#62351" in " ".join(s["reasons"])]
        if told:
            findings.faults.append(f"{mode}: told as the hang of openclaw#62351: {told[0]['reasons']}")
        instance.provider.mode(Mode.OK)
        settle(instance)


def killed(instance: Instance, findings: Findings) -> None:
    """SIGKILL in a hang: what is left is told, released where it is a lock, and the next run is not disturbed."""
    instance.provider.mode(Mode.HANG)
    for agent in AGENTS:
        instance.start_run(agent)
    eventually(lambda: len(instance.provider.open_requests) >= len(AGENTS), PATIENCE_S, "four open requests")
    instance.sigkill()
    left = instance.lock_files()
    code, snapshot = status(instance)
    findings.looks += 1
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
    _start_after_kill(instance, findings)
    if not instance.start_run("main").wait(PATIENCE_S)["ok"]:
        findings.faults.append("killed: the next run failed")


def _start_after_kill(instance: Instance, findings: Findings) -> None:
    """Start on what the killed gateway left; 2026.3.13 was seen to take its lock for that of one that runs."""
    try:
        instance.start()
    except AssertionError as error:
        findings.not_tried.append(
            f"killed: the next gateway did not start beside the lock that was left: {error}"
        )
        instance.gateway_lock.unlink(missing_ok=True)
        instance.sigkill()
        instance.start()


def judge(looks: Looks, instance: Instance, findings: Findings, scenario: str) -> None:
    """Judge every answer of a scenario by the requests of its runs."""
    requests = [r for r in instance.provider.history if r.began_at >= looks.began_at]
    findings.looks += len(looks.answers)
    told = false_greens(looks.answers, requests, retries=retries_on_same_model(findings.release))
    findings.false_greens += [f"{scenario}: {sentence}" for sentence in told]
    findings.faults += [f"{scenario}: {trouble}" for trouble in looks.trouble]
    leaked = {lock["path"] for s in looks.snapshots for lock in s["locks"] if lock["verdict"] == "leaked"}
    findings.faults += [f"{scenario}: {path} was told to be leaked" for path in sorted(leaked)]


def attempts_since(began_at: float, instance: Instance, findings: Findings) -> dict[str, int]:
    """Return by agent how many attempts the provider has seen since a time (epoch seconds)."""
    requests = [r for r in instance.provider.history if r.began_at >= began_at]
    again = retries_on_same_model(findings.release)
    return {agent: len(attempts_of(agent, requests, retries=again)) for agent in AGENTS}


def retries_on_same_model(release: str) -> bool:
    """Return whether a release tries a hanging model again before the next profile: from 2026.9.1 on."""
    return release.startswith("2026.9.")


def settle(instance: Instance) -> None:
    """Wait until every run is over, no request is open and no lock stands; a run that goes on is ended by a restart.

    That the first alone counts was seen on 2026.5.18: it prepares an attempt for 20 s without a request or a lock.
    """
    try:
        eventually(lambda: _is_quiet(instance), 10, "quiet")
    except AssertionError:
        instance.begin_anew()
    else:
        instance.warm_up()


def _most_behind(looks: Looks, instance: Instance, agent: str, findings: Findings) -> int:
    """Return how many timeouts an agent had behind it, at most, when there was still time for two looks to tell."""
    requests = [r for r in instance.provider.history if r.began_at >= looks.began_at]
    again = retries_on_same_model(findings.release)
    last_at = looks.statuses[-1].asked_at - 2 * EVERY_S if looks.statuses else 0.0
    looked = [a.asked_at for a in looks.statuses if a.asked_at <= last_at]
    return max((timeouts_behind(agent, at, requests, retries=again) for at in looked), default=0)


def _is_quiet(instance: Instance) -> bool:
    at_work = instance.provider.open_requests or instance.lock_files()
    return not at_work and all(run.finished for run in instance.runs)


def judge_rotation(
    looks: Looks, findings: Findings, agent: str, asked: int, ended: bool, behind: int
) -> None:
    """Judge how `watch` and `status` told of an agent that hung through `asked` attempts, `behind` of them given up."""
    for teller, states in zip(("watch", "status"), looks.states(agent), strict=True):
        if flips(states):
            findings.flips.append(f"hang: {agent} flipped in {teller}: {states}")
        if "stuck" not in states and behind >= 2:
            findings.faults.append(f"hang: {teller} never said that {agent} is stuck: {states}")
    beyond = [
        f"{s['attempt']['index']} of {s['attempt']['total']}"
        for s in looks.pictures(agent)
        if s["attempt"] and s["attempt"]["total"] and s["attempt"]["index"] > s["attempt"]["total"]
    ]
    if beyond:
        findings.faults.append(f"hang: {agent} is in attempt {beyond[0]}")
    told = [s["rotation"]["attempts"] for s in looks.pictures(agent) if s["rotation"]]
    # An attempt takes the session before it asks: what was cut off in between is not counted.
    most = max(
        (len(a) if ended else sum(one.get("endedAt") is not None for one in a) for a in told), default=0
    )
    right = most == asked if ended else most <= asked
    findings.count(findings.attempts, right, f"hang: {agent} has {most} attempts, {asked} were made")


def _replayed(
    instance: Instance, findings: Findings, text: bytes, asked: dict[str, int], ended: bool
) -> None:
    """Compare what `replay` tells of the hang with the log's own lines and the attempts that were made."""
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
            len(r["attempts"]) for r in history["runs"] if _agent_of(r, instance) == agent and r["attempts"]
        ]
        findings.count(
            findings.attempts,
            told_attempts == [asked[agent]],
            f"replay: {agent}: attempts {told_attempts}, {asked[agent]} were made",
        )


def _agent_of(run: dict[str, Any], instance: Instance) -> str | None:
    """Return whose run it is; a log of 2026.2.9 names the session's id alone, which is the name of its transcript."""
    key = run["sessionKey"] or ""
    if key.startswith("agent:"):
        return key.split(":")[1]
    transcripts = instance.root.glob(f"agents/*/sessions/{run['sessionId']}.jsonl")
    return next((path.parent.parent.name for path in transcripts), None)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
