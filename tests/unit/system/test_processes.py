"""Identity and liveness of processes, against real children of every kind."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockdeck.backend.system import namespaces, processes, procfs
from lockdeck.backend.system.clocks import boot_time
from lockdeck.backend.system.namespaces import (
    in_initial_pid_namespace,
    inner_processes,
    namespace_pids,
    pid_namespace,
)
from lockdeck.backend.system.processes import Liveness, details, is_openclaw, look, openclaw_processes
from lockdeck.backend.system.procfs import (
    parse_stat,
    read_stat,
    real_uid,
    ticks_to_epoch,
    visible_pids,
)
from lockdeck.backend.system.terminate import terminate
from tests.folders import REPOSITORY

pytestmark = pytest.mark.skipif(not procfs.LINUX, reason="written for Linux")
WAIT = "print('ready', flush=True)\nimport sys\nsys.stdin.read()\n"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")


def permitted(*wrapper):
    """Skip where the system does not let us do this."""
    if subprocess.run([*wrapper, "true"], capture_output=True).returncode:
        pytest.skip(f"{wrapper[0]} is not permitted here")


@contextmanager
def child(code=WAIT, *args, wrapper=(), **options):
    """Run a real child until the block ends; it says it is ready by one line."""
    command = [*wrapper, sys.executable, "-c", code, *args]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
    try:
        line = process.stdout.readline()
        assert line, "the child did not start"
        process.said = line.strip()
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def namespaced(code=WAIT, proc="--mount-proc"):
    """Run a child as process 1 of a new pid namespace and give its pid out here."""
    flags = ["unshare", "--pid", "--fork", "--kill-child", *([proc] if proc else [])]
    permitted(*flags)
    with child(code, wrapper=flags, cwd=REPOSITORY) as process:
        process.inner = psutil.Process(process.pid).children()[0].pid
        yield process


def await_exit(pid):
    """Wait until a child has ended, without reaping it."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_a_running_child_is_alive_with_its_identity():
    with child(WAIT, "one", "two words") as process:
        seen = look(process.pid)
        expected = psutil.Process(process.pid)
        assert (seen.pid, seen.liveness, seen.denied) == (process.pid, Liveness.ALIVE, False)
        assert seen.identity.argv == (sys.executable, "-c", processes.safe(WAIT), "one", "two words")
        assert seen.identity.uid == os.getuid()
        assert seen.identity.name == expected.name()
        assert seen.identity.started_at == pytest.approx(expected.create_time(), abs=1.5)


def test_the_start_ticks_are_field_22():
    with child() as process:
        raw = Path(f"/proc/{process.pid}/stat").read_text()
        assert look(process.pid).identity.start_ticks == int(raw.split(") ")[-1].split()[19])


def test_an_ended_child_that_nobody_reaped_is_a_zombie():
    with child("print('ready', flush=True)") as process:
        await_exit(process.pid)
        seen = look(process.pid)
        assert seen.liveness is Liveness.ZOMBIE
        assert seen.identity.start_ticks is not None
        assert details(process.pid, seen.identity.start_ticks, time.time()) is None
        process.wait()
        assert look(process.pid).liveness is Liveness.GONE


LEADER_ENDS = """
import ctypes, platform, sys, threading
def stay():
    leader = threading.main_thread().native_id
    while not any(line.split() == ["State:", "Z", "(zombie)"] for line in open(f"/proc/{leader}/status")):
        pass
    print("ready", flush=True)
    sys.stdin.read()
threading.Thread(target=stay).start()
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
"""


def test_a_dead_main_thread_with_living_threads_is_alive():
    with child(LEADER_ENDS) as process:
        assert read_stat(process.pid).state == "Z"
        assert look(process.pid).liveness is Liveness.ALIVE


@pytest.mark.parametrize("pid", [0, -1, -4711, 4194305, 2**31 - 1, 2**31, 2**63, 10**40])
def test_an_impossible_pid_is_gone(pid):
    assert look(pid) == processes.ProcessLook(pid, Liveness.GONE, None, denied=False)
    assert details(pid, 1, 0.0) is None
    assert namespace_pids(pid) == ()
    assert pid_namespace(pid) is None
    assert terminate(pid, 1) is not None


def test_a_process_that_vanishes_during_the_look_is_gone(monkeypatch):
    with child("print('ready', flush=True)") as process:
        await_exit(process.pid)
        inspect = processes._inspect

        def vanish_first(pid):
            process.wait()
            return inspect(pid)

        monkeypatch.setattr(processes, "_inspect", vanish_first)
        assert look(process.pid) == processes.ProcessLook(process.pid, Liveness.GONE, None, denied=False)


