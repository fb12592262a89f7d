"""Short cuts of reading lines tell what the plain way tells, whatever the lines are."""

from __future__ import annotations

import random
import re
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockdeck.backend.openclaw.log import likeness
from lockdeck.backend.openclaw.log.likeness import EACH, MOST, UNLIKE, Likeness
from lockdeck.backend.openclaw.log.markers import VARYING
from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts, parse_line
from lockdeck.backend.openclaw.log.values import key_values, value_of
from tests.folders import RECORDINGS
from tests.unit.openclaw.wrappers import (
    FORMS,
    WRAPS,
    Line,
    clocked,
    console,
    recorded,
    rendered,
    terminal,
    undated,
)


def zoneless(line: Line) -> str:
    return f"{line.strf('%Y-%m-%d %H:%M:%S')} {undated(line)}"


def elsewhere(line: Line) -> str:
    return f"{line.strf('%Y-%m-%dT%H:%M:%S')}+05:30 {undated(line)}"


RECORDED = [line for name in ("2026.4.5-incident-hang", "2026.9.6-hang") for line in recorded(name)]
ANSWERED = [line for line in RECORDED if "res \u2713 agent" in line.message]
TELLING = [line for line in RECORDED if parse_line(console(line).encode()) is not None]
RENDERINGS = {
    **FORMS,
    "terminal": terminal,
    "clocked": clocked,
    "undated": undated,
    "zoneless": zoneless,
    "elsewhere": elsewhere,
}
SHOWN = ("console", "clocked", "undated", "zoneless", "elsewhere", "terminal")
JUNK = [
    b"",
    b"\n",
    b"\0",
    b"{",
    b'{"0":',
    b"\xe2\x80\xa6",
    b"[x] ",
    b"99",
    b"T25",
    b"+02:00",
    b"traceId",
    b" ...",
    b"\xff",
]
SCENARIOS = sorted(log.parent.name for log in RECORDINGS.glob("*/gateway.log"))
PLAIN = ("docker logs -t", "docker json-file", "compose")
some_wraps = st.sampled_from([(), *((name,) for name in PLAIN)]) | st.lists(
    st.sampled_from(sorted(WRAPS)), max_size=2
)


@st.composite
def some_logs(draw: st.DrawFn) -> bytes:
    """Return a log in one wrap and few forms, as logs are: heads come again."""
    wraps = draw(some_wraps)
    forms = draw(
        st.lists(st.sampled_from(SHOWN) | st.sampled_from(sorted(RENDERINGS)), min_size=1, max_size=3)
    )
    lines = st.tuples(st.sampled_from(ANSWERED) | st.sampled_from(TELLING), st.sampled_from(forms))
    return b"".join(
        rendered([line], RENDERINGS[form], *(WRAPS[wrap] for wrap in wraps))
        for line, form in draw(st.lists(lines, min_size=1, max_size=10))
    )


edits = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 8), st.sampled_from(JUNK)), max_size=4)


def garbled(log: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    raw = bytearray(log)
    for place, length, junk in changes:
        raw[place : place + length] = junk
    return bytes(raw)


ID = re.compile(rb"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])|(?<=sha256:)[0-9a-f]{12}")
HEX = re.compile(rb"[0-9a-f]")


def with_others(log: bytes, chance: random.Random, share: float) -> bytes:
    """Put other ids into a log, and into a share of its ids, numbers and times what leaves the shape of a line as it was."""
    log = ID.sub(lambda match: HEX.sub(lambda _: b"%x" % chance.randrange(16), match[0]), log)
    return HEX.sub(
        lambda match: bytes([chance.choice(VARYING)]) if chance.random() < share else match[0], log
    )


def read(logs: list[bytes]) -> list[object]:
    stream, counts = EventStream(count()), LineCounts()
    told: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(likeness, "EACH", 1)
        for log in logs:
            told += [(event, stream.dated, stream.origins) for event in stream.feed(log, counts)]
    told += [(event, stream.dated, stream.origins) for event in stream.finish(counts)]
    return [*told, counts, stream.ends()]


def without_likeness(logs: list[bytes]) -> list[object]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Likeness, "read", lambda *_: UNLIKE)
        return read(logs)


def test_lines_like_others_are_not_read_in_full_in_any_common_wrap():
    for scenario, least in (("2026.4.5-incident-hang", 95), ("2026.9.6-hang-whole-chain", 15)):
        lines = [line for line in recorded(scenario) if parse_line(line.raw.encode(), at=0.0) is not None]
        for form in ("tslog", "console"):
            for wrap in (*PLAIN, "CRI", "kubectl --prefix --timestamps", "journal short", "journal json"):
                log = rendered(
                    lines,
                    RENDERINGS[form],
                    *([] if wrap == "journal short" and form == "console" else [WRAPS[wrap]]),
                )
                stream, full = EventStream(), []
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(likeness, "EACH", 1)
                    for _ in range(3):
                        list(stream.feed(log, LineCounts()))
                    patch.setattr(Likeness, "learn", lambda *_, full=full: full.append(1))
                    list(stream.feed(with_others(log, random.Random(1), 0.0), LineCounts()))
                assert len(full) <= len(lines) - least, (scenario, form, wrap, len(full), len(lines))


@settings(deadline=None, max_examples=300)
@given(some_logs(), edits, st.integers(0, 1000), st.sampled_from([0.0, 0.01, 0.1]))
def test_lines_like_others_tell_what_they_tell_when_they_are_read(log, changes, seed, share):
    chance = random.Random(seed)
    other = with_others(log, chance, share)
    # Learned the second time over, and asked from then on.
    logs = [log, log, log, other, garbled(log, changes), garbled(other, changes), log]
    assert read(logs) == without_likeness(logs)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_recorded_line_with_other_ids_and_times_reads_alike_in_every_wrap(scenario):
    lines = recorded(scenario)[::7][:14]
    for place, wrap in enumerate(WRAPS):
        form = sorted(RENDERINGS)[place % len(RENDERINGS)]
        log = rendered(lines, RENDERINGS[form], WRAPS[wrap])
        logs = [
            log,
            log,
            log,
            with_others(log, random.Random(1), 0.0),
            with_others(log, random.Random(2), 0.01),
        ]
        assert read(logs) == without_likeness(logs), (form, wrap)


def test_what_is_learned_is_bounded_whatever_a_log_holds():
    stream = EventStream()
    for number in range(MOST + 99):
        line = b"2026-05-09T10:04:23.000Z [agent] embedded run timeout: runId=%s timeoutMs=1\n" % (
            b"x" * (1 + number)
        )
        list(stream.feed(line * 2, LineCounts()))
    assert len(stream._likeness._learned) <= len(stream._likeness._met) <= MOST
    assert stream._likeness._tried <= stream._likeness._read // EACH


@given(
    st.lists(
        st.sampled_from([*'ab=1 "\n._(', "k" * 40, "runId=", " runId=", "  ", "==", " a="]), max_size=14
    ).map("".join)
)
def test_one_value_is_read_like_all_of_them(text):
    assert value_of(text, "runId") == key_values(text).get("runId")
