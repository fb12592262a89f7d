"""The matrix in one scenario, short enough for every landing."""

from __future__ import annotations

from tests.live.instance import Instance
from tests.live.matrix.cancels import QUIET_S, cancel_silas
from tests.live.matrix.findings import Findings
from tests.live.matrix.looks import Looks, looking
from tests.live.matrix.scenarios import judge
from tests.live.provider import Mode
from tests.live.state import AGENTS
from tests.live.waiting import eventually

LIMIT_S = 300


def stuck_and_cancelled(instance: Instance, findings: Findings) -> bool:
    """All agents hang until `watch` and `status` call each of them stuck; then one of them is cancelled.

    Returns False where the cancel told success and the run went on.
    """
    instance.provider.mode(Mode.HANG)
    with looking(instance, "hang") as looks:
        for agent in AGENTS:
            instance.start_run(agent)
        eventually(lambda: _all_stuck(looks), LIMIT_S, lambda: str({a: looks.states(a) for a in AGENTS}))
    judge(looks, instance, findings, "hang")
    return cancel_silas(instance, findings, "agent in the hang", QUIET_S)


def _all_stuck(looks: Looks) -> bool:
    return all("stuck" in states for agent in AGENTS for states in looks.states(agent))
