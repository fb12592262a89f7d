"""Every framing gives what the plain log gives; nothing that wraps, mixes, cuts or garbles makes the reader fail."""

from __future__ import annotations

import tempfile
import time
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.openclaw.log.framing.pieces import MOST_BYTES, Pieces
from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts
from lockdeck.backend.watch.logs.replay import replay
from lockdeck.backend.watch.logs.tail import LogTail
from tests.unit.openclaw.wrappers import (
    ENCODINGS,
    FORMS,
    HANG,
    SPREADS,
    TIMED,
    WRAPS,
    console,
    recorded,
    rendered,
    saved,
    terminal,
    tslog,
    undated,
)

LINES = recorded(HANG)
SCENARIOS = (HANG, "2026.9.6-hang-whole-chain")


def events(raw: bytes, counts: LineCounts | None = None) -> list:
    stream, counts = EventStream(), LineCounts() if counts is None else counts
    return [*stream.feed(raw, counts), *stream.finish(counts)]


PLAIN = {name: events(rendered(LINES, form)) for name, form in FORMS.items()}
"""The events of the forms that OpenClaw itself writes."""


def history(folder, raw):
    past = replay([saved(folder, raw)])
    return past.runs, past.occupations, past.kinds


@cache
def plain_history(scenario, form):
    with tempfile.TemporaryDirectory() as folder:
        return history(Path(folder), rendered(recorded(scenario), form))


def unplaced(found):
    """The events without their times, which some wrappers tell less exactly."""
    return [replace(event, at=0.0) for event in found]


@pytest.mark.parametrize("name", FORMS)
def test_every_form_tells_the_runs_and_decisions_of_the_recording(name, tmp_path):
    runs, occupations, kinds = history(tmp_path, rendered(LINES, FORMS[name]))
    plain_runs, plain_occupations, _ = history(tmp_path, rendered(LINES, tslog))
    assert [past.run.run_id for past in runs] == [past.run.run_id for past in plain_runs]
    assert [[d.event.decision for d in past.decisions] for past in runs] == [
        [d.event.decision for d in past.decisions] for past in plain_runs
    ]
    assert [past.ms for past in occupations] == [past.ms for past in plain_occupations]
    assert kinds["embedded run timeout"] >= 5


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", WRAPS)
def test_every_wrapper_gives_the_history_of_the_plain_log(name, scenario, tmp_path):
    lines = recorded(scenario)
    for form in (tslog, console):
        assert history(tmp_path, rendered(lines, form, WRAPS[name])) == plain_history(scenario, form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", WRAPS)
def test_every_wrapper_leaves_every_form_as_it_was(name, form):
    assert events(rendered(LINES, FORMS[form], WRAPS[name])) == PLAIN[form]


BEHIND_TWO_WORDS = frozenset(
    {"stern", "stern -t", "journal short-full", "journal with-unit", "journal short-unix", "journal json-sse"}
    | {"quoted", "indented", "bullet"}
    | {name for name in WRAPS if name.startswith("grep")}
)
"""What nobody runs inside a container, so that behind the two words of stern it is no line of a log."""


@pytest.mark.parametrize("outer", WRAPS)
def test_wrappers_may_be_nested(outer):
    lines = LINES[:6]
    for form in (tslog, console):
        plain = events(rendered(lines, form))
        for inner, wrap in WRAPS.items():
            if outer == "stern" and inner in BEHIND_TWO_WORDS:
                continue
            assert events(rendered(lines, form, wrap, WRAPS[outer])) == plain, inner


@pytest.mark.parametrize("name", sorted(TIMED))
def test_a_line_without_a_date_has_the_time_of_its_wrapper(name):
    plain = PLAIN["console"]
    for form in (terminal, undated):
        wrapped = events(rendered(LINES, form, WRAPS[name]))
        assert unplaced(wrapped) == unplaced(plain)
        assert [event.at for event in wrapped] == pytest.approx([event.at for event in plain], abs=1.0)


@pytest.mark.parametrize("form", [tslog, console])
@pytest.mark.parametrize("name", SPREADS)
def test_lines_that_were_cut_or_spread_are_made_whole(name, form):
    assert events(SPREADS[name](LINES, form)) == events(rendered(LINES, form))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ENCODINGS)
def test_every_encoding_gives_the_events_of_the_plain_log(name, form):
    assert events(ENCODINGS[name](rendered(LINES, FORMS[form]))) == PLAIN[form]
    wrapped = rendered(LINES, FORMS[form], WRAPS["docker json-file"])
    assert events(ENCODINGS[name](wrapped)) == PLAIN[form]


