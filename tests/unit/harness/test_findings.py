"""The line of the table in which the live matrix tells what it found on a release."""

from __future__ import annotations

from tests.live.matrix.findings import COLUMNS, Findings


def test_a_row_tells_what_was_right_of_all_and_in_which_scenarios_faults_were() -> None:
    findings = Findings("2026.5.18", looks=7, flips=["hang: main flipped"])
    findings.count(findings.cancels, True, "")
    findings.count(findings.cancels, False, "cancel of chat in gap: exit 0")
    findings.faults.append("error429: told as a hang")
    faults = "2 (cancel of chat in gap, error429)"
    cells = ["2026.5.18", "7", "0", "1", "not needed", "not needed", "1 of 2", "not needed", faults]
    assert findings.row() == f"| {' | '.join(cells)} |"
    assert len(cells) == len(COLUMNS)
    assert not findings.clean
