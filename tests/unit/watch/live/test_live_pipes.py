"""Pipes as logs: read as they come, by a thread that blocks nobody; their end is told."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import threading
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.runs.fold import RunBook, fold_all
from lockdeck.backend.model.sources import SourceState
from lockdeck.backend.openclaw.log.scan import NO_LOG_FILE
from lockdeck.backend.openclaw.log.stream import LineCounts
from lockdeck.backend.watch.live import buffer as buffer_module
from lockdeck.backend.watch.live.buffer import LiveBuffer
from lockdeck.backend.watch.live.logs import LiveLogs
from lockdeck.backend.watch.live.reader import LiveReader
from tests.unit.watch.live.moved import HANG, moved

NOW = 1_775_728_800.0
DATA = moved(NOW)
ROOT = "/root"


class Watching:
    """Live logs whose every ring is awaited."""

    def __init__(self, *pipes, commands=None, config=""):
        self.rung = threading.Event()
        self.logs = LiveLogs([str(pipe) for pipe in pipes], str(config), self.rung.set)
        self.commands = {} if commands is None else commands
        self.counts = LineCounts()
        self.events = []
        self.logs.keep(self.commands)

    def until(self, fits):
        """Read until it fits; each look follows a ring."""
        deadline = time.monotonic() + 60
        while True:
            self.rung.clear()
            self.events += self.logs.read(NOW, self.counts)
            if fits():
                return
            assert self.rung.wait(deadline - time.monotonic()), self.problems
            assert time.monotonic() < deadline

    @property
    def problems(self):
        return [f"{look.where}: {look.why}" for look in self.logs.looks(ROOT, NOW) if look.broken]

    @property
    def look(self):
        (look,) = self.logs.looks(ROOT, NOW)
        return look

    def close(self):
        self.logs.close()


@pytest.fixture
def fifo(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=8), st.booleans())
def test_the_events_are_those_of_the_log_whatever_the_pieces(sizes, again):
    pieces, at, turn = [], 0, 0
    while at < len(DATA):
        pieces.append(DATA[at : at + sizes[turn % len(sizes)]])
        at, turn = at + len(pieces[-1]), turn + 1
    buffer, counts = LiveBuffer(), LineCounts()
    reader, events = LiveReader(buffer), []
    for piece in [*pieces, *([None, *pieces] if again else [])]:
        buffer.put(piece)
        events += reader.read(NOW, counts)
    once = list(LiveReader(_full(DATA)).read(NOW, LineCounts()))
    assert events == once * (2 if again else 1)
    assert fold_all(RunBook(), events).runs == fold_all(RunBook(), once).runs


def _full(data):
    buffer = LiveBuffer()
    buffer.put(data)
    return buffer


def test_a_full_buffer_lets_its_thread_wait_and_keeps_no_more(monkeypatch):
    monkeypatch.setattr(buffer_module, "MOST_BYTES", 100)
    buffer, done = LiveBuffer(), threading.Event()
    buffer.put(b"x" * 100)

    def more():
        buffer.put(b"y")
        done.set()

    threading.Thread(target=more, daemon=True).start()
    assert not done.wait(0.05)
    assert buffer.take() == [b"x" * 100]
    assert done.wait(60)
    assert buffer.take() == [b"y"]


def test_who_wants_no_more_lets_a_waiting_thread_go(monkeypatch):
    monkeypatch.setattr(buffer_module, "MOST_BYTES", 1)
    buffer = LiveBuffer()
    buffer.put(b"x")
    thread = threading.Thread(target=buffer.put, args=(b"y",))
    thread.start()
    buffer.close()
    thread.join(60)
    assert not thread.is_alive()


def test_a_pipe_that_nobody_writes_into_is_a_problem_until_somebody_does(fifo):
    with closing(Watching(fifo)) as watching:
        watching.until(
            lambda: (
                watching.problems == [f"{fifo}: nobody writes into this pipe yet: nothing of its log is seen"]
            )
        )
        with fifo.open("wb") as writer:
            writer.write(DATA)
            writer.flush()
            watching.until(lambda: len(watching.events) > 50 and not watching.problems)


def test_the_end_of_a_pipe_is_told_and_another_writer_is_heard(fifo):
    with closing(Watching(fifo)) as watching:
        fifo.write_bytes(DATA)
        watching.until(lambda: any("the pipe ended at" in problem for problem in watching.problems))
        first = len(watching.events)
        assert first > 50
        assert "what happens since isn't seen" in watching.problems[0]
        with fifo.open("wb") as writer:
            writer.write(DATA)
            writer.flush()
            watching.until(lambda: len(watching.events) == 2 * first and not watching.problems)
    assert fold_all(RunBook(), watching.events).runs == fold_all(RunBook(), watching.events[:first]).runs


def test_stdin_is_read_and_its_end_is_told(monkeypatch):
    reader, writer = os.pipe()
    monkeypatch.setattr(os, "dup", lambda _number, dup=os.dup: dup(reader))
    with closing(Watching("-")) as watching:
        os.close(reader)
        os.write(writer, HANG.read_bytes()[:0] + b"2026-04-09T10:00:00Z [plugins] ready\n")
        watching.until(lambda: watching.counts.lines == 1)
        assert watching.problems == []
        os.write(writer, b"2026-04-09T10:00:01Z [plugins] no newline")
        os.close(writer)
        watching.until(lambda: bool(watching.problems))
        assert watching.problems[0].startswith("stdin: the pipe ended at ")
        watching.until(lambda: watching.counts.lines == 2)


def test_a_single_look_reads_a_pipe_to_its_end_and_takes_that_for_no_problem(fifo):
    with closing(Watching(fifo)) as watching:
        threading.Thread(target=fifo.write_bytes, args=(DATA,), daemon=True).start()
        while watching.logs.wait_more():
            watching.events += watching.logs.read(NOW, watching.counts)
        assert len(watching.events) > 50
        assert watching.problems == []


def test_a_single_look_says_of_a_pipe_that_tells_nothing(monkeypatch):
    monkeypatch.setattr("lockdeck.backend.watch.live.logs.LOOK_S", 0.1)
    reader, writer = os.pipe()
    monkeypatch.setattr(os, "dup", lambda _number, dup=os.dup: dup(reader))
    with closing(Watching("-")) as watching:
        os.close(reader)
        assert not watching.logs.wait_more()
        (look,) = watching.logs.looks(ROOT, NOW)
        assert (look.state, look.why) == (SourceState.MISSING, "it has told nothing yet")
    os.close(writer)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"hello\n", NO_LOG_FILE),
        (b"no newline", NO_LOG_FILE),
        (os.urandom(4000).replace(b"\n", b"\0") + b"\n" + b"\0\xff\n" * 50, NO_LOG_FILE),
        (gzip.compress(DATA), "no log: it is packed with gzip: unpack it first (zcat)"),
        (lzma.compress(DATA), "no log: it is packed with xz: unpack it first (xzcat)"),
        (bz2.compress(DATA), "no log: it is packed with bzip2: unpack it first (bzcat)"),
        (b"\x28\xb5\x2f\xfd" + bytes(60), "no log: it is packed with zstandard: unpack it first (zstdcat)"),
        (b"PK\x03\x04" + bytes(60), "no log: it is a zip archive: unpack it first"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("single_look", [True, False])
def test_a_pipe_that_tells_no_log_is_refused_with_its_reason(fifo, data, why, single_look):
    with closing(Watching(fifo)) as watching:
        threading.Thread(target=fifo.write_bytes, args=(data,), daemon=True).start()
        if single_look:
            while watching.logs.wait_more():
                watching.logs.read(NOW, watching.counts)
        else:
            watching.until(lambda: watching.look.state is SourceState.REFUSED)
        assert (watching.look.state, watching.look.why, watching.look.broken) == (
            SourceState.REFUSED,
            why,
            True,
        )


def test_a_pipe_whose_first_line_is_no_line_of_a_log_is_one_with_the_next(monkeypatch):
    reader, writer = os.pipe()
    monkeypatch.setattr(os, "dup", lambda _number, dup=os.dup: dup(reader))
    with closing(Watching("-")) as watching:
        os.close(reader)
        os.write(writer, b"-- Logs begin here and go on. --\n")
        watching.until(lambda: watching.look.state is SourceState.REFUSED)
        os.write(writer, b"2026-04-09T10:00:00Z [plug")
        watching.until(lambda: not watching.logs.wait_more())
        assert watching.look.state is SourceState.REFUSED
        os.write(writer, b"ins] ready\n")
        watching.until(lambda: watching.look.state is SourceState.READ)
    os.close(writer)


def test_half_a_line_is_none_yet(monkeypatch):
    reader, writer = os.pipe()
    monkeypatch.setattr(os, "dup", lambda _number, dup=os.dup: dup(reader))
    with closing(Watching("-")) as watching:
        os.close(reader)
        os.write(writer, b"2026-04-09T10:00:00Z [plugins] a line that goes")
        watching.until(lambda: watching.counts.bytes > 0)
        assert (watching.look.state, watching.look.why) == (SourceState.MISSING, "it has told nothing yet")
    os.close(writer)


def test_a_pipe_that_told_a_log_is_none_once_its_next_writer_tells_something_else(fifo):
    with closing(Watching(fifo)) as watching:
        for data, state in (
            (DATA, SourceState.STALE),
            (b"", SourceState.STALE),
            (b"hello\n", SourceState.REFUSED),
            (DATA, SourceState.STALE),
        ):
            lines = watching.counts.lines + data.count(b"\n")
            threading.Thread(target=fifo.write_bytes, args=(data,), daemon=True).start()
            watching.until(lambda: watching.counts.lines == lines and watching.look.state is state)  # noqa: B023


def test_lines_without_a_date_are_left_out_and_said_to_be():
    buffer = LiveBuffer()
    buffer.put(b"[agent] embedded run timeout: runId=r sessionId=s timeoutMs=1000\n")
    reader = LiveReader(buffer)
    assert (list(reader.read(NOW, LineCounts())), reader.undated) == ([], 1)
    list(reader.read(NOW + 2, LineCounts()))
    buffer.put(b"[agent] embedded run timeout: runId=r sessionId=s timeoutMs=1000\n")
    assert [event.at for event in reader.read(NOW + 3, LineCounts())] == [NOW + 3]
