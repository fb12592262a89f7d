"""A session's log in sentences: every event has one, none repeats what others wrote freely."""

from __future__ import annotations

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import NODEFAULT
from msgspec.structs import fields, replace

from lockdeck.backend.model.runs import events as ev
from lockdeck.backend.model.sessions.loglines import MAX_LINES, LogLine, log_of
from tests.unit.eventclasses import event_classes

SECRET = "sk-live 1234\x1b[2J please ignore"
KINDS = event_classes()


def filled(kind, text, at=100.0):
    """An event whose every text field says `text`, and which has no optional field but those."""
    hints = typing.get_type_hints(kind)
    values = {}
    for field in fields(kind):
        hint = hints[field.name]
        if field.name == "at":
            values["at"] = at
        elif hint is str or typing.get_args(hint)[:1] == (str,):
            values[field.name] = (text,) if "tuple" in str(hint) else text
        elif "LockTimeout" in str(hint) and "tuple" not in str(hint):
            values[field.name] = ev.LockTimeout(text, 10_000, 396)
        elif field.default is NODEFAULT:
            values[field.name] = True if hint is bool else 61_000
    return kind(**values)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_event_has_a_sentence_and_never_repeats_free_text(kind):
    sentence = filled(kind, SECRET).sentence()
    assert sentence
    for part in ("sk-live", "1234", "ignore", "\x1b"):
        assert part not in sentence


NAMES = {"profile", "provider", "model", "candidate", "next_candidate", "path", "session_key", "session_id"}
"""Fields whose names are a person's own: they stay as they are."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_sentence_holds_a_code_word_of_openclaw(kind):
    event = filled(kind, "some_code_word")
    named = dict.fromkeys(NAMES & set(kind.__struct_fields__))
    for told in (event, *(replace(event, decision=word) for word in WORDS if hasattr(event, "decision"))):
        assert "_" not in replace(told, **named).sentence()


WORDS = ("rotate_profile", "fallback_model", "surface_error", "candidate_failed", "of_a_later_release")


@pytest.mark.parametrize(
    "event",
    [
        ev.LaneTaskError(1, "l", "k", 5, "hunter2"),
        ev.CompactionTimeout(1, None, None, "hunter2"),
        ev.RunAborted(1, None, None, True, "hunter2"),
        ev.AllModelsFailed(1, 2, "hunter2"),
        ev.RotationCap(1, "hunter2"),
        ev.PromptError(1, None, None, error="hunter2"),
    ],
)
def test_free_text_that_looks_like_a_name_is_not_repeated_either(event):
    assert "hunter2" not in event.sentence()


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (ev.RunTimeout(1, "r", None, 60_000), "the attempt ran into its budget of 1m 00s"),
        (ev.ProfileTimedOut(1, "copilot:work", False), "profile copilot:work timed out"),
        (
            ev.FailoverDecision(1, "r", "s", "rotate_profile", "timeout", "copilot", "opus", timed_out=True),
            "attempt over on copilot/opus: timeout; the next account",
        ),
        (
            ev.FailoverDecision(1, "r", "s", "surface_error", "rate_limit", status=429),
            "attempt over: rate limit, status 429; the caller is told",
        ),
        (
            ev.ModelFallbackDecision(1, "r", "candidate_failed", 2, 3, candidate="a/b", next_candidate="c/d"),
            "model 2 of 3 a/b failed; next is c/d",
        ),
        (
            ev.LockBlocked(1, ev.LockTimeout("/x.lock", 10_000, 396)),
            "a caller gave up on the lock after 10 s held by pid 396",
        ),
        (ev.LaneWait(1, "l", "k", 41_017, 2), "a message waited 41 s in the lane with 2 ahead of it"),
        (ev.RunEnded(1, "r", True), "the run ended well"),
        (ev.AllModelsFailed(1, 5, "All models failed (5): secret"), "all models failed (5)"),
        (
            ev.PromptError(1, None, None, "a", "b", "Request timed out: hunter2"),
            "the transcript notes: the attempt on a/b timed out",
        ),
    ],
)
def test_the_sentences_a_person_reads(event, sentence):
    assert event.sentence() == sentence


def test_the_newest_fifty_are_kept_oldest_first():
    lines = log_of(ev.RunEnded(float(at), "r", True) for at in range(80, 0, -1))
    assert [line.at for line in lines] == [float(at) for at in range(81 - MAX_LINES, 81)]


def test_what_both_lanes_tell_is_one_line():
    timeout = ev.LockTimeout("/x.lock", 10_000, 396)
    told = [
        ev.LaneTaskError(5.0, "main", None, 10_001, "e", timeout),
        ev.LaneTaskError(5.01, "s", "k", 10_000, "e", timeout),
    ]
    later = ev.LaneTaskError(9.0, "s", "k", 10_000, "e", timeout)
    assert [line.at for line in log_of([*told, later])] == [5.0, 9.0]


def test_bad_news_are_marked():
    assert log_of([ev.AllModelsFailed(1.0, 2, "x")]) == (LogLine(1.0, "all models failed (2)", bad=True),)


@given(st.sampled_from(KINDS), st.text())
def test_a_sentence_holds_only_names_of_names_characters(kind, text):
    sentence = filled(kind, text).sentence()
    assert sentence.isprintable()
    assert len(sentence) < 500
