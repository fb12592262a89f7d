"""Cancels in the middle of an attempt, right after one and between retries: exit 0 says that nothing goes on."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

from tests.live.deck import lockdeck
from tests.live.instance import Instance
from tests.live.matrix.findings import Findings
from tests.live.matrix.scenarios import PATIENCE_S, settle
from tests.live.provider import Mode, ProviderRequest
from tests.live.waiting import eventually

QUIET_S = 6.0
"""No request of a cancelled run may come for so long (seconds)."""
RETRY_QUIET_S = 12.0
"""The same where it waits between retries: pauses of 1, 2, 4 and 8 s were seen."""
WAYS = ("agent", "chat")


def cancelling(instance: Instance, findings: Findings, ways: tuple[str, ...] = WAYS) -> None:
    """Cancel in the middle of an attempt, and in the gap after one."""
    for way in ways:
        for moment in ("attempt", "gap"):
            instance.provider.mode(Mode.HANG)
            instance.provider.forget()
            instance.start_run("silas", via=way)
            eventually(lambda: instance.provider.open_requests, PATIENCE_S, "a request")
            if moment == "gap":
                eventually(lambda: not instance.provider.open_requests, PATIENCE_S, "the end of an attempt")
            # Without its log much less is known of a run, and no more may be told of it.
            cancel_silas(instance, findings, f"{way} in {moment}", QUIET_S, with_log=way == "agent")


def cancelling_retries(instance: Instance, findings: Findings) -> None:
    """Cancel between two tries on the same model and profile, where the release makes any."""
    for way in WAYS:
        instance.provider.mode(Mode.ERROR429)
        instance.provider.forget()
        run = instance.start_run("silas", via=way)
        eventually(lambda run=run: _retries(instance) or run.finished, PATIENCE_S, "a retry or the end")
        if _retries(instance):
            cancel_silas(instance, findings, f"{way} in retry", RETRY_QUIET_S)
        else:
            findings.not_tried.append(f"cancel of {way} in retry: this release made none")


def cancel_silas(
    instance: Instance, findings: Findings, what: str, quiet_s: float, *, with_log: bool = True
) -> bool:
    """Cancel the run of one agent; what the provider sees within `quiet_s` seconds says whether the answer is true.

    `with_log`: lockdeck is told where the log of the instance is, which stands at no place of OpenClaw's own. Success is also that no lock of the session stands: OpenClaw may keep one for a minute after an abort.

    Returns False where success was told and the run went on.
    """
    words = ["cancel", "agent:silas:main", "--root", str(instance.root)]
    if with_log:
        words += ["--log", str(instance.log_file)]
    code, outcome, narration = lockdeck(instance, *words)
    at, held = time.time(), any(path.parts[-3] == "silas" for path in instance.lock_files())
    _keep(instance, what, {"at": at, "exit": code, "outcome": outcome, "narration": narration})
    time.sleep(quiet_s)
    late = [r for r in instance.provider.history if r.agent == "silas" and _lives(r, at)]
    said = outcome["status"] if outcome else narration.strip()[-200:]
    findings.count(
        findings.cancels,
        (code == 0) is not bool(late or held),
        f"cancel of {what}: exit {code} ({said}), {len(late)} requests after it",
    )
    if held and not late and code != 0:
        findings.not_tried.append(f"cancel of {what}: nothing went on, but OpenClaw kept the lock")
    instance.provider.mode(Mode.OK)
    settle(instance)
    return not (code == 0 and late)


def _keep(instance: Instance, what: str, told: dict[str, Any]) -> None:
    """Write down what a cancel told, beside the answers of the other scenarios."""
    folder = instance.folder / "answers"
    folder.mkdir(exist_ok=True)
    (folder / f"{len(list(folder.iterdir())):02d}-cancel-{what.replace(' ', '-')}.json").write_text(
        json.dumps(told)
    )


def _retries(instance: Instance) -> bool:
    asked = Counter((r.model, r.key) for r in instance.provider.requests)
    return any(count > 1 for count in asked.values())


def _lives(request: ProviderRequest, at: float) -> bool:
    return request.began_at > at or request.ended_at is None or request.ended_at > at + 1.0
