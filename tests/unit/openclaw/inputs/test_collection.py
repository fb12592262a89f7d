"""What words mean: files, folders, patterns and pipes, each log once and whole."""

from __future__ import annotations

import gzip
import os
import sqlite3

import pytest

from lockdeck.backend.openclaw.log.inputs import collection as collection_module
from lockdeck.backend.openclaw.log.inputs.collection import collect
from tests.folders import RECORDINGS

HANG = (RECORDINGS / "2026.4.5-incident-hang" / "gateway.log").read_bytes()


@pytest.fixture
def folder(tmp_path):
    """A folder with a rotated log, one with an odd name, transcripts, notes, a database, a pipe and a dangling link."""
    place = tmp_path / "logs"
    (place / "pods" / "gw").mkdir(parents=True)
    (place / "x.log").write_bytes(HANG)
    (place / "x.log.1").write_bytes(HANG)
    (place / "x.log.2.gz").write_bytes(gzip.compress(HANG))
    (place / "pods" / "gw" / "0.log").write_bytes(HANG)
    (place / "console-of-the-gateway").write_bytes(HANG)
    (place / "notes.md").write_text("# what happened\n\nThe gateway hung.\n")
    (place / "s.jsonl").write_text('{"type":"message","timestamp":"2026-04-09T10:00:00Z","id":"x"}\n' * 9)
    sqlite3.connect(place / "agent.sqlite").close()
    os.mkfifo(place / "pipe.log")
    (place / "gone.log").symlink_to(place / "nowhere")
    return place


def files(collection):
    return [[os.path.basename(path) for path in log.paths] for log in collection.sets]


def test_a_folder_is_its_logs_by_name_and_content_and_the_others_are_counted(folder):
    collection = collect([str(folder)])
    assert sorted(files(collection)) == [
        ["0.log"],
        ["console-of-the-gateway"],
        ["x.log.2.gz", "x.log.1", "x.log"],
    ]
    assert (collection.left_out, collection.problems) == (5, [])


def test_a_name_alone_is_that_file_alone(folder):
    assert files(collect([str(folder / "x.log")])) == [["x.log"]]


def test_files_named_one_by_one_are_one_log_where_their_names_say_so(folder):
    assert files(collect([str(folder / name) for name in ("x.log", "x.log.2.gz")])) == [
        ["x.log.2.gz", "x.log"]
    ]


@pytest.mark.parametrize("pattern", ["x.log*", "**/x.log*", "*/../x.log*"])
def test_a_pattern_is_expanded(folder, pattern):
    assert files(collect([str(folder / pattern)])) == [["x.log.2.gz", "x.log.1", "x.log"]]


def test_a_pattern_that_fits_nothing_is_told_and_a_file_of_that_very_name_is_taken(folder):
    assert collect([str(folder / "y*.log")]).problems == [f"{folder}/y*.log: no file has such a name"]
    (folder / "y*.log").write_bytes(HANG)
    assert files(collect([str(folder / "y*.log")])) == [["y*.log"]]


def test_a_folder_without_logs_says_so(tmp_path):
    (tmp_path / "notes.md").write_text("none")
    collection = collect([str(tmp_path)])
    assert (collection.sets, collection.problems) == ((), [f"{tmp_path} holds no log, looked at 1 files"])


def test_every_name_of_a_file_is_the_same_file(folder):
    log = folder / "x.log"
    (folder / "link.log").symlink_to(log)
    (folder / "hard.log").hardlink_to(log)
    words = [log, folder / "link.log", folder / "hard.log", folder / "pods" / ".." / "x.log"]
    assert files(collect(map(str, words))) == [["x.log"]]
    assert [log.paths for log in collect(["-", "/dev/stdin", "/dev/fd/0"]).sets] == [("-",)]


def test_a_huge_folder_is_bounded_and_says_so(folder, monkeypatch):
    monkeypatch.setattr(collection_module, "MOST_FILES", 3)
    collection = collect([str(folder)])
    assert sum(map(len, files(collection))) + collection.left_out == 3
    assert "more than 3 files" in collection.problems[0]
