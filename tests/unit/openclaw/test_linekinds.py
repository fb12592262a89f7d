"""A log line is one entry of one table: a forgotten part is noticed, and a new line needs nothing else."""

from __future__ import annotations

import re
from typing import ClassVar, get_type_hints

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lockdeck.backend.model.runs import events as ev
from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.runs.joins import session_keys
from lockdeck.backend.model.sessions.loglines import LogLine
from lockdeck.backend.openclaw.log.kinds import KINDS
from lockdeck.backend.openclaw.log.kinds.table import KindTable, LineKind
from lockdeck.backend.openclaw.log.lockforms import LOCK_TIMEOUT_FORMS, WORDS
from lockdeck.backend.openclaw.log.records import LogRecord
from lockdeck.backend.openclaw.log.stream import EventStream, LineCounts, parse_line
from lockdeck.backend.openclaw.log.values import ident, key_values
from lockdeck.backend.watch.logs.past import kinds_of
from lockdeck.backend.watch.logs.sessions import SessionLogs
from tests.unit.eventclasses import event_classes

AT = "2026-11-22T09:49:27.525Z"


class QuotaUsedUp(ev.PassiveEvent, frozen=True):
    """A line that no release writes: a session's quota is used up."""

    session_key: str | None
    tokens: int

    handling: ClassVar[ev.Handling] = ev.Handling(
        "quota used up", ev.CausalOrder.LOOSE, ev.About.SESSION, bad=True
    )

    def sentence(self) -> str:
        return f"the quota of {self.tokens} tokens is used up"


def quota(record: LogRecord, match: re.Match[str]) -> QuotaUsedUp:
    return QuotaUsedUp(record.at, ident(key_values(record.message).get("sessionKey")), int(match[1]))


QUOTA = LineKind(event=QuotaUsedUp, markers=("quota used",), pattern=r"quota used up: (\d{1,9})", text=quota)
LINE = f"{AT} [agent] quota used up: 5000 sessionKey=agent:juno:main\n".encode()


def test_a_new_line_is_one_entry_and_its_event():
    table = KindTable([*KINDS.kinds, QUOTA])
    counts = LineCounts()
    assert list(EventStream().feed(LINE, LineCounts())) == []
    (event,) = EventStream(kinds=table).feed(LINE, counts)
    assert (event, counts.relevant) == (parse_line(LINE.strip(), kinds=table), 1)
    assert list(kinds_of(event)) == ["quota used up"]
    book = fold_all(RunBook(), [event])
    assert book.notices == (event,)
    assert SessionLogs({}, book.notices, session_keys(book, {})).of("agent:juno:main", None) == (
        LogLine(event.at, "the quota of 5000 tokens is used up", bad=True),
    )


class WithoutSentence(ev.PassiveEvent, frozen=True):
    handling: ClassVar[ev.Handling] = QuotaUsedUp.handling


class WithoutHandling(ev.PassiveEvent, frozen=True):
    def sentence(self) -> str:
        return ""


class WithoutStep(ev.Event, frozen=True):
    handling: ClassVar[ev.Handling] = QuotaUsedUp.handling

    def sentence(self) -> str:
        return ""


@pytest.mark.parametrize(
    "parts",
    [
        {"markers": ()},
        {"markers": ("quota used", " ")},
        {"pattern": None},
        {"text": None},
        {"pattern": None, "text": None},
        {"name": "quota_used_up"},
        {"event": WithoutSentence},
        {"event": WithoutHandling},
        {"event": WithoutStep},
    ],
)
def test_an_entry_with_a_forgotten_part_can_not_be_made(parts):
    whole = {"event": QuotaUsedUp, "markers": ("quota used",), "pattern": QUOTA.pattern, "text": quota}
    assert LineKind(**whole) == QUOTA
    with pytest.raises((TypeError, ValueError)):
        LineKind(**{**whole, **parts})


def test_a_marker_that_its_line_does_not_hold_lets_nothing_through():
    wrong = LineKind(event=QuotaUsedUp, markers=("quota spent",), pattern=QUOTA.pattern, text=quota)
    assert parse_line(LINE, kinds=KindTable([*KINDS.kinds, wrong])) is None


@pytest.mark.parametrize("kind", KINDS.kinds, ids=lambda kind: f"{kind.event.__name__} {kind.markers[0]}")
def test_every_reader_makes_the_event_that_its_entry_names(kind):
    for reader in (kind.text, kind.fields):
        if reader is not None:
            assert get_type_hints(reader)["return"] in (kind.event, kind.event | None)


def test_every_event_but_that_of_the_transcript_has_a_line():
    assert set(event_classes()) - {kind.event for kind in KINDS.kinds} == {ev.PromptError}


@pytest.mark.parametrize(
    "pattern",
    [
        r"quotas? used up: (\d+)",
        r"quo(?:ta|rum) used up: (\d+)",
        r"quota\ used up: (\d+)",
        r".uota used up: (\d+)",
    ],
)
def test_a_pattern_is_asked_whatever_it_begins_with(pattern):
    kind = LineKind(event=QuotaUsedUp, markers=("used up",), pattern=pattern, text=quota)
    assert isinstance(parse_line(LINE.strip(), kinds=KindTable([kind])), QuotaUsedUp)


@pytest.mark.parametrize("form", LOCK_TIMEOUT_FORMS, ids=lambda form: form.marker)
def test_every_form_of_a_failure_on_a_lock_holds_a_word_that_is_looked_for_first(form):
    assert any(word in form.pattern.pattern for word in WORDS)


@given(
    st.lists(
        st.sampled_from(["=", " ", "a", "runId=", " b=", '"', "1", "_", "é", ".", "x" * 40]), max_size=12
    )
)
@example(["runId=", "a", " b=", "1", "=", " ", " b=", "é"])
@example(["x" * 40, "a", "=", " ", "x" * 40, "a1=", " "])
def test_a_value_reaches_to_the_next_key_of_its_own_word(parts):
    text = "".join(parts)
    first = re.search(r"(?<![\w.])[A-Za-z]\w{0,40}=", text)
    words = re.split(r" ([A-Za-z]\w{0,40})=", f" {text[first.start() :]}")[1:] if first else []
    expected: dict[str, str] = {}
    for key, value in zip(words[::2], words[1::2], strict=True):
        expected.setdefault(key, value.strip().strip('"'))
    assert key_values(text) == expected
