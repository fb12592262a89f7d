"""The compact form of `make live-all`, on a release of each kind: without decisions, without its lock, without locks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.install import Release
from tests.live.matrix.compact import stuck_and_cancelled
from tests.live.matrix.findings import Findings
from tests.live.matrix.trial import first_runs, instance_of


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["2026.2.9", "2026.5.18", "2026.9.1"])
def test_no_answer_is_green_in_a_hang_of_all_agents_and_a_cancel_is_true(
    openclaw: Callable[[str], Release], tmp_path: Path, version: str
) -> None:
    openclaw(version)
    findings = Findings(version)
    with instance_of(version, tmp_path) as instance:
        first_runs(instance)
        instance.warm_up()
        cancel_is_true = stuck_and_cancelled(instance, findings)
    assert not findings.false_greens
    assert cancel_is_true, findings.sentences
