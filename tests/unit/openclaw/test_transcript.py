"""The end of a transcript: when, how and on which model it ended, and never a word of it."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockdeck.backend.model.runs.events import PromptError
from lockdeck.backend.model.runs.records import ProviderError
from lockdeck.backend.openclaw.transcript import AttemptOutcome, trajectory_tail, transcript_tail

SECRET = "the prompt nobody may see"
T0 = 1795340967.0


def iso(second: int) -> str:
    return f"2026-11-22T09:49:{27 + second:02d}.000Z"


def entry(second: int, **fields) -> dict:
    return {"type": "message", "id": "ab12cd34", "parentId": None, "timestamp": iso(second)} | fields


def answer(second: int, reason: str, **fields) -> dict:
    message = {"role": "assistant", "content": [{"type": "text", "text": SECRET}], "provider": "atlas"}
    return entry(second, message=message | {"model": "atlas-large", "stopReason": reason} | fields)


def prompt_error(second: int, **data) -> dict:
    told = {"runId": "r1", "sessionId": "s1", "provider": "atlas", "model": "atlas-large", "error": "aborted"}
    return entry(second, type="custom", customType="openclaw:prompt-error", data=told | data)


HEADER = {"type": "session", "version": 3, "id": "s1", "timestamp": iso(0), "cwd": "/home/claw"}
USER = entry(1, message={"role": "user", "content": SECRET, "timestamp": 1})
EXPECTED = PromptError(T0 + 2, "r1", "s1", "atlas", "atlas-large", "aborted")


def store(path, *entries, tail: bytes = b""):
    path.write_bytes(b"".join(json.dumps(one).encode() + b"\n" for one in entries) + tail)
    return str(path)


def test_a_timed_out_attempt_leaves_its_run_its_stop_and_its_model(tmp_path):
    path = store(tmp_path / "s1.jsonl", HEADER, USER, prompt_error(2), answer(3, "aborted"))
    tail = transcript_tail(path)
    assert tail.events == (EXPECTED,)
    assert (tail.last_entry_at, tail.last_stop_reason, tail.last_model) == (
        T0 + 3,
        "aborted",
        "atlas/atlas-large",
    )
    assert (tail.size, tail.problem) == (os.path.getsize(path), None)
    assert tail.mtime == os.stat(path).st_mtime


def test_an_answer_that_is_an_http_status_is_the_providers_and_one_that_broke_off_is_none(tmp_path):
    told = {
        3: "429 Rate limit reached for requests.",
        4: "500 The server had an error",
        5: "Request timed out.",
        6: "401",
    }
    answers = [answer(second, "error", errorMessage=message) for second, message in told.items()]
    path = store(tmp_path / "s1.jsonl", HEADER, USER, *answers, answer(7, "stop", errorMessage="500 x"))
    assert transcript_tail(path).provider_errors == (
        ProviderError(T0 + 3, "rate_limit"),
        ProviderError(T0 + 4, "provider_error"),
        ProviderError(T0 + 6, "auth"),
    )


def test_the_last_whole_answer_of_each_model_is_kept_and_one_that_broke_off_is_none(tmp_path):
    small = {"model": "atlas-small"}
    path = store(
        tmp_path / "s.jsonl",
        answer(1, "stop"),
        answer(2, "stop", **small),
        answer(3, "toolUse"),
        answer(4, "aborted"),
    )
    told = [(each.at - T0, each.provider, each.model) for each in transcript_tail(path).answers]
    assert sorted(told) == [(2, "atlas", "atlas-small"), (3, "atlas", "atlas-large")]


def test_no_word_of_the_conversation_is_kept(tmp_path):
    path = store(
        tmp_path / "s1.jsonl", HEADER, USER, answer(3, "stop"), entry(4, type="compaction", summary=SECRET)
    )
    assert SECRET not in repr(transcript_tail(path))


def test_what_the_gateway_injected_is_no_answer_of_a_model(tmp_path):
    injected = answer(5, "stop", provider="openclaw", model="gateway-injected")
    tail = transcript_tail(store(tmp_path / "s1.jsonl", answer(3, "error"), injected))
    assert (tail.last_stop_reason, tail.last_model, tail.last_entry_at) == (
        "error",
        "atlas/atlas-large",
        T0 + 3,
    )


@pytest.mark.parametrize(
    "line",
    [
        entry(9, message={"role": "user", "content": "are you there?"}),
        entry(
            9,
            message={"role": "assistant", "content": [], "provider": "openclaw", "model": "delivery-mirror"},
        ),
        answer(9, "stop", provider="openclaw", model="gateway-injected"),
        prompt_error(9, runId="r9", error="session file locked"),
        HEADER | {"timestamp": iso(9)},
    ],
    ids=["a message", "of openclaw", "injected", "a caller's error", "the header"],
)
def test_what_others_append_is_no_progress_of_the_holder(tmp_path, line):
    path = store(tmp_path / "s1.jsonl", HEADER, USER, answer(3, "toolUse"), line)
    assert transcript_tail(path).last_entry_at == T0 + 3


@pytest.mark.parametrize(
    "line",
    [entry(9, message={"role": "toolResult"}), answer(9, "stop"), entry(9, type="compaction", summary="")],
    ids=["a tool's result", "an answer", "a compaction"],
)
def test_what_only_the_holder_writes_is_its_progress(tmp_path, line):
    path = store(tmp_path / "s1.jsonl", HEADER, answer(3, "toolUse"), line)
    assert transcript_tail(path).last_entry_at == T0 + 9


def test_only_the_end_is_read_and_a_cut_line_is_left_out(tmp_path):
    entries = [prompt_error(n, runId=f"r{n}") for n in range(10)]
    path = store(tmp_path / "s1.jsonl", *entries)
    size = len(json.dumps(entries[9])) + 1
    assert [event.run_id for event in transcript_tail(path, 2 * size).events] == ["r8", "r9"]
    assert [event.run_id for event in transcript_tail(path, 2 * size - 1).events] == ["r9"]
    assert transcript_tail(path, 10).events == ()


def test_a_half_written_last_line_is_no_problem(tmp_path):
    tail = transcript_tail(store(tmp_path / "s1.jsonl", prompt_error(2), tail=b'{"type":"message","mess'))
    assert tail.events == (EXPECTED,)
    assert tail.problem is None


def test_an_entry_without_time_takes_that_of_its_message(tmp_path):
    message = {"role": "toolResult", "content": [], "timestamp": 1795340967500}
    tail = transcript_tail(store(tmp_path / "s1.jsonl", {"type": "message", "message": message}))
    assert tail.last_entry_at == 1795340967.5


def test_an_empty_transcript_has_no_end(tmp_path):
    tail = transcript_tail(store(tmp_path / "s1.jsonl"))
    assert (tail.last_entry_at, tail.events, tail.size, tail.problem) == (None, (), 0, None)


@pytest.mark.parametrize("kind", ["absent", "directory", "fifo", "link", "nul"])
@pytest.mark.parametrize("read", [transcript_tail, trajectory_tail])
def test_what_is_no_regular_file_is_a_problem_in_words(tmp_path, kind, read):
    path = tmp_path / "s1.jsonl"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        store(tmp_path / "real", prompt_error(2))
        path.symlink_to(tmp_path / "real")
    tail = read(f"{path}\0" if kind == "nul" else str(path))
    assert tail.problem
    assert "\0" not in tail.problem
    assert tail.size == 0


def test_an_error_preview_is_capped_and_fit_to_be_shown(tmp_path):
    (event,) = transcript_tail(
        store(tmp_path / "s1.jsonl", prompt_error(2, error="\x1b[2J" + "e" * 900))
    ).events
    assert len(event.error) == 200
    assert "\x1b" not in event.error


def step(second: int, kind: str, **data) -> dict:
    return {
        "traceSchema": "openclaw-trajectory",
        "schemaVersion": 1,
        "type": kind,
        "ts": iso(second),
        "sessionId": "s1",
        "sessionKey": "agent:juno:main",
        "runId": "r1",
        "provider": "atlas",
        "modelId": "atlas-large",
        "data": {"prompt": SECRET} | data,
    }


FLAGS = {
    "timedOut": True,
    "idleTimedOut": True,
    "aborted": True,
    "externalAbort": False,
    "timedOutByRunBudget": False,
}
OUTCOME = AttemptOutcome(
    T0 + 3, "r1", "s1", "agent:juno:main", "atlas", "atlas-large", True, True, False, None, True, False
)


def test_an_attempt_has_one_outcome_though_two_lines_tell_it(tmp_path):
    steps = [step(1, "session.started"), step(2, "prompt.submitted"), step(2, "model.completed", **FLAGS)]
    path = store(tmp_path / "s1.trajectory.jsonl", *steps, step(3, "session.ended", **FLAGS))
    tail = trajectory_tail(path)
    assert tail.outcomes == (OUTCOME,)
    assert SECRET not in repr(tail)
    assert tail.size == os.path.getsize(path)


def test_an_attempt_that_was_cut_off_keeps_the_outcome_of_its_model(tmp_path):
    cut = [step(1, "session.started"), step(2, "model.completed", **FLAGS)]
    path = store(tmp_path / "s1.trajectory.jsonl", *cut, *cut)
    assert [outcome.at for outcome in trajectory_tail(path).outcomes] == [T0 + 2, T0 + 2]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
SAMPLES = [
    USER,
    prompt_error(2),
    answer(3, "stop"),
    step(1, "session.started"),
    step(3, "session.ended", **FLAGS),
]


@settings(deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_any_value_in_any_field_never_makes_the_readers_fail(tmp_path_factory, sample, data):
    field = data.draw(st.sampled_from(sorted(sample)))
    inner = sample[field]
    value = data.draw(json_values)
    changed = {field: value}
    if isinstance(inner, dict):
        changed = {field: inner | {data.draw(st.sampled_from(sorted(inner))): value}}
    junk = data.draw(st.binary(max_size=30))
    path = store(tmp_path_factory.mktemp("any") / "s1.jsonl", sample | changed, tail=junk)
    assert transcript_tail(path).problem is None
    assert trajectory_tail(path).problem is None


@pytest.mark.parametrize(
    ("after", "waits"),
    [
        ([], True),
        ([entry(3, type="custom", customType="model-snapshot")], True),
        ([answer(3, "stop")], False),
        ([answer(3, "error")], False),
        ([prompt_error(3)], False),
        ([entry(3, message={"role": "toolResult"})], False),
    ],
    ids=["nothing", "a note", "an answer", "an error", "a prompt error", "a tool"],
)
def test_what_a_user_asked_waits_until_anything_comes_after_it(tmp_path, after, waits):
    asked = entry(2, message={"role": "user", "content": SECRET})
    path = tmp_path / "s1.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in (answer(1, "stop"), asked, *after)))
    assert (transcript_tail(str(path)).asked_at is not None) is waits
