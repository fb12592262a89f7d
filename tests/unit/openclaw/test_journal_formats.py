"""What `journalctl -o` prints: read, or counted as not understood; the README lists which."""

from __future__ import annotations

import json

import pytest

from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts
from tests.unit.openclaw.wrappers import console, journal_json, recorded, rendered, tslog

LINES = recorded()


@pytest.mark.parametrize(
    "form",
    [
        lambda line, text: f"\x1e{journal_json(line, text)}",
        lambda line, text: f"[{line.at.timestamp() % 1e5:12.6f}] gwhost node[8]: {text}",
    ],
    ids=["json-seq", "short-monotonic"],
)
def test_a_dated_line_is_read_in_these_forms_of_the_journal(form):
    told = [
        list(EventStream().feed(data, LineCounts()))
        for data in (rendered(LINES, tslog), rendered(LINES, tslog, form))
    ]
    assert told[0]
    assert told[1] == told[0]


@pytest.mark.parametrize(
    "form",
    [
        lambda line, text: (
            f"{line.strf('%a %Y-%m-%d %H:%M:%S.%f UTC')} [s=a;i=1]\n    _PID=8\n    MESSAGE={text}"
        ),
        lambda line, text: json.dumps({"__CURSOR": "s=1", "MESSAGE": text}, indent=8),
        lambda line, text: f"[{line.at.timestamp() % 1e5:12.6f} < {0.5:12.6f} >] gwhost node[8]: {text}",
    ],
    ids=["verbose", "json-pretty", "short-delta"],
)
def test_what_is_not_read_of_the_journal_is_counted(form):
    counts, data = LineCounts(), rendered(LINES, console, form)
    assert list(EventStream().feed(data, counts)) == []
    assert counts.unread == len(LINES)