def test_a_process_that_exists_but_cannot_be_read_is_alive(monkeypatch):
    monkeypatch.setattr(processes, "_inspect", lambda pid: None)
    assert look(os.getpid()) == processes.ProcessLook(os.getpid(), Liveness.ALIVE, None, denied=False)


AS_NOBODY = """
import json, os, sys
from lockdeck.backend.system import processes, terminate
os.setgroups([]); os.setgid(65534); os.setuid(65534)
seen = processes.look(int(sys.argv[1]))
why = terminate.terminate(seen.pid, seen.identity.start_ticks)
print(json.dumps([seen.liveness, seen.denied, seen.identity.uid, why]))
"""


@ROOT_ONLY
def test_another_users_process_is_alive_and_denied_never_gone():
    with child() as process:
        ran = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(process.pid)],
            capture_output=True, text=True, check=True, cwd=REPOSITORY,
        )  # fmt: skip
        why = f"pid {process.pid} belongs to another user (EPERM)"
        assert json.loads(ran.stdout) == ["alive", True, 0, why]
        assert process.poll() is None


UNDUMPABLE = """
import ctypes, os
os.setgid(65534); os.setuid(65534)
ctypes.CDLL(None).prctl(4, 0)
"""


@ROOT_ONLY
def test_the_uid_of_a_process_that_may_not_be_dumped_is_its_own_not_root():
    with child(UNDUMPABLE + WAIT) as process:
        assert os.stat(f"/proc/{process.pid}/stat").st_uid == 0
        assert look(process.pid).identity.uid == 65534
        assert real_uid(process.pid) == 65534


def test_a_name_full_of_parentheses_does_not_shift_the_fields():
    spoof = "import ctypes; ctypes.CDLL(None).prctl(15, b') Z 1 (x) 9 9')\n"
    with child(spoof + WAIT) as process:
        seen = look(process.pid)
        assert seen.liveness is Liveness.ALIVE
        assert seen.identity.name == ") Z 1 (x) 9 9"
        assert seen.identity.started_at == pytest.approx(psutil.Process(process.pid).create_time(), abs=1.5)


def test_hostile_argv_and_name_cannot_steer_a_terminal():
    rename = "import ctypes; ctypes.CDLL(None).prctl(15, b'\\x1b[2J\\xff')\n"
    with child(rename + WAIT, "\x1b]0;x\x07", b"\xff\xfe") as process:
        identity = look(process.pid).identity
        assert identity.name == "\u241b[2J\ufffd"
        assert identity.argv[-2:] == ("\u241b]0;x\u2407", "\ufffd\ufffd")


def test_an_endless_argv_is_cut():
    with child(WAIT, *["x" * 1000] * 100) as process:
        identity = look(process.pid).identity
        assert sum(map(len, identity.argv)) < 10_000
        assert identity.argv[0] == sys.executable


@given(st.binary(max_size=300))
def test_any_bytes_parse_without_a_crash(raw):
    found = parse_stat(raw)
    assert found is None or found.start_ticks is not None


@given(st.binary(max_size=64), st.integers(0, 2**62), st.sampled_from(b"RSDZTtX"), st.integers(1, 99))
def test_the_fields_are_found_behind_any_name(name, ticks, state, threads):
    middle = [b"0"] * 16
    middle[13] = b"-5"
    fields = [bytes([state]), *middle, str(threads).encode(), b"0", str(ticks).encode(), b"9", b"9"]
    found = parse_stat(b"4711 (" + name + b") " + b" ".join(fields) + b"\n")
    assert (found.start_ticks, found.state, found.threads) == (ticks, chr(state), threads)
    assert found.ended == (chr(state) in "ZX" and threads == 1)


def test_details_tell_load_family_and_place(tmp_path):
    work = "import subprocess, sys\nkid = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1)\n"
    with child(work + WAIT + "kid.communicate()", "argument", cwd=tmp_path) as process:
        identity = look(process.pid).identity
        found = details(process.pid, identity.start_ticks, time.time())
        assert (found.pid, found.ppid, found.children, found.threads) == (process.pid, os.getpid(), 1, 1)
        assert found.argv[-1] == "argument"
        assert found.cwd == str(tmp_path)
        assert found.rss > 1 << 20
        later = details(process.pid, identity.start_ticks, time.time() + 10_000)
        assert 0 <= later.cpu_percent < 1
        process.stdin.close()
        process.stdin = None
        assert process.wait() == 0


def test_details_of_another_process_with_the_same_pid_are_refused():
    ticks = look(os.getpid()).identity.start_ticks
    assert details(os.getpid(), ticks, time.time()) is not None
    assert details(os.getpid(), ticks + 1, time.time()) is None


