"""A gateway that lockdeck may not ask: what only it would tell must not be green."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.live import state
from tests.live.instance import Instance
from tests.live.matrix.findings import Findings
from tests.live.matrix.judgement import false_greens
from tests.live.matrix.looks import looking
from tests.live.matrix.scenarios import judge, retries_on_same_model, settle
from tests.live.provider import Mode

HANG_S = 40
"""So long (seconds) a hang is watched: two timeouts and what follows them."""
NEEDS_WORD = ("2026.5.18", "2026.5.28", "2026.6.35", "2026.7.35", "2026.8.2", "2026.9.1", "2026.9.6")
"""The releases in which a run goes on while no lock stands."""


def without_credentials(instance: Instance, findings: Findings) -> None:
    """Two agents hang, and lockdeck has no token to ask their gateway with."""
    if findings.release not in NEEDS_WORD:
        return
    with _token_only_in_environment(instance):
        instance.provider.mode(Mode.HANG)
        with looking(instance, "without-credentials") as looks:
            for agent in ("main", "silas"):
                instance.start_run(agent)
            time.sleep(HANG_S)
        judge(looks, instance, findings, "without credentials")
        requests = [r for r in instance.provider.history if r.began_at >= looks.began_at]
        again = retries_on_same_model(findings.release)
        for answer in looks.answers:
            right = not any(false_greens([answer], requests, retries=again))
            findings.unseen["all"] += 1
            findings.unseen["right"] += right
        instance.provider.mode(Mode.OK)
        settle(instance)


@contextmanager
def _token_only_in_environment(instance: Instance) -> Iterator[None]:
    """Restart the gateway with its token in its own environment instead of its configuration."""
    path = instance.root / state.CONFIG_NAME
    before = path.read_bytes()
    instance.sigkill()
    instance.hide_token()
    instance.start()
    try:
        yield
    finally:
        instance.sigkill()
        path.write_bytes(before)
        instance.env.pop("OPENCLAW_GATEWAY_TOKEN")
        instance.start()
