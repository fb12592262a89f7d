"""The lines of the logs about one session, as they stand: whole words, in order, live, in bounded memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockdeck.backend.openclaw.gateway.secret import Secret
from lockdeck.backend.openclaw.log.place import LogPlace, named_log
from lockdeck.backend.settings.records import Settings
from lockdeck.backend.watch.collector import Collector
from lockdeck.backend.watch.live.kept import KEPT_BYTES, KeptBytes
from lockdeck.backend.watch.records.loglines import KeptStream, RawLine, Readable, SessionLog, SessionNames

KEY = "agent:main:main"
NAMES = SessionNames(KEY, "5f0e", frozenset({"run-1"}))


def entry(words: str, second: int = 0, **fields: object) -> bytes:
    told = {"0": '{"subsystem":"agent/embedded"}', "1": fields, "2": words}
    return json.dumps(told | {"time": f"2026-04-05T10:00:{second:02d}.000Z"}).encode() + b"\n"


def about(second: int, words: str = "x") -> bytes:
    return entry(words, second, sessionKey=KEY)


def reader(*paths: Path, secrets: tuple[Secret, ...] = ()) -> SessionLog:
    return SessionLog(lambda: Readable(tuple(named_log(str(path)) for path in paths), secrets=secrets))


def messages(lines: tuple[RawLine, ...]) -> list[str]:
    return [str(line.message or line.text) for line in lines]


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        (entry("a", sessionKey=KEY), True),
        (entry("a", sessionId="5f0e"), True),
        (entry("a", runId="run-1"), True),
        (entry(f"lane task error: lane=session:{KEY} durationMs=1"), True),
        (b"2026-04-05T10:00:00Z [diagnostic] session file locked: /r/5f0e.jsonl.lock\n", True),
        (entry("a", sessionKey=f"{KEY}2"), False),
        (entry("a", sessionKey=f"{KEY}:thread"), False),
        (entry("a", runId="run-12"), False),
        (entry("a", sessionId="a5f0e"), False),
    ],
)
def test_a_line_is_about_a_session_where_it_names_it_in_a_whole_word(tmp_path, line, ours) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "o.log"
    path.write_bytes(line)
    assert bool(reader(path).read(NAMES).lines) is ours


def test_lines_of_several_files_come_in_the_order_of_their_times(tmp_path) -> None:  # type: ignore[no-untyped-def]
    one, other = tmp_path / "1.log", tmp_path / "2.log"
    one.write_bytes(about(1, "a") + about(3, "c"))
    other.write_bytes(about(2, "b") + about(4, "d"))
    assert messages(reader(one, other).read(NAMES).lines) == ["a", "b", "c", "d"]


def test_the_console_is_not_read_beside_the_log_that_it_repeats(tmp_path) -> None:  # type: ignore[no-untyped-def]
    log, console = tmp_path / "o.log", tmp_path / "gateway.log"
    log.write_bytes(about(1, "a"))
    console.write_bytes(b"2026-04-05T10:00:01Z [diagnostic] agent:main:main again\n")
    places = (named_log(str(log)), LogPlace(str(console), console=True))
    assert messages(SessionLog(lambda: Readable(places)).read(NAMES).lines) == ["a"]
    assert len(SessionLog(lambda: Readable(places[1:])).read(NAMES).lines) == 1


def test_a_log_that_was_truncated_is_read_anew_and_one_that_is_gone_is_told(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "o.log"
    path.write_bytes(about(1, "a") + about(2, "b"))
    log = reader(path)
    assert messages(log.read(NAMES).lines) == ["a", "b"]
    path.write_bytes(about(3, "c"))
    assert messages(log.read(NAMES).lines) == ["c"]
    path.unlink()
    reading = log.read(NAMES)
    assert [line.gone for line in reading.lines] == [True]
    assert "No such file" in reading.notes[0]
    assert "rotated away" in reading.notes[1]


def test_another_name_of_the_session_has_all_read_again(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "o.log"
    path.write_bytes(entry("a", 1, runId="run-2") + about(2, "b"))
    log = reader(path)
    assert messages(log.read(NAMES).lines) == ["b"]
    more = SessionNames(KEY, "5f0e", frozenset({"run-2"}))
    assert messages(log.read(more).lines) == ["a", "b"]


def test_credentials_that_are_known_and_those_of_a_known_form_are_struck(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "o.log"
    known, alike = "correct-horse-battery", "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"
    words = f"{known} {alike} password=opensesame1 sk-proj-0123456789abcdef"
    path.write_bytes(about(1, words))
    (line,) = reader(path, secrets=(Secret(known),)).read(NAMES).lines
    for secret in (known, alike, "opensesame1", "0123456789abcdef"):
        assert secret not in line.text
        assert secret not in str(line.message)


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 900), max_size=6))
def test_however_a_log_grows_its_lines_are_the_same(tmp_path_factory, cuts) -> None:  # type: ignore[no-untyped-def]
    whole = about(1, "a") + entry("of others", 2) + about(3, "b" * 200) + about(4, "c")
    path = tmp_path_factory.mktemp("grows") / "o.log"
    path.write_bytes(b"")
    log, stream, kept = reader(path), SessionLog(lambda: Readable(streams=streams)), KeptBytes()
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(whole)], strict=True):
        with path.open("ab") as file:
            file.write(whole[begin:end])
        kept.take(whole[begin:end])
        streams = (KeptStream("pipe", *kept.read()),)
        log.read(NAMES)
        stream.read(NAMES)
    assert messages(log.read(NAMES).lines) == ["a", "b" * 200, "c"]
    assert messages(stream.read(NAMES).lines) == ["a", "b" * 200, "c"]


def test_of_a_stream_a_bounded_end_is_kept_and_what_was_missed_is_stepped_over() -> None:
    kept = KeptBytes()
    log = SessionLog(lambda: Readable(streams=(KeptStream("pipe", *kept.read()),)))
    kept.take(about(1, "a"))
    kept.take(None)
    assert messages(log.read(NAMES).lines) == ["a"]
    for number in range(3000):
        kept.take(entry(f"of others {number}", 2))
    kept.take(about(3, "c"))
    end, content = kept.read()
    assert KEPT_BYTES <= len(content) < KEPT_BYTES + 1000
    assert end > len(content)
    assert messages(log.read(NAMES).lines) == ["a", "c"]


def test_a_collector_hands_on_the_logs_that_it_follows_and_the_secrets_of_its_roots(tmp_path) -> None:  # type: ignore[no-untyped-def]
    root, path = tmp_path / "root", tmp_path / "o.log"
    (root / "agents" / "main" / "sessions").mkdir(parents=True)
    (root / "openclaw.json").write_text('{"gateway": {"auth": {"token": "the-token-of-the-gateway"}}}')
    path.write_bytes(about(1, "the-token-of-the-gateway and of-the-environment"))
    env = {"HOME": str(tmp_path), "SOME_API_KEY": "of-the-environment"}
    collector = Collector.discover(
        (str(root),), Settings(), logs=(str(path),), env=env, clock=lambda: 1775383210.0
    )
    try:
        collector.look()
        assert messages(collector.records.log().read(NAMES).lines) == ["*** and ***"]
    finally:
        collector.close()
