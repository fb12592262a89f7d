"""No line that tells an event is silent, whatever stands in front of it: it is read as it is alone, or counted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts
from tests.folders import RECORDINGS
from tests.unit.openclaw.wrappers import FORMS, HANG, console, recorded, rendered, tslog, undated

LINES = recorded(HANG)
ALL = {**FORMS, "undated": undated}
short = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=24)
bracketed = st.builds(
    lambda before, inside, behind: f"{before}[{inside}]{behind}",
    st.sampled_from(["", "- ", "x ", "<3>"]),
    short,
    st.sampled_from(["", " ", ": ", " gw node[814]: ", " [x] "]),
)


def counted(raw: bytes) -> tuple[list, LineCounts]:
    stream, counts = EventStream(), LineCounts()
    return [*stream.feed(raw, counts), *stream.finish(counts)], counts


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(LINES), st.sampled_from(sorted(ALL)), bracketed | short)
def test_a_line_behind_any_prefix_is_read_as_alone_or_counted(line, form, prefix):
    told, counts = counted(rendered([line], ALL[form], lambda _, text: f"{prefix}{text}"))
    alone, _ = counted(rendered([line], ALL[form]))
    assert len(told) == len(alone) or counts.unread == 1


@pytest.mark.parametrize("prefix", ["+", "1. ", "    12\t", "node1 gw x ", "[a] b: ", "foo [x] "])
def test_every_line_behind_an_unknown_prefix_is_counted(prefix):
    for form in (tslog, console):
        told, counts = counted(rendered(LINES, form, lambda _, text: prefix + text))
        assert (told, counts.unread) == ([], len(LINES))


@pytest.mark.parametrize("between", ["", " ", ", ", "\\n"])
def test_a_second_line_on_a_line_of_the_console_is_counted(between):
    texts = rendered(LINES, console).decode().splitlines()
    raw = "\n".join(between.join(texts[place : place + 2]) for place in range(0, len(texts), 2))
    told, counts = counted(raw.encode())
    assert len(told) == counts.unread == len(LINES) / 2


@pytest.mark.parametrize("scenario", sorted(path.parent.name for path in RECORDINGS.glob("*/gateway.log")))
def test_no_recorded_line_is_counted_as_unread(scenario):
    for form in (tslog, console, undated):
        assert counted(rendered(recorded(scenario), form))[1].unread == 0


def test_words_quoted_in_the_message_of_a_line_are_not_counted():
    quote = "he wrote: embedded run timeout: runId=r sessionId=s timeoutMs=1"
    line = f"2026-05-09T10:04:23Z [gateway] {quote}\n"
    told, counts = counted(line.encode())
    assert (told, counts.unread, counts.relevant) == ([], 0, 1)
