"""The rule of ownership on the disk: owners, modes, groups, sticky directories, links and ACLs."""

from __future__ import annotations

import os
import struct
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockdeck.backend.system import accounts, ownership
from lockdeck.backend.system.ownership import ownership_at, ownership_of
from lockdeck.backend.system.volumes import Volume
from tests.secondowner import UID, give_away, needs_root


@pytest.fixture(autouse=True)
def no_answers_of_before(monkeypatch):
    monkeypatch.setattr(accounts, "_answers", {})


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "home" / ".openclaw"
    path.mkdir(parents=True)
    for directory in (path, path.parent):
        directory.chmod(0o755)
    return path


def owned(path, *vouched):
    return ownership_of(str(path), frozenset(vouched))


def test_our_own_directory_is_ours(root):
    assert owned(root).ours
    assert owned(root).uid == os.geteuid()


def test_what_does_not_stand_belongs_to_whoever_owns_what_is_above_it(root):
    assert owned(root / "openclaw.json").ours
    root.chmod(0o777)
    assert not owned(root / "openclaw.json").ours


@pytest.mark.parametrize("mode", [0o757, 0o702, 0o1777])
def test_a_place_that_everybody_may_write_is_not_ours(root, mode):
    root.chmod(mode)
    found = owned(root)
    assert not found.ours
    assert str(root) in found.fault
    assert "chmod go-w" in found.ways_out[0]


def test_an_ancestor_that_everybody_may_write_makes_all_below_not_ours_unless_it_is_sticky(root):
    root.parent.chmod(0o777)
    assert not owned(root).ours
    root.parent.chmod(0o1777)
    assert owned(root).ours


def test_group_write_of_the_owners_own_group_is_ours_and_of_a_shared_group_is_not(root, monkeypatch):
    root.chmod(0o775)
    monkeypatch.setattr(ownership, "is_private_group", lambda uid, gid: True)
    assert owned(root).ours
    monkeypatch.setattr(ownership, "is_private_group", lambda uid, gid: False)
    assert not owned(root).ours


@needs_root
def test_a_root_of_another_owner_is_not_ours_and_the_sentence_names_them_and_the_way_out(root):
    give_away(root)
    found = owned(root)
    assert found.uid == UID
    assert not found.ours
    assert f"belongs to uid {UID}" in found.fault
    assert f"sudo -u '#{UID}' lockdeck status {root}" in found.ways_out[0]
    assert found.ways_out[-3:] == ("[[roots]]", f'path = "{root}"', f'trusted_owner = "{UID}"')


@needs_root
def test_an_ancestor_of_another_owner_makes_all_below_not_ours(root):
    os.chown(root.parent, UID, UID)
    assert owned(root).uid == UID


@needs_root
def test_what_the_user_vouches_for_is_ours_unless_others_may_write_it(root):
    give_away(root)
    assert owned(root, UID).ours
    assert owned(root, UID).vouched
    root.chmod(0o777)
    assert not owned(root, UID).ours


def test_a_link_leads_to_what_is_ours_by_the_same_rule(root, tmp_path):
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles" / "openclaw.json").write_text("{}")
    (root / "openclaw.json").symlink_to("../../dotfiles/openclaw.json")
    assert owned(root / "openclaw.json").ours
    (tmp_path / "dotfiles").chmod(0o777)
    assert not owned(root / "openclaw.json").ours


@needs_root
@pytest.mark.parametrize("part", ["link", "target", "directory of the target"])
def test_a_link_is_not_ours_when_it_or_what_it_leads_to_or_its_directory_is_anothers(root, tmp_path, part):
    directory = tmp_path / "elsewhere"
    directory.mkdir()
    target, link = directory / "openclaw.json", root / "openclaw.json"
    target.write_text("{}")
    link.symlink_to(target)
    os.chown(
        {"link": link, "target": target, "directory of the target": directory}[part],
        UID,
        UID,
        follow_symlinks=False,
    )
    assert owned(link).uid == UID


