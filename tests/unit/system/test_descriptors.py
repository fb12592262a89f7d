"""Who has a file open, against real processes that hold real files."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from lockdeck.backend.system import descriptors
from lockdeck.backend.system.descriptors import (
    Denied,
    DescriptorScan,
    open_for_writing,
    scan_all,
    scan_pids,
)
from lockdeck.backend.system.exchange import exchange
from lockdeck.backend.system.processes import look
from lockdeck.backend.system.procfs import LINUX
from lockdeck.backend.system.text import safe
from tests.folders import REPOSITORY

pytestmark = pytest.mark.skipif(not LINUX, reason="descriptors can be read on Linux only")
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")

WAIT = "print('ready', flush=True)\nimport sys\nsys.stdin.read()\n"
HOLD = "import sys\nheld = [open(path, 'w') for path in sys.argv[1:]]\n" + WAIT
READ = "import sys\nheld = [open(path) for path in sys.argv[1:]]\n" + WAIT


@contextmanager
def child(code, *args, wrapper=(), **options):
    """Run a real child until the block ends; it says it is ready by one line."""
    command = [*wrapper, sys.executable, "-c", code, *map(str, args)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
    try:
        line = process.stdout.readline()
        if wrapper and not line:
            pytest.skip(f"{wrapper[0]} is not permitted here")
        assert line, "the child did not start"
        process.said = line.strip()
        yield process
    finally:
        process.kill()
        process.communicate()


def inode(path):
    found = os.stat(path)
    return found.st_dev, found.st_ino


@pytest.fixture(params=["disk", "shm"])
def lock(request, tmp_path):
    if request.param == "disk":
        yield tmp_path / "s.jsonl.lock"
        return
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("/dev/shm is not writable here")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder) / "s.jsonl.lock"


def test_the_holder_is_found_with_its_identity(lock):
    with child(HOLD, lock) as process:
        scan = scan_all([inode(lock)])
        (opener,) = scan.openers[inode(lock)]
        identity = look(process.pid).identity
        assert (opener.pid, opener.start_ticks, opener.uid) == (
            process.pid,
            identity.start_ticks,
            os.getuid(),
        )
        assert (opener.name, opener.inode) == (identity.name, inode(lock))
        assert (opener.deleted, opener.writable) == (False, True)
        assert os.readlink(f"/proc/{process.pid}/fd/{opener.fd}") == str(lock)
        assert scan.supported
        assert scan.total == scan.inspected + len(scan.denied)
    assert scan_all([inode(lock)]).openers == {}


def test_a_reader_is_found_and_told_from_a_writer(lock):
    lock.write_text("{}")
    with child(READ, lock) as process:
        (opener,) = scan_all([inode(lock)]).openers[inode(lock)]
        assert (opener.pid, opener.writable) == (process.pid, False)


def test_our_own_descriptor_is_found_too(lock):
    with open(lock, "w"):
        assert [one.pid for one in scan_all([inode(lock)]).openers[inode(lock)]] == [os.getpid()]


def test_every_holder_of_every_wanted_inode_is_found(tmp_path):
    one, two, three = (tmp_path / f"{name}.lock" for name in "abc")
    with child(HOLD, one, two) as first, child(HOLD, two, three) as second:
        scan = scan_all([inode(one), inode(two)])
        assert set(scan.openers) == {inode(one), inode(two)}
        assert [opener.pid for opener in scan.openers[inode(one)]] == [first.pid]
        assert sorted(opener.pid for opener in scan.openers[inode(two)]) == sorted([first.pid, second.pid])


def test_a_holder_is_found_under_any_name(tmp_path):
    lock, link, decoy = tmp_path / "a.lock", tmp_path / "hard-link", tmp_path / ".decoy"
    with child(HOLD, lock):
        held = inode(lock)
        os.link(lock, link)
        decoy.write_text("")
        folder = os.open(tmp_path, os.O_RDONLY)
        try:
            exchange(folder, "a.lock", folder, ".decoy")
        finally:
            os.close(folder)
        assert inode(decoy) == held != inode(lock)
        assert list(scan_all([held, inode(lock)]).openers) == [held]


def test_a_new_file_at_the_same_path_is_not_held(lock):
    with child(HOLD, lock) as process:
        held = inode(lock)
        lock.unlink()
        lock.write_text("new")
        scan = scan_all([inode(lock), held])
        assert list(scan.openers) == [held]
        assert scan.openers[held][0].deleted
        assert [(one.pid, one.inode) for one in scan.deleted[str(lock)]] == [(process.pid, held)]


def test_a_removed_but_open_lock_is_reported_without_being_wanted(lock):
    other = lock.with_name("s.jsonl")
    with child(HOLD, lock, other) as process:
        held = inode(lock)
        lock.unlink()
        other.unlink()
        for scan in (scan_all(()), scan_pids([process.pid], ())):
            (opener,) = scan.deleted[str(lock)]
            assert (opener.pid, opener.inode, opener.deleted) == (process.pid, held, True)
            assert str(other) not in scan.deleted


def test_a_living_file_that_is_called_deleted_is_not_deleted(tmp_path):
    lock = tmp_path / "s.jsonl.lock (deleted)"
    with child(HOLD, lock):
        scan = scan_all([inode(lock)])
        assert not scan.openers[inode(lock)][0].deleted
        assert str(tmp_path / "s.jsonl.lock") not in scan.deleted


def test_a_path_that_is_not_utf8_is_kept_as_it_is(tmp_path):
    lock = os.path.join(tmp_path, os.fsdecode(b"\xff\n.lock"))
    with open(lock, "w"):
        os.unlink(lock)
        assert lock in scan_pids([os.getpid()], ()).deleted


def test_only_the_given_pids_are_looked_at(lock):
    with child(HOLD, lock) as holder, child(WAIT) as other:
        assert scan_pids([other.pid], [inode(lock)]).openers == {}
        scan = scan_pids([other.pid, holder.pid], [inode(lock)])
        assert [one.pid for one in scan.openers[inode(lock)]] == [holder.pid]
        assert (scan.inspected, scan.total, scan.denied) == (2, 2, ())


def test_a_process_that_is_gone_is_neither_inspected_nor_denied():
    scan = scan_pids([2**22 - 1, 2**31 - 1, -5], ())
    assert (scan.inspected, scan.total, scan.denied, scan.supported) == (0, 0, (), True)


def test_a_zombie_has_nothing_open_and_counts_as_inspected(lock):
    with child(HOLD + "raise SystemExit", lock) as process:
        process.stdin.close()
        process.stdin = None
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        scan = scan_pids([process.pid], [inode(lock)])
        assert (scan.inspected, scan.denied, scan.openers) == (1, (), {})


LEADER_ENDS = """
import ctypes, platform, sys, threading
held = open(sys.argv[1], "w")
def stay():
    leader = threading.main_thread().native_id
    while not any(line.split() == ["State:", "Z", "(zombie)"] for line in open(f"/proc/{leader}/status")):
        pass
    print("ready", flush=True)
    sys.stdin.read()
