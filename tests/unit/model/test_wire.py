"""The JSON face of a snapshot: as the published schema promises, and harmless on a terminal."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from msgspec.structs import replace

from lockdeck.backend.model.fleet import FleetSnapshot, SessionView, Severity, State
from lockdeck.backend.model.locks import Verdict
from lockdeck.backend.model.moments import iso
from lockdeck.backend.model.needs import lock_needs_person, needs_person
from lockdeck.backend.model.wire import dumps, evidence_json, lock_json, ms, session_json, snapshot_json
from lockdeck.backend.openclaw.gateway.secret import Secret
from lockdeck.backend.system.text import safe
from tests.folders import DOCS
from tests.tui import samples

SCHEMA = json.loads((DOCS / "status.schema.json").read_text())


def validate(snapshot):
    found = json.loads(dumps(snapshot_json(snapshot)))
    Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(found)
    return found


@pytest.mark.parametrize("make", [samples.incident, samples.quiet, lambda: samples.large(50)])
def test_every_snapshot_is_as_the_schema_promises(make):
    found = validate(make())
    assert found["summary"]["sessions"]["total"] == len(found["sessions"])
    assert found["summary"]["locks"]["total"] == len(found["locks"])


def test_a_hostile_snapshot_is_plain_ascii_that_keeps_every_word():
    hostile = samples.hostile()
    shown = dumps(snapshot_json(hostile), indent=2)
    assert shown.isascii()
    assert "\x1b" not in shown
    assert {session["key"] for session in json.loads(shown)["sessions"]} == {s.key for s in hostile.sessions}


ANY_TEXT = st.text(st.characters(codec=None))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT | ANY_TEXT.map(safe) | st.sampled_from(State),
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
    max_leaves=20,
)


@given(ANY_JSON, st.sampled_from([None, 2]))
def test_json_is_what_python_itself_writes(value, indent):
    expected = json.dumps(value, indent=indent).replace("\x7f", "\\u007f")
    assert dumps(value, indent=indent) == expected


@given(st.floats())
def test_a_number_is_read_as_it_was_written_and_what_is_none_is_null(number):
    assert json.loads(dumps([number])) == [number if math.isfinite(number) else None]


@pytest.mark.parametrize("value", [Secret("sesame"), {1, 2}.__iter__(), object()])
def test_nothing_is_written_that_is_no_json(value):
    with pytest.raises(TypeError):
        dumps([value])


def test_an_empty_fleet_is_as_the_schema_promises():
    assert validate(FleetSnapshot(samples.NOW, "h"))["summary"]["needsPerson"] is False


def test_the_schema_itself_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@given(st.text(st.characters()))
def test_text_is_escaped_so_that_no_byte_acts_on_a_terminal_and_none_is_lost(text):
    shown = dumps([text])
    assert all(" " <= letter <= "~" for letter in shown)
    assert json.loads(shown) == [text]


@given(st.floats())
def test_any_number_is_a_time_or_none(at):
    shown = iso(at)
    assert shown is None or (shown.endswith("Z") and shown[10] == "T")


def test_times_are_utc_with_milliseconds():
    assert iso(1_775_543_201.25) == "2026-04-07T06:26:41.250Z"
    assert iso(None) is None
    assert iso(math.inf) is None


@given(st.floats(-1e9, 1e9))
def test_durations_are_whole_milliseconds_and_never_negative(seconds):
    assert ms(seconds) == max(0, round(seconds * 1000))


def test_an_unknown_duration_stays_unknown():
    assert ms(None) is None


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_what_can_be_acted_on_needs_a_person(verdict):
    view = samples.lock("/r/a.jsonl.lock", verdict)
    needed = verdict in (Verdict.DEAD, Verdict.RECYCLED, Verdict.LEAKED, Verdict.REMOVED)
    assert lock_needs_person(view) is needed
    assert needs_person(FleetSnapshot(samples.NOW, "h", locks=(view,))) is needed


@pytest.mark.parametrize("state", list(State))
def test_a_session_needs_a_person_while_it_is_stuck_and_until_a_cancel_has_freed_it(state):
    session = SessionView("/r", "neo", "agent:neo:main", "s1", state, Severity.NOTICE, None, ("why",))
    needed = state in (State.STUCK, State.CANCELLING)
    assert needs_person(FleetSnapshot(samples.NOW, "h", sessions=(session,))) is needed


def test_a_dead_lock_that_may_not_be_released_needs_nobody():
    view = samples.lock("/r/a.jsonl.lock", Verdict.DEAD)
    assert not lock_needs_person(replace(view, judgement=replace(view.judgement, releasable=False)))


def test_an_occupation_in_a_gap_is_as_long_as_its_lock_was_last_seen():
    session = next(s for s in samples.incident().sessions if s.occupation and s.occupation.current)
    occupation = session.occupation
    last = occupation.recent[-1]
    gap = replace(occupation, recent=(*occupation.recent[:-1], replace(last, ended_at=occupation.since + 7)))
    shown = session_json(replace(session, occupation=gap), samples.NOW, "h")["occupation"]
    assert shown["ms"] == 7000
    now = session_json(session, samples.NOW, "h")["occupation"]
    assert now["ms"] == round((samples.NOW - occupation.since) * 1000)


def test_a_lock_keeps_the_exact_bytes_of_its_path():
    path = "/r/\udcff\x1b.jsonl.lock"
    assert json.loads(dumps(lock_json(samples.lock(path, Verdict.HELD), "h")))["path"] == path


def test_evidence_can_be_written_as_json():
    for view in samples.incident().locks:
        assert json.loads(dumps(evidence_json(view.evidence)))["presence"] == "file"