def test_links_in_a_circle_are_not_ours(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "too many links" in owned(tmp_path / "a").fault


def test_two_dots_behind_a_link_are_above_what_it_leads_to(root, tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "open" / "inner").mkdir()
    (root / "link").symlink_to(tmp_path / "open" / "inner")
    assert not owned(f"{root}/link/../openclaw.json").ours


def test_a_current_directory_that_is_gone_makes_nothing_raise(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    ownership_of("openclaw.json")
    assert owned(tmp_path).ours


@needs_root
def test_what_is_open_is_judged_by_its_own_owner_and_mode(root):
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert ownership_at(descriptor, str(root)).ours
        os.chown(root, UID, UID)
        assert ownership_at(descriptor, str(root)).uid == UID
    finally:
        os.close(descriptor)


@needs_root
@pytest.mark.parametrize("named", ["a user", "a group", "nobody"])
def test_an_acl_that_lets_another_write_makes_the_place_not_ours(root, named, monkeypatch):
    root.chmod(0o770)
    entry = {"a user": (2, 7, UID), "a group": (8, 7, UID), "nobody": (2, 5, UID)}[named]
    rows = sorted([(1, 7, 2**32 - 1), (4, 5, 2**32 - 1), entry, (16, 7, 2**32 - 1), (32, 0, 2**32 - 1)])
    raw = (2).to_bytes(4, "little") + b"".join(struct.pack("<HHI", *row) for row in rows)
    try:
        os.setxattr(root, "system.posix_acl_access", raw)
    except OSError:
        pytest.skip("this file system has no ACLs")
    monkeypatch.setattr(ownership, "is_private_group", lambda uid, gid: gid != UID)
    assert root.stat().st_mode & 0o020
    assert owned(root).ours == (named == "nobody")


@pytest.mark.parametrize("fs_type", ["drvfs", "vfat", "9p", "fuse.sshfs"])
def test_a_drive_without_modes_is_named_and_the_user_may_vouch(root, monkeypatch, fs_type):
    root.chmod(0o777)
    monkeypatch.setattr(ownership, "volume_of", lambda _: Volume("network", fs_type, "/", own_root=False))
    assert f"({fs_type}) keeps no modes" in owned(root).fault
    assert owned(root).ways_out[-3] == "[[roots]]"
    assert owned(root, os.geteuid()).ours


@needs_root
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, UID, UID + 1]), st.booleans(), st.integers(0, 0o1777)),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
def test_a_path_is_ours_exactly_when_every_part_is_and_only_sticky_parts_above_are_open(
    tmp_path_factory, monkeypatch, parts, vouch
):
    monkeypatch.setattr(accounts, "NSSWITCH", "/nonexistent")
    path = tmp_path_factory.mktemp("path")
    expected, vouched = True, {UID} if vouch else set()
    for number, (uid, own_group, mode) in enumerate(parts):
        path = path / "d"
        path.mkdir()
        os.chown(path, uid, uid if own_group else UID + 2)
        path.chmod(mode)
        is_open = mode & 0o002 or (mode & 0o020 and not own_group)
        sticky_above = mode & 0o1000 and number < len(parts) - 1
        expected &= uid in {0, *vouched} and (not is_open or bool(sticky_above))
    assert owned(path, *vouched).ours == expected


def test_an_account_database_that_does_not_answer_leaves_the_group_unknown_and_is_waited_for_once(
    root, monkeypatch
):
    over, asked = threading.Event(), []

    def ask(uid):
        asked.append(uid)
        over.wait()
        raise KeyError(uid)

    monkeypatch.setattr(accounts, "LOOKUP_S", 0.01)
    monkeypatch.setattr(accounts.pwd, "getpwuid", ask)
    root.chmod(0o775)
    assert [owned(root).ours for _ in range(3)] == [False, False, False]
    assert len(asked) == 2  # once for the group, once for the name
    over.set()


