"""What kind of file system a path lives on, against real mounts in a mount namespace of our own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.system.volumes import (
    Mount,
    Mounts,
    Volume,
    kind_of,
    may_be_shared,
    parse_mounts,
    read_mounts,
    volume_of,
)
from tests.folders import REPOSITORY

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/mountinfo"), reason="needs Linux's mount table"
)

TABLE = rb"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 25 0:27 / /dev/shm rw,relatime shared:4 master:2 - tmpfs tmpfs rw
40 27 0:40 / /mnt/with\040blank\011tab\134slash rw - nfs4 server:/x rw
41 27 0:41 / /srv rw - ext4 /dev/vdb rw
42 41 0:42 / /srv rw - virtiofs host rw
43 27 0:43 / /home/me/remote rw - fuse.sshfs me@there: rw
44 27 0:44 / /mnt/stick rw - fuseblk /dev/sdb1 rw
45 27 0:45 / /mnt/odd rw - neverheard none rw
"""


def test_the_longest_mount_point_wins():
    mounts = parse_mounts(TABLE)
    assert mounts.volume_at("/dev/shm/x", None).fs_type == "tmpfs"
    assert mounts.volume_at("/dev/shmx", None).mount_point == "/"
    assert mounts.volume_at("/", None) == Volume("local", "ext4", "/", own_root=False)


def test_of_two_mounts_on_one_place_the_later_is_seen():
    assert parse_mounts(TABLE).volume_at("/srv/state", None).fs_type == "virtiofs"


def test_the_device_number_decides_before_the_order():
    assert parse_mounts(TABLE).volume_at("/srv/state", os.makedev(0, 41)).fs_type == "ext4"
    assert parse_mounts(TABLE).volume_at("/srv/state", os.makedev(254, 0)).mount_point == "/"


def test_a_device_that_the_table_does_not_know_falls_back_to_the_path():
    assert parse_mounts(TABLE).volume_at("/srv/state", os.makedev(9, 9)).fs_type == "virtiofs"


def test_octal_escapes_are_undone():
    volume = parse_mounts(TABLE).volume_at("/mnt/with blank\ttab\\slash/file", None)
    assert (volume.kind, volume.fs_type) == ("network", "nfs4")


@pytest.mark.parametrize(
    ("fs_type", "kind"),
    [
        ("ext4", "local"), ("xfs", "local"), ("btrfs", "local"), ("tmpfs", "local"), ("overlay", "local"),
        ("zfs", "local"), ("apfs", "local"), ("fuseblk", "local"),
        ("nfs", "network"), ("nfs4", "network"), ("cifs", "network"), ("smb3", "network"), ("9p", "network"),
        ("virtiofs", "network"), ("fuse.sshfs", "network"), ("fuse.anything", "network"), ("fuse", "network"),
        ("prl_fs", "network"), ("vboxsf", "network"), ("ceph", "network"), ("drvfs", "network"),
        ("proc", "unknown"), ("autofs", "unknown"), ("", "unknown"), ("EXT4", "unknown"), ("neverheard", "unknown"),
    ],
)  # fmt: skip
def test_kinds(fs_type, kind):
    assert kind_of(fs_type) == kind


def test_a_path_that_no_mount_covers_is_unknown():
    assert Mounts(()).volume_of("/") == Volume("unknown", "", "", own_root=False)


@pytest.mark.parametrize("path", ["a\0b", "/" + "x" * 5000, "/" + "y/" * 3000, "/\udcff"])
def test_an_impossible_path_does_not_crash(path):
    assert read_mounts().volume_of(path).kind in {"local", "network", "unknown"}


def test_only_the_own_overlay_root_is_certainly_not_shared():
    container = parse_mounts(
        b"1 0 0:50 / / rw - overlay overlay rw\n2 1 8:1 /x /data rw - ext4 d rw\n3 1 0:51 / /o rw - overlay o rw"
    )
    assert not may_be_shared(container.volume_at("/home/node", None))
    assert may_be_shared(container.volume_at("/data/state", None))
    assert may_be_shared(container.volume_at("/o/state", None))
    assert may_be_shared(parse_mounts(TABLE).volume_at("/home", None))


