"""A log in rotated files, packed or not, tells what the same bytes in one file tell."""

from __future__ import annotations

import bz2
import gzip
import lzma
import socket
from contextlib import closing
from itertools import count, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockdeck.backend.openclaw.log.inputs.opening import OpenInput
from lockdeck.backend.openclaw.log.inputs.reading import SetReader
from lockdeck.backend.openclaw.log.stream import LineCounts
from tests.folders import RECORDINGS
from tests.reading import read_events
from tests.unit.openclaw.wrappers import console, recorded

HANG = RECORDINGS / "2026.4.5-incident-hang" / "gateway.log"
PACK = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}
CONSOLE = "".join(f"{console(line)}\n" for line in recorded()).encode()
WORDS = [HANG.read_bytes(), CONSOLE]


def read(paths):
    reader, counts, events = SetReader(count()), LineCounts(), []
    for path in paths:
        with closing(OpenInput(str(path))) as source:
            events += reader.read(source, counts)
    return [*events, *reader.finish()], counts


def written(folder, parts, suffixes):
    paths = []
    for number, part in enumerate(parts):
        suffix = suffixes[number % len(suffixes)]
        paths.append(folder / f"{number}{suffix}")
        paths[-1].write_bytes(PACK[suffix](part))
    return paths


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.sampled_from(WORDS),
    st.lists(st.integers(0, 200_000), max_size=4),
    st.lists(st.sampled_from(sorted(PACK)), min_size=1, max_size=4),
)
def test_a_log_cut_at_any_line_reads_like_the_whole(tmp_path, data, places, suffixes):
    cuts = sorted({data.rfind(b"\n", 0, place % len(data)) + 1 for place in places} | {0, len(data)})
    parts = [data[start:end] for start, end in pairwise(cuts)]
    (tmp_path / "whole").write_bytes(data)
    events, counts = read(written(tmp_path, parts, suffixes))
    assert events == list(read_events(tmp_path / "whole"))
    assert counts.lines == data.count(b"\n")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.integers(1, HANG.stat().st_size - 1))
def test_a_json_log_cut_inside_a_line_is_joined_again(tmp_path, place):
    data = HANG.read_bytes()
    events, counts = read(written(tmp_path, [data[:place], data[place:]], [".gz", ""]))
    (tmp_path / "whole").write_bytes(data)
    assert events == list(read_events(tmp_path / "whole"))
    assert counts.malformed == 0


def test_a_last_line_without_newline_ends_where_the_next_file_begins_a_line(tmp_path):
    first, second = HANG.read_bytes().splitlines()[:2]
    _, counts = read(written(tmp_path, [first, second + b"\n"], [""]))
    assert (counts.lines, counts.malformed) == (2, 0)


def test_files_in_other_encodings_are_one_log(tmp_path):
    one, two = CONSOLE.splitlines(keepends=True)[:50], CONSOLE.splitlines(keepends=True)[50:]
    sixteen = b"\xff\xfe" + b"".join(one).decode().encode("utf-16-le")
    events, _ = read(written(tmp_path, [sixteen, b"".join(two)], ["", ".xz"]))
    (tmp_path / "whole").write_bytes(CONSOLE)
    assert events == list(read_events(tmp_path / "whole"))


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2"])
def test_of_a_packed_log_that_is_cut_off_the_lines_before_count(tmp_path, suffix):
    data = PACK[suffix](HANG.read_bytes() * 3)
    path = tmp_path / f"x.log{suffix}"
    path.write_bytes(data[: len(data) * 9 // 10])
    with closing(OpenInput(str(path))) as source:
        events = list(SetReader(count()).read(source, LineCounts()))
    assert "is cut off" in (source.problem or "")
    if suffix == ".gz":
        assert events


@pytest.mark.parametrize("kind", ["folder", "device", "socket", "missing"])
def test_what_is_no_file_and_no_pipe_is_named(tmp_path, kind):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        path = {"folder": tmp_path, "device": "/dev/zero", "socket": tmp_path / "s"}.get(
            kind, tmp_path / "none"
        )
        with pytest.raises(OSError, match=r"directory|character device|a socket|No such"):
            OpenInput(str(path))