threading.Thread(target=stay).start()
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
"""


def test_a_dead_main_thread_hides_what_its_other_threads_hold(lock):
    with child(LEADER_ENDS, lock) as process:
        scan = scan_pids([process.pid], [inode(lock)])
        assert scan.inspected == 0
        assert [one.pid for one in scan.hides(os.getuid())] == [process.pid]


SCAN_AS_NOBODY = """
import json, os, sys
from lockdeck.backend.system.descriptors import scan_all, scan_pids
uid = int(sys.argv[1])
os.setgroups([]); os.setgid(uid); os.setuid(uid)
pids = [int(word) for word in sys.argv[4:]]
scan = scan_pids(pids, [(int(sys.argv[2]), int(sys.argv[3]))]) if pids else scan_all(())
print(json.dumps({"inspected": scan.inspected, "total": scan.total, "openers": len(scan.openers),
    "denied": [[one.pid, one.uid] for one in scan.denied], "supported": scan.supported,
    "root": [one.pid for one in scan.hides(0)], "me": [one.pid for one in scan.hides(uid)]}), flush=True)
"""


def scan_as(uid, lock, *pids):
    words = [uid, *inode(lock), *pids]
    ran = subprocess.run(
        [sys.executable, "-c", SCAN_AS_NOBODY, *map(str, words)],
        capture_output=True, text=True, check=True, cwd=REPOSITORY,
    )  # fmt: skip
    return json.loads(ran.stdout)


@ROOT_ONLY
def test_another_users_descriptors_are_denied_not_absent(lock):
    with child(HOLD, lock) as process:
        seen = scan_as(65534, lock, process.pid)
        assert (seen["inspected"], seen["total"], seen["openers"]) == (0, 1, 0)
        assert seen["denied"] == [[process.pid, 0]]
        assert (seen["root"], seen["me"]) == ([process.pid], [])


@ROOT_ONLY
def test_the_same_users_descriptors_can_be_read(lock):
    with open(lock, "w") as held:
        become = "import ctypes, os\nos.setgroups([]); os.setgid(65534); os.setuid(65534)\nctypes.CDLL(None).prctl(4, 1)\n"
        with child(become + WAIT, pass_fds=[held.fileno()]) as process:
            seen = scan_as(65534, lock, process.pid)
            assert (seen["inspected"], seen["openers"], seen["denied"]) == (1, 1, [])


@ROOT_ONLY
def test_a_process_of_the_same_user_that_may_not_be_dumped_hides_what_it_holds(lock):
    undumpable = "import ctypes, os, sys\nheld = open(sys.argv[1], 'w')\nos.setgroups([]); os.setgid(65534)\n"
    undumpable += "os.setuid(65534); ctypes.CDLL(None).prctl(4, 0)\n"
    with child(undumpable + WAIT, lock) as process:
        seen = scan_as(65534, lock, process.pid)
        assert seen["denied"] == [[process.pid, 65534]]
        assert seen["me"] == [process.pid]


@ROOT_ONLY
def test_a_zombie_of_the_same_user_hides_nothing_though_its_list_is_roots(lock):
    lock.write_text("")
    with child("import os; os.setuid(65534); print('ready', flush=True)") as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        seen = scan_as(65534, lock, process.pid)
        assert (seen["inspected"], seen["denied"]) == (1, [])


@ROOT_ONLY
def test_kernel_threads_hide_nothing(lock):
    if Path("/proc/2/comm").read_text().strip() != "kthreadd":
        pytest.skip("no kernel threads are visible here")
    lock.write_text("")
    assert scan_as(65534, lock, 2)["denied"] == []


@ROOT_ONLY
@pytest.mark.parametrize("mode", ["noaccess", "invisible"])
def test_a_proc_that_hides_processes_hides_everything(mode):
    script = f'mount -t proc -o hidepid={mode} proc /proc && "$@"; exit $?'
    command = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", script, "sh"]
    ran = subprocess.run(
        [*command, sys.executable, "-c", SCAN_AS_NOBODY, "65534", "0", "0"],
        capture_output=True, text=True, check=False, cwd=REPOSITORY,
    )  # fmt: skip
    if ran.stderr.startswith(("unshare:", "mount:")):
        pytest.skip(f"not permitted here: {ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert seen["inspected"] == 1
    assert seen["me"]
    assert seen["total"] == seen["inspected"] + len(seen["denied"])


def test_a_holder_in_an_inner_pid_namespace_is_found_from_outside(lock):
    inner = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    with child(HOLD, lock, wrapper=inner) as process:
        (opener,) = scan_all([inode(lock)]).openers[inode(lock)]
        assert opener.pid != process.pid
        assert os.readlink(f"/proc/{opener.pid}/ns/pid") != os.readlink("/proc/self/ns/pid")


def test_a_holder_in_another_mount_namespace_is_found_by_inode(tmp_path):
    real, elsewhere = tmp_path / "real", tmp_path / "elsewhere"
    real.mkdir()
    elsewhere.mkdir()
    script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    wrapper = ("unshare", "--mount", "sh", "-c", script, "sh", str(real), str(elsewhere))
    with child(HOLD, elsewhere / "s.lock", wrapper=wrapper) as process:
        (opener,) = scan_all([inode(real / "s.lock")]).openers[inode(real / "s.lock")]
        assert opener.pid == process.pid


SCAN_FROM_INSIDE = """
from lockdeck.backend.system.descriptors import scan_all, scan_pids
print(scan_all(()).supported, scan_pids([1], ()).supported, scan_all(()).hides(0), flush=True)
"""


def test_with_a_proc_of_another_namespace_nothing_is_known():
    with child(
        SCAN_FROM_INSIDE + WAIT, wrapper=("unshare", "--pid", "--fork", "--kill-child"), cwd=REPOSITORY
    ) as process:
        assert process.said == "False False ()"


def test_a_process_born_during_the_pass_is_looked_at_too(lock, monkeypatch):
    with child(HOLD, lock) as holder:
        listings = [[1, os.getpid()], [1, holder.pid, os.getpid()], [1, holder.pid, os.getpid()]]
        monkeypatch.setattr(descriptors, "visible_pids", lambda: listings.pop(0))
        scan = scan_all([inode(lock)])
        assert [one.pid for one in scan.openers[inode(lock)]] == [holder.pid]
        assert scan.total == 3
        assert listings == []


def test_a_descriptor_that_cannot_be_looked_through_makes_the_process_denied(lock, monkeypatch):
    real_stat = os.stat

    def stat(path, **options):
        if "dir_fd" in options:
            raise OSError(107, "Transport endpoint is not connected")
        return real_stat(path, **options)

    with child(HOLD, lock) as process:
        wanted = inode(lock)
        monkeypatch.setattr(descriptors.os, "stat", stat)
        scan = scan_pids([process.pid], [wanted])
        monkeypatch.undo()
    assert (scan.inspected, [one.pid for one in scan.denied]) == (0, [process.pid])


def test_a_scan_hides_a_file_behind_its_owners_and_unknown_processes_only():
    mine, unknown, others = Denied(1, 1000, safe("a")), Denied(2, None, safe("b")), Denied(3, 0, safe("c"))
    scan = DescriptorScan({}, {}, 0, 3, (mine, unknown, others), supported=True)
    assert scan.hides(1000) == (mine, unknown)
    assert scan.hides(0) == (unknown, others)


@contextmanager
def pinned(path):
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        yield fd
    finally:
        os.close(fd)


def test_the_kernel_knows_of_a_writer_and_of_its_end(lock):
    with child(HOLD, lock) as process, pinned(lock) as fd:
        assert open_for_writing(fd) is True
        process.stdin.close()
        process.stdin = None
        process.wait()
        assert open_for_writing(fd) is False


def test_the_kernel_knows_of_a_writer_in_another_pid_namespace(lock):
    inner = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    with child(HOLD, lock, wrapper=inner), pinned(lock) as fd:
        assert open_for_writing(fd) is True


def test_the_kernel_knows_of_a_writer_of_a_removed_file(lock):
    with child(HOLD, lock), pinned(lock) as fd:
        lock.unlink()
        assert open_for_writing(fd) is True


def test_a_reader_is_no_writer(lock):
    lock.write_text("{}")
    with child(READ, lock), pinned(lock) as fd:
        assert open_for_writing(fd) is False


def test_the_question_leaves_nothing_behind(lock):
    lock.write_text("{}")
    with pinned(lock) as fd:
        assert open_for_writing(fd) is False
        assert fcntl.fcntl(fd, fcntl.F_GETLEASE) == fcntl.F_UNLCK
        with child(HOLD, lock):
            assert open_for_writing(fd) is True


def test_what_the_kernel_does_not_say_is_unknown(tmp_path):
    with pinned(tmp_path) as fd:
        assert open_for_writing(fd) is None
    assert open_for_writing(9999) is None
    reading, writing = os.pipe()
    assert open_for_writing(reading) is None
    os.close(reading)
    os.close(writing)


ASK_AS_NOBODY = """
import os, signal, sys  # all of Python that is asked for later, while its folder may be read
from lockdeck.backend.system.descriptors import open_for_writing
fd = os.open(sys.argv[1], os.O_RDONLY)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
print(open_for_writing(fd), flush=True)
"""


@ROOT_ONLY
def test_a_file_of_another_user_is_unknown(lock):
    lock.write_text("{}")
    with child(ASK_AS_NOBODY, lock, cwd=REPOSITORY) as process:
        assert process.said == "None"
