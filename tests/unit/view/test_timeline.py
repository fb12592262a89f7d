"""A rotation drawn against its occupation: what no line tells is marked."""

from __future__ import annotations

from lockdeck.backend.model.fleet import SessionView
from lockdeck.backend.model.runs.records import Attempt, Rotation
from lockdeck.tui.view.symbols import UNICODE
from lockdeck.tui.view.timeline import timeline

NOW = 1_800_000_000.0


def drawn(*attempts: Attempt) -> list[str]:
    rotation = Rotation("r", attempts, timeouts=len(attempts))
    view = SessionView("/r", "main", "agent:main:main", None, rotation=rotation)
    return ["".join(span.text for span in row) for row in timeline(view, NOW, UNICODE, 120)]


def test_an_attempt_whose_start_no_line_tells_is_marked_in_its_bar_and_its_time():
    first = Attempt(1, started_at=NOW - 120, ended_at=NOW - 60, reason="timeout")
    second = Attempt(2, started_at=NOW - 60, ended_at=NOW, reason="timeout", start_assumed=True)
    _, logged, assumed = drawn(first, second)
    full, faint = UNICODE.cells[-1], UNICODE.cells[0]
    assert "~" not in logged
    assert " 1m 00s" in logged
    assert faint not in logged
    assert "~1m 00s" in assumed
    assert assumed.index(faint) + 1 == assumed.index(full)


def test_a_bar_of_one_cell_keeps_it():
    (_, assumed) = drawn(Attempt(1, started_at=NOW, ended_at=NOW, reason="timeout", start_assumed=True))
    assert UNICODE.cells[-1] in assumed