def account(name, uid, gid):
    return accounts.pwd.struct_passwd((name, "x", uid, gid, "", "/", "/bin/sh"))


def group(name, gid, *members):
    return accounts.grp.struct_group((name, "x", gid, list(members)))


@pytest.mark.parametrize(
    ("gid", "entry", "passwd", "sources", "private"),
    [
        (1000, group("claw", 1000), "claw:x:1000:1000", "files systemd", True),
        (1000, group("claw", 1000, "claw", "root"), "claw:x:1000:1000", "files", True),
        (1000, group("claw", 1000, "eve"), "claw:x:1000:1000", "files", False),
        (1000, group("claw", 1000), "claw:x:1000:1000\neve:x:1001:1000", "files", False),
        (1000, group("users", 1000), "claw:x:1000:1000", "files [NOTFOUND=return]", True),
        (1000, group("users", 1000), "claw:x:1000:1000", "files sss", False),
        (1000, group("claw", 1000), "", "sss", True),
        (100, group("staff", 100), "claw:x:1000:1000", "files", True),
        (100, group("staff", 100, "eve"), "claw:x:1000:1000", "files", False),
        (100, group("staff", 100), "claw:x:1000:1000\neve:x:1001:100", "files", False),
        (100, group("staff", 100), "claw:x:1000:1000", "files ldap", False),
        (100, None, "claw:x:1000:1000", "files", False),
        (65534, group("nogroup", 65534), "claw:x:1000:1000", "files", False),
    ],
)
def test_a_group_is_private_when_it_provably_has_no_member_but_the_owner(
    tmp_path, monkeypatch, gid, entry, passwd, sources, private
):
    lists(tmp_path, monkeypatch, passwd, sources)
    monkeypatch.setattr(accounts.pwd, "getpwuid", lambda uid: account("claw", uid, 1000))
    monkeypatch.setattr(accounts.grp, "getgrgid", lambda gid: {gid: entry}[gid] if entry else {}[gid])
    assert accounts.is_private_group(1000, gid) == private


@pytest.mark.parametrize(
    ("gid", "entry", "passwd", "sources", "private"),
    [
        (UID, None, "root:x:0:0", "files", True),
        (UID, group("claw", UID), "root:x:0:0", "files", True),
        (UID, group("claw", UID, "eve"), "root:x:0:0", "files", False),
        (UID, None, f"eve:x:1001:{UID}", "files", False),
        (UID, None, "root:x:0:0", "files sss", False),
        (UID + 1, None, "root:x:0:0", "files", False),
    ],
)
def test_an_account_without_an_entry_has_the_group_of_its_number_for_itself(
    tmp_path, monkeypatch, gid, entry, passwd, sources, private
):
    lists(tmp_path, monkeypatch, passwd, sources)
    monkeypatch.setattr(accounts.pwd, "getpwuid", {}.__getitem__)
    monkeypatch.setattr(accounts.grp, "getgrgid", {gid: entry}.__getitem__ if entry else {}.__getitem__)
    assert accounts.is_private_group(UID, gid) == private


def lists(tmp_path, monkeypatch, passwd, sources):
    """Let these be the accounts of the machine, and where it looks for more."""
    (tmp_path / "passwd").write_text(passwd)
    (tmp_path / "nsswitch").write_text(f"passwd: {sources}\ngroup: {sources} # local\n")
    monkeypatch.setattr(accounts, "PASSWD", str(tmp_path / "passwd"))
    monkeypatch.setattr(accounts, "NSSWITCH", str(tmp_path / "nsswitch"))
    monkeypatch.setattr(accounts, "LINUX", True)


@pytest.mark.parametrize(("word", "uid"), [("4242", 4242), ("root", 0), ("nobody-has-this-name", None)])
def test_an_account_is_named_by_its_name_or_its_number(word, uid):
    assert accounts.uid_of(word) == uid
