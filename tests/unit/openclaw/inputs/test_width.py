"""Logs that a terminal has broken into lines are known by their width."""

from __future__ import annotations

import pytest

from lockdeck.backend.openclaw.log.inputs.width import HEAD, broken_at
from tests.folders import RECORDINGS
from tests.unit.openclaw.wrappers import FORMS, WRAPS, docker_json, recorded

LINES = recorded()


def folded(text: str, width: int) -> str:
    return "\n".join(
        line[start : start + width]
        for line in text.splitlines()
        for start in range(0, max(len(line), 1), width)
    )


@pytest.mark.parametrize("width", [80, 120, 160, 200])
@pytest.mark.parametrize("form", ["console", "tslog", "openclaw logs"])
def test_a_log_folded_at_a_width_is_broken_at_it(form, width):
    text = "\n".join(map(FORMS[form], LINES)) + "\n"
    assert broken_at(folded(text, width).encode()[:HEAD]) == width


@pytest.mark.parametrize("form", sorted(FORMS))
def test_whole_lines_are_broken_nowhere_whatever_is_around_them(form):
    for wrap in (lambda _line, text: text, *WRAPS.values(), docker_json):
        text = "\n".join(wrap(line, FORMS[form](line)) for line in LINES)
        assert broken_at(f"{text}\n".encode("utf-8", "surrogatepass")[:HEAD]) is None


@pytest.mark.parametrize("scenario", sorted(log.parent.name for log in RECORDINGS.glob("*/gateway.log")))
def test_no_recorded_log_is_broken(scenario):
    assert broken_at((RECORDINGS / scenario / "gateway.log").read_bytes()[:HEAD]) is None


def test_one_message_with_a_trace_below_it_is_no_broken_line_however_often_it_is_told():
    assert broken_at(f"{FORMS['console'](LINES[0])}\n    at Object.run (x.js:1:2)\n".encode() * 9) is None


def test_no_bytes_make_it_raise():
    for head in (b"", b"\n", b"\xff\xfe", b"\0" * 99, b"x" * HEAD, "\u2026\r\n".encode("utf-16") * 50):
        assert broken_at(head) is None
