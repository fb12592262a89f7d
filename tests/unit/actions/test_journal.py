"""The journal: append-only, hash-chained, private, and honest about what a crash or a hand did to it."""

from __future__ import annotations

import errno
import io
import json
import multiprocessing
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.actions.journal import MOST_BYTES, Journal, default_journal
from lockdeck.backend.actions.journal_chain import FIRST, LONGEST_LINE, LongLine, read_chain, read_lines


@pytest.fixture
def journal(tmp_path):
    ticks = iter(range(1_000))
    return Journal(str(tmp_path / "state" / "journal.jsonl"), clock=lambda: 1_760_000_000.0 + next(ticks))


def lines(journal):
    with open(journal.path, "rb") as file:
        return file.read().splitlines(keepends=True)


def rewrite(journal, changed):
    with open(journal.path, "wb") as file:
        file.write(b"".join(changed))


def test_a_missing_journal_is_an_empty_one(journal):
    reading = journal.read()
    assert reading.entries == ()
    assert reading.broken_at is None


def test_entries_come_back_in_order_with_the_chain_intact(journal):
    for number in range(3):
        journal.append("refused", path=f"/x/{number}", reasons=["held"])
    reading = journal.read()
    assert [entry["path"] for entry in reading.entries] == ["/x/0", "/x/1", "/x/2"]
    assert reading.entries[0]["prev"] == FIRST
    assert (reading.broken_at, reading.problem, reading.notes) == (None, None, ())


