"""Packed bytes come out as they went in, whatever the pieces; what is cut off, damaged or a bomb harms nobody."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.openclaw.log.inputs import packing
from lockdeck.backend.openclaw.log.inputs.packing import PIECE, CannotUnpackError, Unpacker

zstd = packing._zstd_module()
PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}
if zstd is not None:  # with the extra `zstd`, which `dev` has
    PACK["zstandard"] = zstd.compress
PACKED = [name for name in PACK if name != "plain"]
TEXT = b"2026-04-09T10:00:00Z [agent] embedded run timeout: runId=r sessionId=s timeoutMs=1\n" * 40


def unpacked(unpacker: Unpacker, pieces: Iterable[bytes]) -> bytes:
    data = b"".join(out for piece in pieces for out in unpacker.feed(piece))
    return data + b"".join(unpacker.finish())


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut data into pieces of these sizes, over and over."""
    pieces, at, turn = [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        pieces.append(data[at : at + size])
        at, turn = at + size, turn + 1
    return pieces


SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=5)


@given(st.sampled_from(sorted(PACK)), st.lists(st.binary(max_size=200), max_size=4), SIZES)
def test_members_come_out_as_they_went_in_whatever_the_pieces(name, members, sizes):
    unpacker = Unpacker()
    data = b"".join(PACK[name](b"plain" + member) for member in members)
    assert unpacked(unpacker, cut(data, sizes)) == b"".join(b"plain" + member for member in members)
    assert unpacker.problem is None


@given(st.binary(max_size=300), SIZES)
def test_plain_bytes_pass_as_they_are(data, sizes):
    assert unpacked(Unpacker(), cut(b"2" + data, sizes)) == b"2" + data


@given(st.sampled_from(PACKED), st.integers(1, 10_000), SIZES)
def test_what_is_cut_off_is_said_and_what_came_out_is_a_beginning(name, length, sizes):
    data = PACK[name](TEXT)
    length = min(length, len(data) - 1)
    unpacker = Unpacker()
    out = unpacked(unpacker, cut(data[:length], sizes))
    if packing.packing_of(data[:length]) is not None:
        assert TEXT.startswith(out)
        assert "is cut off" in (unpacker.problem or "")


@pytest.mark.parametrize("name", PACKED)
def test_what_is_damaged_is_said_and_what_came_before_counts(name):
    whole = PACK[name](TEXT)
    unpacker = Unpacker()
    assert unpacked(unpacker, [whole, whole[:12] + b"\xff" * 60]).startswith(TEXT)
    assert unpacker.problem is not None


@pytest.mark.parametrize("name", PACKED)
def test_zeros_and_another_packing_may_follow_and_other_bytes_are_told(name):
    unpacker = Unpacker()
    data = PACK[name](b"one") + b"\0" * 512 + gzip.compress(b"two")
    assert (unpacked(unpacker, [data]), unpacker.problem) == (b"onetwo", None)
    unpacker = Unpacker()
    assert unpacked(unpacker, [PACK[name](b"one") + b"and text"]) == b"one"
    assert "left out" in (unpacker.problem or "")


@pytest.mark.parametrize("name", PACKED)
def test_a_bomb_comes_out_in_small_pieces(name):
    size = 200 << 20
    packer = {
        "gzip": lambda: zlib.compressobj(wbits=31),
        "xz": lzma.LZMACompressor,
        "bzip2": lambda: bz2.BZ2Compressor(1),
        "zstandard": lambda: zstd.ZstdCompressor(),
    }[name]()
    block = bytes(1 << 20)
    bomb = b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()
    tracemalloc.start()
    try:
        unpacker, total, largest = Unpacker(), 0, 0
        for piece in unpacker.feed(bomb):
            total, largest = total + len(piece), max(largest, len(piece))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (total, largest <= PIECE, unpacker.problem) == (size, True, None)
    assert peak < 16 << 20


def tar(data: bytes) -> bytes:
    file, entry = io.BytesIO(), tarfile.TarInfo("openclaw.log")
    entry.size = len(data)
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(entry, io.BytesIO(data))
    return file.getvalue()


@pytest.mark.parametrize("name", sorted(PACK))
def test_a_tar_archive_packed_or_not_is_named_and_nothing_of_it_is_read(name):
    with pytest.raises(CannotUnpackError, match="a tar archive: unpack it first"):
        unpacked(Unpacker(), [PACK[name](tar(TEXT))])


@pytest.mark.parametrize("inner", PACKED)
@pytest.mark.parametrize("outer", PACKED)
def test_what_is_packed_twice_is_named_by_the_inner_packing(outer, inner):
    with pytest.raises(CannotUnpackError, match=f"packed with {inner}: unpack it first"):
        unpacked(Unpacker(), [PACK[outer](PACK[inner](TEXT))])


@pytest.mark.parametrize(
    ("head", "words"),
    [(b"PK\x03\x04rest", "zip"), (b"7z\xbc\xaf\x27\x1c0", "7z"), (b"\x1f\x9d\x90", "compress")],
)
def test_an_archive_is_named(head, words):
    with pytest.raises(CannotUnpackError, match=words):
        unpacked(Unpacker(), [head])


def test_without_a_library_for_zstandard_the_sentence_names_the_extra(monkeypatch):
    monkeypatch.setattr(packing, "_zstd_module", lambda: None)
    with pytest.raises(CannotUnpackError, match=r"lockdeck\[zstd\]"):
        unpacked(Unpacker(), [b"\x28\xb5\x2f\xfd" + TEXT])