@pytest.mark.parametrize(
    ("argv", "openclaw"),
    [
        (["openclaw-gateway"], True),
        (["openclaw"], True),
        (["/usr/bin/openclaw", "agent"], True),
        (["openclaw gateway run /tmp/x"], True),
        (["node", "/usr/lib/node_modules/openclaw/openclaw.mjs", "gateway"], True),
        (["node", "--no-warnings", "/usr/bin/openclaw", "agent"], True),
        (["node", "a", "b", "/usr/bin/openclaw"], False),
        (["vim", "/home/me/.openclaw"], False),
        (["lockdeck", "status", "/home/me/.openclaw"], False),
        (["tail", "-f", "/tmp/openclaw/openclaw.log"], False),
        ([""], False),
        ([], False),
    ],
)
def test_what_looks_like_openclaw(argv, openclaw):
    assert is_openclaw(argv) is openclaw


def test_a_running_gateway_is_found_by_its_title(tmp_path):
    title = ["openclaw-gateway", "-c", WAIT]
    # Its own state directory: a young gateway of no known root would forbid the releases of tests beside this one.
    process = subprocess.Popen(
        title,
        executable=sys.executable,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENCLAW_STATE_DIR": str(tmp_path)},
    )
    with child() as other:
        try:
            assert process.stdout.readline()
            found = {one.pid: one for one in openclaw_processes()}
            assert found[process.pid] == look(process.pid).identity
            assert other.pid not in found
        finally:
            process.kill()
            process.communicate()


def test_our_own_namespace_is_known():
    assert pid_namespace("self") == pid_namespace(os.getpid()) == os.stat("/proc/self/ns/pid").st_ino
    assert in_initial_pid_namespace() == (os.readlink("/proc/self/ns/pid") == "pid:[4026531836]")
    assert namespace_pids(os.getpid())[-1] == os.getpid()
    assert os.getpid() in visible_pids()


def test_a_process_of_an_inner_namespace_is_found_by_its_inner_pid():
    with namespaced() as process:
        ticks = look(process.inner).identity.start_ticks
        assert namespace_pids(process.inner) == (process.inner, 1)
        assert pid_namespace(process.inner) != pid_namespace("self")
        assert namespaces.InnerProcess(process.inner, 1, ticks) in inner_processes()


def test_processes_of_our_own_namespace_are_not_taken_for_inner_ones():
    assert os.getpid() not in [one.pid for one in inner_processes()]


LOOK_FROM_INSIDE = """
import json, os
from lockdeck.backend.system import namespaces, processes, procfs
seen = processes.look(os.getpid())
print(json.dumps([namespaces.in_initial_pid_namespace(), procfs.proc_is_ours(), procfs.visible_pids(),
    seen.liveness, seen.identity and seen.identity.pid, processes.look(2**22 - 1).liveness]), flush=True)
"""


def test_inside_a_namespace_we_know_that_we_do_not_see_all():
    with namespaced(LOOK_FROM_INSIDE + WAIT) as process:
        assert json.loads(process.said) == [False, True, [1], "alive", 1, "gone"]


def test_a_proc_of_another_namespace_is_not_believed():
    with namespaced(LOOK_FROM_INSIDE + WAIT, proc=None) as process:
        assert json.loads(process.said) == [False, False, [], "alive", None, "gone"]


@ROOT_ONLY
def test_a_proc_that_shows_nothing_but_processes_still_gives_start_times():
    code = "import os; from lockdeck.backend.system import processes as p; print(p.look(os.getpid()).identity.started_at)\n"
    script = 'mount -t proc -o subset=pid proc /proc && exec "$@"'
    wrapper = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh")
    permitted(*wrapper)
    with child(code + WAIT, wrapper=wrapper, cwd=REPOSITORY) as process:
        inner = psutil.Process(process.pid).children()[0]
        assert float(process.said) == pytest.approx(inner.create_time(), abs=1.5)


def test_boot_facts_agree_with_the_system():
    assert boot_time() == pytest.approx(psutil.boot_time(), abs=1.5)
    assert ticks_to_epoch(0) == boot_time()
    assert ticks_to_epoch(os.sysconf("SC_CLK_TCK")) == boot_time() + 1


def test_terminate_reaches_exactly_the_named_process():
    with child() as process:
        assert terminate(process.pid, look(process.pid).identity.start_ticks) is None
        assert process.wait() == -signal.SIGTERM


def test_terminate_spares_a_process_that_started_at_another_time():
    with child() as process:
        ticks = look(process.pid).identity.start_ticks
        assert "is not the process that started" in terminate(process.pid, ticks - 1)
        process.stdin.close()
        process.stdin = None
        assert process.wait() == 0