def test_only_the_owner_may_read_it(journal):
    journal.append("released", path="/x")
    assert stat.S_IMODE(os.stat(journal.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(journal.folder).st_mode) == 0o700


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_changed_line_breaks_the_chain_after_it(journal, number):
    for _ in range(4):
        journal.append("refused", path="/x")
    changed = lines(journal)
    changed[number - 1] = changed[number - 1].replace(b"refused", b"renamed")
    rewrite(journal, changed)
    reading = journal.read()
    assert reading.broken_at == number + 1
    assert f"line {number + 1}" in reading.problem


def test_a_removed_line_breaks_the_chain(journal):
    for number in range(4):
        journal.append("refused", path=str(number))
    changed = lines(journal)
    del changed[1]
    rewrite(journal, changed)
    assert journal.read().broken_at == 2


def test_an_inserted_line_that_is_no_entry_is_reported(journal):
    journal.append("refused", path="/x")
    journal.append("refused", path="/y")
    changed = lines(journal)
    rewrite(journal, [changed[0], b"not json\n", changed[1]])
    assert journal.read().broken_at == 2


def test_an_appended_forgery_is_reported(journal):
    journal.append("refused", path="/x")
    rewrite(journal, [*lines(journal), b'{"kind":"released","prev":"0"}\n'])
    assert journal.read().broken_at == 2


def test_a_torn_last_line_is_noted_and_not_an_error(journal):
    journal.append("refused", path="/x")
    journal.append("released", path="/y")
    whole = lines(journal)
    rewrite(journal, [whole[0], whole[1][:30]])
    reading = journal.read()
    assert [entry["path"] for entry in reading.entries] == ["/x"]
    assert reading.broken_at is None
    assert "unfinished" in reading.notes[0]


def test_after_a_torn_line_writing_goes_on_with_a_repair_entry(journal):
    journal.append("refused", path="/x")
    journal.append("released", path="/y")
    whole = lines(journal)
    rewrite(journal, [whole[0], whole[1][:30]])
    journal.append("refused", path="/z")
    reading = journal.read()
    assert [entry["kind"] for entry in reading.entries] == ["refused", "repair", "refused"]
    assert reading.entries[1]["tornBytes"] == 30
    assert reading.broken_at is None
    assert "unfinished" in reading.notes[0]


def test_a_torn_line_that_was_changed_afterwards_is_reported(journal):
    journal.append("refused", path="/x")
    with open(journal.path, "ab") as file:
        file.write(b'{"kind":"rel')
    journal.append("refused", path="/z")
    changed = lines(journal)
    changed[1] = b'{"kind":"RELx\n'
    rewrite(journal, changed)
    assert journal.read().broken_at == 3


def test_an_entry_longer_than_the_tail_that_is_read_at_once_keeps_the_chain(journal):
    journal.append("refused", path="x" * 200_000)
    journal.append("refused", path="/y")
    reading = journal.read()
    assert reading.broken_at is None
    assert len(reading.entries) == 2


def test_paths_that_are_no_text_survive(journal):
    path = os.fsdecode(b"/x/\xff\xfe")
    journal.append("refused", path=path)
    assert journal.read().entries[0]["path"] == path


def test_a_symlink_is_not_followed(journal, tmp_path):
    os.makedirs(journal.folder)
    (tmp_path / "victim").write_text("precious")
    os.symlink(tmp_path / "victim", journal.path)
    with pytest.raises(OSError, match="symbolic"):
        journal.append("refused", path="/x")
    assert (tmp_path / "victim").read_text() == "precious"


def _write_some(path, name):
    for number in range(10):
        Journal(path).append("refused", writer=name, number=number)


def test_writers_in_several_processes_keep_one_chain(journal):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_some, args=(journal.path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    reading = journal.read()
    assert reading.broken_at is None
    assert len(reading.entries) == 20


@given(st.binary(max_size=400))
def test_no_bytes_make_reading_fail(raw):
    reading = read_chain(io.BytesIO(raw))
    assert (reading.broken_at is None) == (reading.problem is None)


@given(st.lists(st.sampled_from([b"{}", b"[]", b"x", b'{"prev":"0"}', b""]), max_size=6))
def test_only_a_true_chain_passes_as_one(parts):
    reading = read_chain(part + b"\n" for part in parts)
    assert reading.broken_at is not None or not reading.entries or not parts


def test_of_a_long_journal_the_newest_entries_are_kept_and_every_line_is_checked_and_walked(journal):
    for number in range(20):
        journal.append("refused", number=number, action="a1")
    reading = read_chain(lines(journal), limit=5)
    assert [entry["number"] for entry in reading.entries] == [15, 16, 17, 18, 19]
    assert (reading.broken_at, reading.notes) == (None, ("the newest 5 of 20 entries are shown",))
    assert [entry["number"] for entry in journal.walk()] == list(range(20))
    assert read_chain(lines(journal)[1:], limit=5).broken_at == 1
    assert read_chain([*lines(journal), b"torn\n", b"half"]).broken_at == 21


def test_a_line_that_is_too_long_is_no_entry_and_the_chain_goes_on_behind_it(journal):
    journal.append("refused", number=1)
    with open(journal.path, "ab") as file:
        file.write(b'{"action":"' + b"x" * (2 * LONGEST_LINE) + b'"}\n')
    journal.append("refused", number=2)
    reading = journal.read()
    assert [entry["number"] for entry in reading.entries] == [1, 2]
    assert (reading.broken_at, reading.problem) == (2, "line 2 is no journal entry")
    with open(journal.path, "rb") as file:
        assert [type(line) for line in read_lines(file)] == [bytes, LongLine, bytes]


def test_what_an_append_reads_grows_with_the_last_line_and_not_with_its_square(journal, monkeypatch):
    journal.append("refused")
    with open(journal.path, "ab") as file:
        file.write(b"x" * 10_000_000)
    pread, asked = os.pread, []
    monkeypatch.setattr(os, "pread", lambda fd, size, at: asked.append(size) or pread(fd, size, at))
    journal.append("refused")
    assert sum(asked) < 30_000_000
    assert max(asked) < 1_000_000


def test_a_full_disk_leaves_no_half_of_an_entry(journal, monkeypatch):
    journal.append("refused")
    before, write = lines(journal), os.write

    def full(fd, data):
        monkeypatch.setattr(os, "write", no_room)
        return write(fd, data[:10])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="space"):
        journal.append("released")
    monkeypatch.undo()
    assert lines(journal) == before


def no_room(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_journal_that_is_larger_than_any_of_ours_is_not_written_to(journal):
    journal.append("refused")
    os.truncate(journal.path, MOST_BYTES + 1)
    with pytest.raises(OSError, match="move it away"):
        journal.append("refused")


def test_a_repair_that_was_torn_itself_breaks_no_chain(journal):
    journal.append("refused")
    with open(journal.path, "ab") as file:
        file.write(b'{"at":"half an entry\n{"at":"half a repair')
    journal.append("refused")
    reading = journal.read()
    assert (reading.broken_at, len(reading.entries)) == (None, 3)
    assert reading.notes == ("line 3 was left unfinished by a crash",)
    assert read_chain(lines(journal)[:3]).broken_at == 3


def test_the_environment_may_move_the_state_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LOCKDECK_STATE_DIR", str(tmp_path / "elsewhere"))
    assert default_journal().folder == str(tmp_path / "elsewhere")


def test_every_line_is_one_json_object(journal):
    journal.append("refused", path="line\nbreak\x1b[31m")
    raw = lines(journal)
    assert len(raw) == 1
    assert json.loads(raw[0])["path"] == "line\nbreak\x1b[31m"
    assert b"\x1b" not in raw[0]
