"""The shape of a transcript's last records, read from its end; what they say only where it is asked for."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockdeck.backend.openclaw.gateway.secret import Secret
from lockdeck.backend.openclaw.transcriptshape import Record, TranscriptShape, shape_of, text_of

SAID = "what nobody may see"


def message(second: int, **fields: object) -> dict[str, object]:
    return {"type": "message", "timestamp": f"2026-04-05T10:00:{second:02d}Z", "message": fields}


ENTRIES = [
    {"type": "session", "version": 3, "timestamp": "2026-04-05T10:00:00Z"},
    message(1, role="user", content=SAID),
    message(
        2,
        role="assistant",
        content=[{"type": "text", "text": SAID}, {"type": "toolCall", "name": "exec", "arguments": {}}],
        stopReason="toolUse",
        provider="atlas",
        model="large",
    ),
    message(3, role="toolResult", toolName="exec", content=[{"type": "text", "text": SAID}]),
    {"type": "custom", "customType": "openclaw:prompt-error", "data": {"error": "aborted"}},
]


def store(path, content: bytes):  # type: ignore[no-untyped-def]
    path.write_bytes(content)
    return str(path)


def lines(*entries: object) -> bytes:
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


def outline(shape: TranscriptShape) -> list[tuple[str, tuple[str, ...], str | None, str | None]]:
    return [(record.role, record.tools, record.stop_reason, record.model) for record in shape.records]


def test_each_record_is_told_by_role_tools_end_and_model_and_never_by_its_words(tmp_path) -> None:  # type: ignore[no-untyped-def]
    shape = shape_of(store(tmp_path / "s.jsonl", lines(*ENTRIES)))
    assert outline(shape) == [
        ("session", (), None, None),
        ("user", (), None, None),
        ("assistant", ("exec",), "toolUse", "atlas/large"),
        ("toolResult", ("exec",), None, None),
        ("openclaw:prompt-error", (), None, None),
    ]
    assert SAID not in repr(shape)
    assert [record.size for record in shape.records] == [len(json.dumps(entry)) for entry in ENTRIES]
    assert (shape.records[1].at or 0) - (shape.records[0].at or 0) == 1


def test_what_a_record_says_is_read_where_it_stands_and_credentials_are_struck(tmp_path) -> None:  # type: ignore[no-untyped-def]
    words = "take hunter2-hunter2 and sk-abcdefghijklmnop \x1b[2J"
    path = store(tmp_path / "s.jsonl", lines(*ENTRIES, message(9, role="user", content=words)))
    shape = shape_of(path)
    text = text_of(path, shape.records[-1], shape.inode, secrets=(Secret("hunter2-hunter2"),))
    assert text == "take *** and *** ␛[2J"
    assert text_of(path, shape.records[1], shape.inode) == SAID
    assert "exec" in text_of(path, shape.records[2], shape.inode)


def test_a_record_of_a_transcript_that_was_replaced_is_not_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = store(tmp_path / "s.jsonl", lines(*ENTRIES))
    shape = shape_of(path)
    os.rename(path, tmp_path / "old")
    store(tmp_path / "s.jsonl", lines(*ENTRIES))
    assert "replaced" in text_of(path, shape.records[1], shape.inode)
    os.remove(path)
    assert "No such file" in text_of(path, shape.records[1], shape.inode)


def test_a_line_that_is_no_record_keeps_its_place(tmp_path) -> None:  # type: ignore[no-untyped-def]
    shape = shape_of(store(tmp_path / "s.jsonl", b'{"type": broken\n\n[]\n' + lines(ENTRIES[1]) + b'{"half'))
    assert [record.role for record in shape.records] == ["not understood", "not understood", "user"]


def test_a_record_longer_than_what_is_read_says_so(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = store(tmp_path / "s.jsonl", lines(message(1, role="user", content="x" * 5000)))
    shape = shape_of(path, end=1000)
    assert shape.records == ()
    assert "longer than 1000 bytes" in (shape.problem or "")
    long = Record(0, 2 << 20)
    assert "more than are shown" in text_of(path, long, shape_of(path).inode)


@pytest.mark.parametrize("kind", ["link", "folder", "link below"])
def test_a_link_and_what_is_no_file_are_not_followed(tmp_path, kind: str) -> None:  # type: ignore[no-untyped-def]
    store(tmp_path / "real.jsonl", lines(*ENTRIES))
    path, below = tmp_path / "s.jsonl", None
    if kind == "link":
        path.symlink_to(tmp_path / "real.jsonl")
    elif kind == "folder":
        path.mkdir()
    else:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "s.jsonl").write_bytes(lines(*ENTRIES))
        (tmp_path / "agents").symlink_to(tmp_path / "elsewhere")
        path, below = tmp_path / "agents" / "s.jsonl", str(tmp_path)
    shape = shape_of(str(path), below)
    assert shape.records == ()
    assert shape.problem
    assert text_of(str(path), Record(0, 10), (0, 0), below) == shape.problem


@settings(deadline=None)
@given(end=st.integers(1, 2000), cut=st.integers(0, 2000))
def test_wherever_the_look_begins_and_the_writer_stops_only_whole_records_are_told(
    tmp_path_factory, end: int, cut: int
) -> None:  # type: ignore[no-untyped-def]
    whole = lines(*ENTRIES)
    content = whole[: min(cut, len(whole))]
    path = store(tmp_path_factory.mktemp("cut") / "s.jsonl", content)
    shape = shape_of(path, end=end)
    complete = content[: content.rfind(b"\n") + 1]
    expected = shape_of(store(tmp_path_factory.mktemp("whole") / "s.jsonl", complete)).records
    told = [record for record in expected if record.offset + 0 > max(0, len(content) - end)]
    told = list(expected) if end >= len(content) else told
    assert list(shape.records) == told


@given(content=st.binary(max_size=400))
def test_no_bytes_upset_the_reader(tmp_path_factory, content: bytes) -> None:  # type: ignore[no-untyped-def]
    shape = shape_of(store(tmp_path_factory.mktemp("any") / "s.jsonl", content))
    assert len(shape.records) <= content.count(b"\n")