def test_a_hostile_fuse_subtype_cannot_reach_the_terminal():
    volume = parse_mounts(b"1 0 0:50 / / rw - fuse.\x1b[2J x rw").volume_at("/", None)
    assert volume.kind == "network"
    assert "\x1b" not in volume.fs_type


@given(st.binary(max_size=400))
def test_any_bytes_parse_without_a_crash(raw):
    assert isinstance(parse_mounts(raw), Mounts)


@given(st.lists(st.sampled_from(TABLE.split(b"\n")[1:-1]), max_size=6), st.binary(max_size=30))
def test_a_damaged_line_takes_no_other_line_with_it(lines, junk):
    junk = junk.replace(b" - ", b"").replace(b"\n", b"")
    assert parse_mounts(b"\n".join([*lines, junk])) == parse_mounts(b"\n".join(lines))


POINTS = st.lists(st.sampled_from(["a", "b", "a b", "c\\040", "\t"]), max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)


@given(st.lists(POINTS, max_size=6), POINTS)
def test_the_volume_found_always_covers_the_path(points, path):
    mounts = Mounts(tuple(Mount(None, point, "ext4") for point in points))
    found = mounts.volume_at(path, None)
    covering = [point for point in points if point == "/" or (path + "/").startswith(point + "/")]
    assert found.mount_point == max(covering, key=len, default="")


def test_this_machines_table_agrees_with_df(tmp_path):
    for path in (str(tmp_path), "/proc", "/dev/shm"):
        said = subprocess.run(
            ["df", "--output=fstype,target", path], capture_output=True, text=True, check=True
        ).stdout.splitlines()[1].split(None, 1)  # fmt: skip
        volume = volume_of(path)
        assert [volume.fs_type, volume.mount_point] == said


REAL_MOUNTS = """
import json, os, sys
from lockdeck.backend.system.volumes import read_mounts
mounts = read_mounts()
print(json.dumps([[v.kind, v.fs_type, v.mount_point] for v in map(mounts.volume_of, sys.argv[1:])]))
"""


def test_real_mounts_with_blanks_stacks_binds_and_links(tmp_path):
    odd, plain = tmp_path / "with blank", tmp_path / "plain"
    for folder in (odd, plain, odd / "under"):
        folder.mkdir()
    (tmp_path / "link").symlink_to(odd)
    script = (
        'mount -t tmpfs one "$1" && mount -t ramfs two "$1" && mount --bind "$1" "$2" && shift 2 && exec "$@"'
    )
    asked = [f"{odd}/missing/deeper", f"{plain}/x", f"{tmp_path}/link/y", str(tmp_path)]
    python = [sys.executable, "-c", REAL_MOUNTS, *asked]
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", str(odd), str(plain), *python],
        capture_output=True, text=True, check=False, cwd=REPOSITORY,
    )  # fmt: skip
    if ran.stderr.startswith(("unshare:", "mount:")):
        pytest.skip(f"mounting is not permitted here: {ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stderr
    above = volume_of(str(tmp_path))
    assert json.loads(ran.stdout) == [
        ["local", "ramfs", str(odd)],
        ["local", "ramfs", str(plain)],
        ["local", "ramfs", str(odd)],
        [above.kind, above.fs_type, above.mount_point],
    ]


def test_a_drive_that_others_serve_is_known_from_what_is_mounted_below(tmp_path):
    place = os.path.realpath(tmp_path)
    home, away = Mount(None, place, "ext4"), Mount(None, f"{place}/agents/main/sessions", "fuse.sshfs")
    assert Mounts((home, away)).reach_others(f"{place}/agents")
    assert not Mounts((home, away)).reach_others(f"{place}/sandbox")
    assert Mounts((Mount(None, place, "nfs4"),)).reach_others(f"{place}/agents")
