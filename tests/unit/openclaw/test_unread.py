"""No line that tells an event is silent, whatever stands in front of it: it is read as it is alone, or counted."""

from __future__ import annotations

import html
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts
from tests.folders import RECORDINGS
from tests.unit.openclaw.wrappers import (
    BRACKETS,
    FORMS,
    HANG,
    clocked,
    console,
    console_json,
    docker_json,
    journal_numbers,
    openclaw_logs_json,
    recorded,
    rendered,
    tslog,
    undated,
)

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


CARRIERS = {
    "a cell of CSV": lambda text: '2026-05-09,"' + text.replace('"', '""') + '",x',
    "HTML": lambda text: f'<td class="x">{html.escape(text)}</td>',
    "a field of JSON": lambda text: json.dumps({"msg": text}),
    "JSON in a string of JSON": lambda text: json.dumps(json.dumps({"msg": text})),
}


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_line_inside_an_unknown_carrier_is_counted(carrier, form):
    told, counts = counted(rendered(LINES, ALL[form], lambda _, text: CARRIERS[carrier](text)))
    assert len(told) + counts.unread == len(LINES)


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


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", sorted(BRACKETS))
def test_brackets_in_front_leave_every_form_as_it_was(name, form):
    told, counts = counted(rendered(LINES, FORMS[form], BRACKETS[name]))
    alone, _ = counted(rendered(LINES, FORMS[form]))
    assert [type(event) for event in told] == [type(event) for event in alone]
    assert [event.at for event in told] == [event.at for event in alone]
    assert (counts.unread, counts.malformed) == (0, 0)


def test_a_clock_in_brackets_is_the_clock_of_a_line_without_one():
    told, _ = counted(rendered(LINES, undated, BRACKETS["ts [%H:%M:%S]"]))
    assert told == counted(rendered(LINES, clocked))[0]


def in_docker(line):
    return docker_json(line, console(line))


def in_numbers(line):
    return journal_numbers(line, console(line))


@pytest.mark.parametrize("between", ["", " ", ", ", "\t", "\\n"])
@pytest.mark.parametrize("form", [tslog, console_json, openclaw_logs_json, in_docker, in_numbers])
def test_records_on_one_line_are_read_one_after_the_other(form, between):
    texts = rendered(LINES, form).decode().splitlines()
    alone, _ = counted(rendered(LINES, form))
    for size in (2, 7):
        rows = [between.join(texts[place : place + size]) for place in range(0, len(texts), size)]
        told, counts = counted("\n".join(rows).encode())
        assert (told, counts.unread) == (alone, 0)
    told, counts = counted(f"[{','.join(texts)}]\n".encode())
    assert (told, counts.unread) == (alone, 0)


def test_objects_without_end_on_one_line_are_read_in_time_that_grows_with_the_line():
    begin = time.process_time()
    told, counts = counted(b"[" + b'{"a":1},' * 120_000 + b'{"a":"embedded run timeout: runId=r"}]\n')
    assert (told, counts.unread) == ([], 1)
    assert time.process_time() - begin < 10


def test_words_far_behind_the_begin_of_a_line_are_counted():
    for form in (console, tslog):
        told, counts = counted(rendered(LINES[:1], form, lambda _, text: f"{'x ' * 40_000}{text}"))
        assert (told, counts.unread) == ([], 1)