def test_terminate_says_when_the_process_has_ended():
    with child("print('ready', flush=True)") as process:
        await_exit(process.pid)
        ticks = look(process.pid).identity.start_ticks
        assert "ended" in terminate(process.pid, ticks)
        process.wait()
        assert terminate(process.pid, ticks) == f"pid {process.pid} is gone (ESRCH)"


def test_terminate_of_a_thread_number_is_refused():
    release, started, numbers = threading.Event(), threading.Event(), []

    def run():
        numbers.append(threading.get_native_id())
        started.set()
        release.wait()

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    try:
        ticks = look(numbers[0]).identity.start_ticks
        assert terminate(numbers[0], ticks) is not None
    finally:
        release.set()
        thread.join()


@pytest.mark.parametrize("lack", ["library", "kernel"])
def test_without_process_handles_the_start_time_is_read_right_before_the_signal(monkeypatch, lack):
    if lack == "library":
        monkeypatch.delattr(os, "pidfd_open")
    else:
        monkeypatch.setattr(os, "pidfd_open", no_such_call)
    with child() as process:
        ticks = look(process.pid).identity.start_ticks
        assert "is not the process that started" in terminate(process.pid, ticks + 1)
        assert process.poll() is None
        assert terminate(process.pid, ticks, lambda: "not proven") == "not proven"
        assert process.poll() is None
        assert terminate(process.pid, ticks) is None
        assert process.wait() == -signal.SIGTERM


def no_such_call(_pid):
    raise OSError(errno.ENOSYS, "Function not implemented")


def test_a_process_that_takes_the_pid_between_proof_and_signal_is_not_hit(monkeypatch):
    """The handle is on the process that was there first: here it ends while it is being proven."""
    with child() as first, child() as second:
        numbers = {first.pid: first.pid}
        real = procfs.read_file
        monkeypatch.setattr(
            procfs,
            "read_file",
            lambda path, *rest: real(path.replace(str(first.pid), str(numbers[first.pid])), *rest),
        )
        ticks = look(first.pid).identity.start_ticks

        def replaced():
            first.kill()
            first.wait()
            numbers[first.pid] = second.pid

        assert terminate(first.pid, ticks, replaced) == f"pid {first.pid} is gone (ESRCH)"
        assert second.poll() is None


@ROOT_ONLY
def test_a_pid_that_the_kernel_itself_gives_to_another_is_not_hit(tmp_path):
    if not os.access("/proc/sys/kernel/ns_last_pid", os.W_OK):
        pytest.skip("the kernel does not let us choose a pid")
    with child() as first:
        ticks, successors = look(first.pid).identity.start_ticks, []

        def replaced():
            first.kill()
            first.wait()
            for _ in range(200):
                Path("/proc/sys/kernel/ns_last_pid").write_text(str(first.pid - 1))
                successors.append(subprocess.Popen(["sleep", "300"]))
                if successors[-1].pid == first.pid:
                    return

        try:
            why = terminate(first.pid, ticks, replaced)
            assert why == f"pid {first.pid} is gone (ESRCH)"
            if successors[-1].pid != first.pid:
                pytest.skip("somebody else was faster to take the pid, each time")
            assert successors[-1].poll() is None
        finally:
            for process in successors:
                process.kill()
                process.wait()


def test_what_is_found_wanting_between_handle_and_signal_stops_the_signal():
    with child() as process:
        ticks = look(process.pid).identity.start_ticks
        assert terminate(process.pid, ticks, lambda: "it let go of the lock") == "it let go of the lock"
        assert process.poll() is None


def test_psutil_answers_where_there_is_no_proc(monkeypatch):
    monkeypatch.setattr(processes, "LINUX", False)
    monkeypatch.setattr(procfs, "LINUX", False)
    with child(WAIT, "argument") as process:
        seen = look(process.pid)
        assert (seen.liveness, seen.denied) == (Liveness.ALIVE, False)
        assert seen.identity.start_ticks is None
        assert seen.identity.started_at == psutil.Process(process.pid).create_time()
        assert (seen.identity.uid, seen.identity.argv[-1]) == (os.getuid(), "argument")
        assert details(process.pid, None, time.time()).ppid == os.getpid()
        assert visible_pids() == []
        assert process.pid not in [one.pid for one in openclaw_processes()]
        process.stdin.close()
        process.stdin = None
        await_exit(process.pid)
        assert look(process.pid).liveness is Liveness.ZOMBIE


def test_the_module_does_not_load_psutil_for_a_look():
    code = "import os, sys; from lockdeck.backend.system import processes as p; p.look(os.getpid()); print('psutil' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert ran.stdout.strip() == "False"