@pytest.mark.parametrize("name", WRAPS)
def test_no_line_in_a_wrapper_is_counted_as_unread(name):
    for form in (tslog, console):
        counts = LineCounts()
        assert events(rendered(LINES, form, WRAPS[name]), counts)
        assert (counts.unread, counts.malformed, counts.shaped) == (0, 0, True)


def test_wrappers_may_change_from_line_to_line():
    wraps = list(WRAPS.values())
    raw = [rendered([line], console, wraps[place % len(wraps)]) for place, line in enumerate(LINES)]
    spread = list(SPREADS.values())
    raw += [spread[place % len(spread)]([line], console) for place, line in enumerate(LINES)]
    assert events(b"".join(raw)) == PLAIN["console"] * 2


@pytest.mark.parametrize("name", WRAPS)
def test_a_log_that_ends_in_the_middle_gives_what_stands_before(name):
    raw = rendered(LINES, console, WRAPS[name])
    cut = events(raw[: len(raw) // 2])
    assert len(cut) > 10
    assert cut[:-1] == PLAIN["console"][: len(cut) - 1]


def test_a_wrapped_log_is_followed_like_a_plain_one(tmp_path):
    now = LINES[-1].at.timestamp() + 60
    for name, wrap in WRAPS.items():
        raw = rendered(LINES, console, wrap)
        path = saved(tmp_path, raw[: len(raw) // 3], f"{name.replace(' ', '-')}.log")
        tail = LogTail((path,), lookback_s=10 * 86400)
        told = list(tail.poll(now).events)
        with open(path, "ab") as file:
            file.write(raw[len(raw) // 3 :])
        told += tail.poll(now).events
        tail.close()
        assert sorted(told, key=lambda event: event.at) == sorted(
            PLAIN["console"], key=lambda event: event.at
        ), name


def test_text_that_a_wrapper_quotes_is_no_event():
    text = "he wrote: embedded run timeout: runId=r sessionId=s timeoutMs=1"
    for name, wrap in WRAPS.items():
        assert events(rendered(LINES[:1], lambda _: f"[gateway] {text}", wrap)) == [], name
    assert events(b"> embedded run timeout: runId=r sessionId=s timeoutMs=1\n") == []
    assert events(b"2026-05-09T10:04:23Z [agent] aside: embedded run timeout: runId=r timeoutMs=1\n") == []


texts = st.sampled_from([rendered([line], form) for line in LINES[:20] for form in (tslog, console, undated)])
wrapped = st.builds(
    lambda line, wraps: rendered([line], console, *wraps),
    st.sampled_from(LINES[:20]),
    st.lists(st.sampled_from(list(WRAPS.values())), max_size=6),
)
spread = st.builds(
    lambda line, wrap: wrap([line], tslog),
    st.sampled_from(LINES[:20]),
    st.sampled_from(list(SPREADS.values())),
)
garbled = st.builds(
    lambda raw, place, junk: raw[:place] + junk + raw[place + len(junk) :],
    wrapped | spread | texts,
    st.integers(0, 900),
    st.binary(max_size=8),
)


@settings(deadline=None)
@given(st.lists(wrapped | spread | texts | garbled, max_size=8), st.lists(st.integers(0, 9000), max_size=6))
def test_nothing_that_wraps_mixes_cuts_or_garbles_makes_the_reader_fail(parts, cuts):
    raw = b"".join(parts)
    stream, counts, told, begin = EventStream(), LineCounts(), [], 0
    for end in [*sorted(cuts), len(raw)]:
        told += stream.feed(raw[begin:end], counts)
        begin = max(begin, end)
    told += stream.finish(counts)
    assert told == events(raw)


def test_parts_that_never_end_are_kept_within_bounds():
    pieces = Pieces()
    part = b'{"log":"%s","stream":"stderr"}' % (b"x" * 10_000)
    begin = time.process_time()
    assert pieces.join([part] * 3000) == []
    (rest,) = pieces.finish()
    assert len(rest) <= MOST_BYTES
    entry = [b"__CURSOR=s", b"MESSAGE", b"\xff" * 8, *[b"x"] * 200_000]
    pieces.join(entry)
    pieces.join([b"__CURSOR=s", b"MESSAGE", (900_000).to_bytes(8, "little"), *[b"x"] * 200_000])
    assert time.process_time() - begin < 10
