from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from lockdeck.backend.openclaw import store
from lockdeck.backend.openclaw.files import FileRead, read_regular
from lockdeck.backend.openclaw.store import SessionEntry, read_store
from lockdeck.backend.openclaw.storeindex import StoreIndex

ENTRY = {
    "sessionId": "0f6c",
    "sessionFile": "/r/agents/main/sessions/0f6c.jsonl",
    "status": "running",
    "updatedAt": 1795345142190,
    "startedAt": 1795345140000,
    "endedAt": 1795345141000,
    "abortedLastRun": True,
    "model": "atlas-large",
    "modelProvider": "atlas",
    "queueMode": "steer",
    "spawnedBy": "agent:main:main",
    "skillsSnapshot": {"prompt": "x" * 1000, "skills": [{"name": "a"}]},
}


def write(tmp_path: Path, value: object) -> str:
    path = tmp_path / "sessions.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


def test_an_entry_keeps_what_is_needed_in_seconds(tmp_path: Path) -> None:
    found = read_store(write(tmp_path, {"agent:main:main": ENTRY}))
    assert found.problem is None
    assert found.entries == (
        SessionEntry(
            key="agent:main:main",
            session_id="0f6c",
            session_file="/r/agents/main/sessions/0f6c.jsonl",
            status="running",
            updated_at=1795345142.19,
            started_at=1795345140.0,
            ended_at=1795345141.0,
            aborted_last_run=True,
            model="atlas-large",
            provider="atlas",
            queue_mode="steer",
            spawned_by="agent:main:main",
        ),
    )


_VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5) | st.sampled_from(["x" * 1025, "y" * 5000, "a\0b", 8.64e15, -1, 0, []])
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(list(ENTRY)), _VALUES))
def test_what_the_decoder_checks_is_what_is_usable_value_by_value(fields: dict[str, object]) -> None:
    raw = msgspec.Raw(json.dumps(fields).encode())
    one_by_one = [
        store._entry("k", msgspec.Raw(json.dumps({name: fields[name]}).encode())) for name in fields
    ]
    whole = store._entry("k", raw)
    assert whole is not None
    merged: dict[str, object] = {}
    for entry in one_by_one:
        assert entry is not None
        merged |= {name: value for name, value in asdict(entry).items() if value not in (None, False)}
    assert whole == SessionEntry(**{"key": "k", **merged})
    assert store._entry("k", msgspec.Raw(json.dumps({**fields, "status": 3}).encode())) == replace(
        whole, status=None
    )


def test_an_unchanged_store_is_not_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, {"a": ENTRY})
    first = read_store(path)
    assert read_store(path, first) is first
    os.replace(write(tmp_path / "..", {"b": ENTRY}), path)
    assert [entry.key for entry in read_store(path, first).entries] == ["b"]


def test_a_wrong_value_costs_only_itself_and_a_wrong_entry_only_itself(tmp_path: Path) -> None:
    odd = {
        "sessionId": 7,
        "updatedAt": "now",
        "startedAt": True,
        "endedAt": -1,
        "status": ["x"],
        "model": "m",
    }
    found = read_store(write(tmp_path, {"odd": odd, "list": [1], "null": None, "good": ENTRY}))
    assert [entry.key for entry in found.entries] == ["odd", "good"]
    assert found.entries[0] == SessionEntry("odd", model="m")
    assert "2 of 4" in str(found.problem)
    assert found.signature is not None


def test_texts_too_long_to_be_real_are_left_out(tmp_path: Path) -> None:
    found = read_store(write(tmp_path, {"k" * 2000: ENTRY, "a": ENTRY | {"model": "m" * 2000}}))
    assert [(entry.key, entry.model) for entry in found.entries] == [("a", None)]


def test_half_of_an_emoji_costs_nothing(tmp_path: Path) -> None:
    text = json.dumps({"a": ENTRY | {"label": "?"}}).replace(
        '"?"', '"cut \\ud83d here \\ude00 \\ud83d\\ude00"'
    )
    found = read_store(write(tmp_path, text))
    assert [entry.session_id for entry in found.entries] == ["0f6c"]
    assert found.problem is None


def test_a_store_that_is_not_there_has_no_entries_and_no_problem(tmp_path: Path) -> None:
    gone = str(tmp_path / "sessions.json")
    assert read_store(gone) == store.Store()
    before = read_store(write(tmp_path, {"a": ENTRY}))
    os.unlink(gone)
    assert read_store(gone, before) == store.Store()


def test_a_store_that_stays_absent_or_broken_is_nothing_new(tmp_path: Path) -> None:
    absent = read_store(str(tmp_path / "sessions.json"))
    assert read_store(str(tmp_path / "sessions.json"), absent) is absent
    broken = read_store(write(tmp_path, "{"), absent)
    assert read_store(str(tmp_path / "sessions.json"), broken) is broken


