"""The rule of ownership without a disk: whose things count as ours, and when others may change them."""

from __future__ import annotations

import struct
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.model.trust import Ownership, Trust, others_may_write

UIDS = st.integers(0, 2**32 - 2)
MODES = st.integers(0, 0o7777)
OURS = Trust(1000)


def status(mode, uid=1000, gid=1000):
    return SimpleNamespace(st_mode=mode, st_uid=uid, st_gid=gid)


def acl(*entries):
    return (2).to_bytes(4, "little") + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def private(_uid, _gid):
    return True


def shared(_uid, _gid):
    return False


@given(UIDS, UIDS, st.frozensets(UIDS, max_size=3))
def test_only_our_own_uid_roots_and_those_vouched_for_are_covered(ours, owner, vouched):
    assert Trust(ours, vouched).covers(owner) == (owner in {0, ours, *vouched})


@given(MODES, UIDS, UIDS)
def test_the_world_bit_lets_others_write_whatever_group_and_owner_are(mode, uid, gid):
    assert others_may_write(status(mode | 0o002, uid, gid), b"", OURS, private)


@given(MODES)
def test_a_group_may_write_by_its_bit_unless_it_is_private(mode):
    mode &= ~0o002
    assert others_may_write(status(mode), b"", OURS, shared) == bool(mode & 0o020)
    assert not others_may_write(status(mode), b"", OURS, private)


@given(MODES, st.lists(st.tuples(st.sampled_from([1, 2, 4, 8, 16, 32]), st.integers(0, 7), UIDS), max_size=6))
def test_an_entry_of_an_acl_lets_others_write_only_where_the_mask_in_the_group_bits_does(mode, entries):
    mode &= ~0o002
    writers = {(tag, uid) for tag, bits, uid in entries if bits & 2}
    foreign = any(tag == 2 and uid not in (0, 1000) for tag, uid in writers)
    assert others_may_write(status(mode), acl(*entries), OURS, private) == (bool(mode & 0o020) and foreign)
    group = any(tag in (4, 8) for tag, _ in writers)
    expected = bool(mode & 0o020) and (foreign or group)
    assert others_may_write(status(mode), acl(*entries), OURS, shared) == expected


@given(st.binary(max_size=40))
def test_an_acl_that_is_none_counts_as_writable_and_never_raises(raw):
    whole = len(raw) % 8 == 4 and raw[:4] == b"\2\0\0\0"
    if raw and not whole:
        assert others_may_write(status(0o770), raw, OURS, private)
    others_may_write(status(0o770), raw, OURS, private)


def test_a_place_nobody_has_looked_at_is_not_ours():
    assert not Ownership().ours