@pytest.mark.parametrize("text", ["", "{", "[]", "nonsense", '{"a":', "\0", '{"a":' * 5000])
def test_a_broken_store_keeps_the_entries_of_before_and_is_read_again(tmp_path: Path, text: str) -> None:
    before = read_store(write(tmp_path, {"a": ENTRY}))
    found = read_store(write(tmp_path, text), before)
    assert found.entries == before.entries
    assert found.problem is not None
    assert found.signature is None


def test_a_store_seen_half_written_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, '{"a": {')
    looks = []

    def read_and_finish(name: str, cap: int, *, follow: bool, below: str | None) -> FileRead:
        found = read_regular(name, cap, follow=follow, below=below)
        looks.append(found)
        write(tmp_path, {"a": ENTRY})
        return found

    monkeypatch.setattr(store, "read_regular", read_and_finish)
    assert [entry.key for entry in read_store(path).entries] == ["a"]
    assert len(looks) == 2


def test_planted_things_are_a_problem_and_a_link_is_not(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "named pipe" in str(read_store(str(tmp_path / "pipe")).problem)
    real = write(tmp_path, {"a": ENTRY})
    (tmp_path / "link").symlink_to(real)
    assert len(read_store(str(tmp_path / "link")).entries) == 1


def test_fifty_megabytes_of_snapshots_are_read(tmp_path: Path) -> None:
    entry = json.dumps(ENTRY | {"skillsSnapshot": {"prompt": "x" * 5000}})
    text = "{" + ",".join(f'"agent:main:{number}":{entry}' for number in range(10_000)) + "}"
    found = read_store(write(tmp_path, text))
    assert len(text) > 50_000_000
    assert (len(found.entries), found.problem) == (10_000, None)


def test_a_store_beyond_the_cap_is_a_problem_not_a_wait(tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    with path.open("wb") as file:
        file.truncate(store.STORE_BYTES + 1)
    assert "more than" in str(read_store(str(path)).problem)


@given(
    st.dictionaries(
        st.text(max_size=5), st.recursive(st.none() | st.text() | st.floats(), st.lists), max_size=3
    )
)
def test_no_json_makes_the_reader_raise(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, object]
) -> None:
    path = tmp_path_factory.mktemp("store") / "sessions.json"
    path.write_text(json.dumps(values))
    read_store(str(path))


def entry(key: str, session_id: str, file: str | None = None, updated: float = 1.0) -> SessionEntry:
    return SessionEntry(key, session_id, file, updated_at=updated)


def test_the_transcript_named_in_the_entry_goes_before_the_session_id(tmp_path: Path) -> None:
    after_reset = entry("agent:main:main", "new", str(tmp_path / "old.jsonl"))
    other = entry("agent:main:other", "old")
    assert (
        StoreIndex.build([other, after_reset], str(tmp_path)).find(str(tmp_path / "old.jsonl.lock"))
        is after_reset
    )


@pytest.mark.parametrize("name", ["0f6c.jsonl.lock", "0f6c-topic-a%20b.jsonl.lock"])
def test_without_a_transcript_name_the_session_id_tells(tmp_path: Path, name: str) -> None:
    known = entry("agent:main:main", "0f6c")
    assert StoreIndex.build([known], str(tmp_path)).find(str(tmp_path / name)) is known
    assert StoreIndex.build([known], str(tmp_path)).find(str(tmp_path / "other.jsonl.lock")) is None


def test_directories_are_resolved_and_names_are_not(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "a.jsonl").symlink_to(tmp_path / "real" / "b.jsonl")
    through_link = entry("k", "x", str(tmp_path / "link" / "a.jsonl"))
    index = StoreIndex.build([through_link], str(tmp_path / "real"))
    assert index.find(str(tmp_path / "real" / "a.jsonl.lock")) is through_link
    assert index.find(str(tmp_path / "real" / "b.jsonl.lock")) is None


def test_a_relative_transcript_is_in_the_sessions_directory(tmp_path: Path) -> None:
    relative = entry("k", "x", "own-name.jsonl")
    assert StoreIndex.build([relative], str(tmp_path)).find(str(tmp_path / "own-name.jsonl.lock")) is relative


def test_of_two_entries_for_one_transcript_the_one_updated_last_counts(tmp_path: Path) -> None:
    file = str(tmp_path / "a.jsonl")
    old, new = entry("a", "s", file, 1.0), entry("b", "s", file, 2.0)
    for order in ([old, new], [new, old]):
        assert StoreIndex.build(order, str(tmp_path)).find(f"{file}.lock") is new
