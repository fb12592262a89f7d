"""From real lock files and real processes to verdicts."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time

import pytest
from msgspec.structs import replace

from lockdeck.backend.model.locks import Liveness, LockKind, Presence, Proof, Verdict
from lockdeck.backend.model.needs import lock_needs_person
from lockdeck.backend.model.verdicts import judge
from lockdeck.backend.openclaw.locks import examination
from lockdeck.backend.openclaw.locks.examination import SETTLE_S, examine
from lockdeck.backend.system.procfs import LINUX
from tests.folders import REPOSITORY
from tests.unit.fleetdir import PAST, Actor, FleetDir, actor, aged, dead_pid, payload

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
INNER = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


@pytest.fixture
def fleet(tmp_path):
    return FleetDir(tmp_path)


@pytest.fixture
def lock(fleet):
    return fleet.session()


def at_once(_seconds):
    """Settle without waiting: nothing changes meanwhile."""


def judged(fleet, lock, *, settle=at_once, **options):
    """Examine one lock."""
    (view,) = examine([fleet.place(lock, **options)], time.time(), settle)
    return view


def verdict_of(fleet, lock, **options):
    return judged(fleet, lock, **options).judgement.verdict


def test_a_lock_that_is_open_is_held_by_the_process_that_has_it_open(fleet, lock):
    with actor() as holder:
        holder.take(lock)
        judgement = judged(fleet, lock).judgement
        assert judgement.verdict is Verdict.HELD
        assert (judgement.holder.pid, judgement.holder.proof) == (holder.pid, Proof.FD)
        assert judgement.holder.start_ticks == holder.ticks
        assert not judgement.releasable
        assert f"pid {holder.pid}" in judgement.reasons[0]
        assert "has the lock file open" in judgement.reasons[0]


def test_the_open_descriptor_counts_more_than_the_payload(fleet, lock):
    with actor() as holder:
        gone = dead_pid()
        holder.take(lock, payload(gone, PAST, starttime=7))
        judgement = judged(fleet, lock).judgement
        assert (judgement.verdict, judgement.holder.pid) == (Verdict.HELD, holder.pid)
        assert any(f"names pid {gone}" in reason for reason in judgement.reasons)


def test_a_lock_whose_live_owner_has_closed_it_is_leaked(fleet, lock):
    with actor() as holder:
        holder.leak(lock)
        judgement = judged(fleet, lock).judgement
        assert (judgement.verdict, judgement.releasable) == (Verdict.LEAKED, False)
        assert (judgement.holder.pid, judgement.holder.proof) == (holder.pid, Proof.PID)


def test_a_lock_whose_owner_was_reaped_is_dead_and_may_be_released(fleet, lock):
    with actor() as holder:
        holder.take(lock)
    view = judged(fleet, lock)
    assert (view.judgement.verdict, view.judgement.releasable) == (Verdict.DEAD, True)
    assert f"pid {holder.pid} is gone (ESRCH)" in view.judgement.reasons
    assert len(view.release_id) == 12


def test_a_zombie_owner_counts_as_dead(fleet, lock):
    with actor() as holder:
        holder.take(lock)
        holder.become_zombie()
        judgement = judged(fleet, lock).judgement
        assert (judgement.verdict, judgement.releasable) == (Verdict.DEAD, True)
        assert any("zombie" in reason for reason in judgement.reasons)


def test_a_live_pid_with_another_start_is_recycled(fleet, lock):
    with actor() as stranger:
        lock.write_text(payload(stranger.pid, PAST, starttime=stranger.ticks - 100))
        judgement = judged(fleet, lock).judgement
        assert (judgement.verdict, judgement.releasable) == (Verdict.RECYCLED, True)


def test_a_process_younger_than_a_lock_without_start_did_not_write_it(fleet, lock):
    with actor() as stranger:
        lock.write_text(payload(stranger.pid, time.time() - 3600))
        assert verdict_of(fleet, lock) is Verdict.RECYCLED


def test_an_old_lock_of_2026_2_9_in_an_open_file_is_held_without_a_start(fleet, lock):
    with actor() as holder:
        holder.take(lock, starttime=None)
        assert verdict_of(fleet, lock) is Verdict.HELD


@pytest.mark.parametrize("text", ["", '{"pid": 12', '{\n  "pid": 4711,\n  "createdAt": "2026-'])
def test_what_is_young_and_not_yet_written_is_being_created(fleet, lock, text):
    lock.write_text(text)
    judgement = judged(fleet, lock).judgement
    assert (judgement.verdict, judgement.releasable) == (Verdict.CREATING, False)


@pytest.mark.parametrize("text", ["", '{"pid": 12', "junk", "[1]", '{"pid": -1}', "\0" * 100])
def test_what_stays_without_a_payload_is_unreadable_and_free_only_with_a_full_search(fleet, lock, text):
    lock.write_text(text)
    view = judged(fleet, aged(lock, 60))
    assert (view.judgement.verdict, view.judgement.releasable) == (
        Verdict.UNREADABLE,
        view.evidence.scan.complete,
    )


def test_junk_that_was_just_written_is_not_released(fleet, lock):
    lock.write_text("junk")
    judgement = judged(fleet, lock).judgement
    assert (judgement.verdict, judgement.releasable) == (Verdict.UNREADABLE, False)


def test_a_half_written_lock_that_somebody_has_open_is_held_however_old(fleet, lock):
    with actor() as holder:
        aged(holder.take(lock, '{"pid": 1'), 60)
        assert verdict_of(fleet, lock) is Verdict.HELD


def make_fifo(path):
    os.mkfifo(path)


def make_link(path):
    target = path.with_name("target")
    target.write_text(payload(dead_pid(), PAST))
    path.symlink_to(target)


def make_folder(path):
    path.mkdir()


def make_huge(path):
    with open(path, "wb") as file:
        file.truncate(1 << 30)
    aged(path, 60)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("make", "word"),
    [
        (make_fifo, "pipe"),
        (make_link, "symbolic link"),
        (make_folder, "directory"),
        (make_huge, "1073741824 bytes"),
    ],
)
def test_what_is_no_small_regular_file_is_unreadable_and_never_released(fleet, lock, make, word):
    make(lock)
    judgement = judged(fleet, lock).judgement
    assert (judgement.verdict, judgement.releasable) == (Verdict.UNREADABLE, False)
    assert word in judgement.reasons[0]


def test_a_lock_deleted_under_its_live_holder_is_removed(fleet, lock):
    with actor() as holder:
        holder.take(lock)
        written = lock.stat().st_mtime
        lock.unlink()
        other = fleet.session("agent:main:other")
        holder.take(other)
        held, removed = examine([fleet.place(other)], time.time(), at_once, search=True)
        assert held.judgement.verdict is Verdict.HELD
        assert (removed.record.path, removed.judgement.verdict) == (str(lock), Verdict.REMOVED)
        assert (removed.judgement.holder.pid, removed.judgement.releasable) == (holder.pid, False)
        assert removed.record.created_at == pytest.approx(written, abs=0.01)


def test_a_removed_lock_is_found_where_no_other_lock_stands(fleet, lock):
    with actor() as holder:
        holder.take(lock)
        lock.unlink()
        folder = fleet.place(f"{lock.parent}/")
        (removed,) = examine([], time.time(), at_once, search=True, removed_from=[folder])
        assert (removed.record.path, removed.judgement.verdict) == (str(lock), Verdict.REMOVED)


def test_a_deleted_lock_elsewhere_is_not_ours(fleet, lock, tmp_path):
    with actor() as holder:
        elsewhere = holder.take(tmp_path / "x.jsonl.lock")
        elsewhere.unlink()
        assert (
            examine([], time.time(), at_once, search=True, removed_from=[fleet.place(f"{lock.parent}/")])
            == []
        )


@pytest.mark.parametrize(
    ("text", "verdict"),
    [(None, Verdict.DEAD), ("junk", Verdict.UNREADABLE), ("stranger", Verdict.RECYCLED)],
)
def test_what_stands_where_a_live_process_has_a_deleted_lock_open_is_never_releasable(
    fleet, lock, text, verdict
):
    with actor() as holder, actor() as stranger:
        holder.take(lock)
        lock.unlink()
        recycled = payload(stranger.pid, PAST, starttime=stranger.ticks - 100)
        lock.write_text({None: payload(dead_pid(), PAST), "stranger": recycled}.get(text, text))
        judgement = judged(fleet, aged(lock, 60)).judgement
        assert (judgement.verdict, judgement.releasable) == (verdict, False)
        assert any(f"pid {holder.pid} " in reason and "deleted" in reason for reason in judgement.reasons)
    assert judged(fleet, aged(lock, 60)).judgement.releasable


def test_an_override_does_not_free_what_stands_beside_a_deleted_lock_that_is_open(fleet, lock):
    with actor() as holder:
        holder.take(lock)
        lock.unlink()
        lock.write_text(payload(holder.pid, starttime=holder.ticks))
        view = judged(fleet, lock)
        assert view.judgement.verdict is Verdict.LEAKED
        assert not judge(replace(view.evidence, liveness=Liveness.GONE)).releasable


def test_a_lock_beside_a_deleted_one_that_is_open_needs_a_person(fleet, lock):
    with actor() as first, actor() as second:
        first.take(lock)
        lock.unlink()
        second.take(lock)
        (view,) = examine([fleet.place(lock)], time.time(), at_once, search=True)
        assert (view.judgement.verdict, view.judgement.holder.pid) == (Verdict.HELD, second.pid)
        assert any(f"pid {first.pid} " in reason for reason in view.judgement.reasons)
        assert lock_needs_person(view)


def test_a_removed_lock_that_is_asked_for_is_told_once(fleet, lock):
    with actor() as holder:
        holder.take(lock)
        lock.unlink()
        (view,) = examine([fleet.place(lock)], time.time(), at_once, search=True)
        assert (view.judgement.verdict, view.judgement.holder.pid) == (Verdict.REMOVED, holder.pid)


def test_our_own_reading_of_a_deleted_lock_is_no_hold(fleet, lock):
    lock.write_text(payload(dead_pid(), PAST))
    with lock.open():
        lock.unlink()
        lock.write_text(payload(dead_pid(), PAST))
        assert judged(fleet, lock).judgement.releasable


@pytest.fixture
def inner():
    """A process in a pid namespace of its own, as a container's."""
    try:
        child = Actor(INNER)
    except OSError as error:
        pytest.skip(str(error))
    yield child
    child.end()


def test_a_lock_written_in_another_pid_namespace_is_foreign_once_nobody_has_it_open(fleet, lock, inner):
    inner.leak(lock)
    judgement = judged(fleet, lock, vouched=False).judgement
    assert inner.pid == 1
    assert (judgement.verdict, judgement.releasable) == (Verdict.FOREIGN, False)
    assert "in another pid namespace" in judgement.reasons[0]


def test_a_holder_in_another_pid_namespace_is_seen_by_its_descriptor(fleet, lock, inner):
    inner.take(lock)
    judgement = judged(fleet, lock, vouched=False).judgement
    assert (judgement.verdict, judgement.holder.proof) == (Verdict.HELD, Proof.FD)
    assert judgement.holder.pid != inner.pid
    assert any("names pid 1" in reason for reason in judgement.reasons)


def test_a_deleted_lock_that_a_container_has_open_counts_whatever_it_calls_the_path(
    fleet, lock, inner, tmp_path
):
    inner.take(lock)
    lock.unlink()
    lock.write_text(payload(dead_pid(), PAST))
    judgement = judged(fleet, lock).judgement
    assert not judgement.releasable
    assert any("earlier lock of this name" in reason for reason in judgement.reasons)


def explained_with(mount, lock):
    """What `lockdeck explain --json` says in a mount namespace in which a shell command has mounted something."""
    program = "from lockdeck.tui.entry import main; main()"
    script = 'eval "$1" && shift && exec "$@"'
    command = [sys.executable, "-c", program, "explain", str(lock), "--json"]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", mount, *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    if done.stderr.startswith(("unshare:", "mount:")):
        pytest.skip(f"not permitted here: {done.stderr.strip()}")
    return json.loads(done.stdout)


BOUND = (
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mount --bind "$1" "$2" && shift 2 && exec "$@"',
    "sh",
)


@pytest.fixture
def alias(lock, tmp_path):
    """The sessions directory under another path, as an actor in a mount namespace of its own sees it."""
    path = tmp_path / "alias"
    path.mkdir()
    wrapper = (*BOUND, str(lock.parent), str(path))
    try:
        child = Actor(wrapper)
    except OSError as error:
        pytest.skip(str(error))
    yield child, path / lock.name
    child.end()


def test_a_deleted_lock_that_was_opened_through_a_bind_mount_counts(fleet, lock, alias):
    holder, elsewhere = alias
    holder.take(elsewhere)
    lock.unlink()
    lock.write_text(payload(dead_pid(), PAST))
    judgement = judged(fleet, lock).judgement
    assert not judgement.releasable
    assert any(f"pid {holder.pid} " in reason and "earlier lock" in reason for reason in judgement.reasons)
    lock.unlink()
    (removed,) = examine([], time.time(), at_once, search=True, removed_from=[fleet.place(f"{lock.parent}/")])
    assert (removed.record.path, removed.judgement.verdict) == (str(lock), Verdict.REMOVED)


HOLD = (
    "import os, sys; os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_EXCL); os.unlink(sys.argv[1]); "
    "print(flush=True); sys.stdin.read()"
)


@AS_ROOT
def test_it_counts_also_where_the_bind_mount_is_in_our_own_mounts(fleet, lock, tmp_path):
    alias, stale = tmp_path / "alias", tmp_path / "stale"
    alias.mkdir()
    stale.write_text(payload(dead_pid(), PAST))
    holder = shlex.join([sys.executable, "-S", "-c", HOLD, str(alias / lock.name)])
    mount = (
        f"mount --bind {lock.parent} {alias} && mkfifo {tmp_path}/order {tmp_path}/word && "
        f"{{ {holder} <{tmp_path}/order >{tmp_path}/word & }} && exec 3>{tmp_path}/order && "
        f"read word <{tmp_path}/word && mv {stale} {lock}"
    )
    view = explained_with(mount, lock)
    assert view["releasable"] is False
    assert any("earlier lock of this name" in reason for reason in view["reasons"])


def test_a_lock_of_the_same_name_that_was_deleted_in_another_directory_is_not_ours(fleet, lock, tmp_path):
    with actor() as holder:
        elsewhere = holder.take(tmp_path / lock.name)
        elsewhere.unlink()
        lock.write_text(payload(dead_pid(), PAST))
        assert judged(fleet, lock).judgement.releasable


@AS_ROOT
def test_on_an_overlay_where_a_holder_below_is_hidden_nothing_is_releasable(fleet, lock, tmp_path):
    """The holder has the file of the upper directory open: another device and inode, and no lease tells of it."""
    upper, work = tmp_path / "upper", tmp_path / "work"
    (upper / lock.parent.relative_to(fleet.root)).mkdir(parents=True)
    work.mkdir()
    options = f"lowerdir={fleet.root},upperdir={upper},workdir={work}"
    with actor() as holder:
        holder.take(upper / lock.relative_to(fleet.root), payload(dead_pid(), PAST))
        view = explained_with(f"mount -t overlay overlay -o {options} {fleet.root}", lock)
    assert view["releasable"] is False
    assert view["holder"] is None
    assert any("it lies on an overlay" in reason for reason in view["reasons"])


def test_a_holder_of_our_own_namespace_is_not_said_to_be_of_another(fleet, lock):
    with actor() as holder:
        holder.take(lock, payload(1, PAST, starttime=987654321))
        reasons = judged(fleet, lock, vouched=False).judgement.reasons
        assert reasons[1:] == ("the payload names pid 1: the open descriptor counts",)


def test_a_lock_of_a_pid_1_that_is_not_ours_is_foreign(fleet, lock):
    lock.write_text(payload(1, time.time() - 5, starttime=987654321))
    judgement = judged(fleet, lock, vouched=False).judgement
    assert (judgement.verdict, judgement.releasable) == (Verdict.FOREIGN, False)
    assert "pid 1" in judgement.reasons[0]


def test_a_lock_with_a_second_name_is_dead_but_not_released(fleet, lock):
    lock.write_text(payload(dead_pid(), PAST))
    os.link(lock, lock.with_suffix(".second"))
    judgement = judged(fleet, lock).judgement
    assert (judgement.verdict, judgement.releasable) == (Verdict.DEAD, False)
    assert "the file has 2 hard links" in judgement.reasons


@AS_ROOT
def test_a_lock_of_another_user_is_dead_but_not_released(fleet, lock):
    lock.write_text(payload(dead_pid(), PAST))
    os.chown(lock, 54321, -1)
    judgement = judged(fleet, lock).judgement
    assert (judgement.verdict, judgement.releasable) == (Verdict.DEAD, False)
    assert "the lock belongs to uid 54321, not to ours (0)" in judgement.reasons


def test_a_lock_of_another_kind_is_shown_and_never_released(fleet, lock):
    path = lock.with_name("sessions.json.lock")
    path.write_text(payload(dead_pid(), PAST))
    judgement = judged(fleet, path, kind=LockKind.STORE).judgement
    assert (judgement.verdict, judgement.releasable) == (Verdict.DEAD, False)
    assert "a store lock is shown but never released" in judgement.reasons


def test_a_lock_made_before_the_machine_was_started_is_dead_even_if_its_pid_lives(fleet, lock):
    with actor() as stranger:
        lock.write_text(payload(stranger.pid, PAST, starttime=stranger.ticks + 1))
        os.utime(lock, (PAST, PAST))
        judgement = judged(fleet, lock).judgement
        assert (judgement.verdict, judgement.releasable) == (Verdict.DEAD, True)
        assert "before this machine's boot" in judgement.reasons[0]


def test_a_wall_clock_that_was_set_forward_since_a_lock_was_made_makes_no_lock_of_a_live_process_releasable(
    fleet, lock, monkeypatch
):
    with actor() as holder:
        holder.leak(lock)
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + 86_400)
        view = judged(fleet, lock)
        assert view.evidence.boot_time > view.record.created_at
        assert (view.judgement.verdict, view.judgement.releasable) == (Verdict.LEAKED, False)


def test_a_lock_seen_between_closing_and_removal_never_looks_leaked(fleet, lock):
    waited = []
    with actor() as holder:
        holder.leak(lock)

        def settle(seconds):
            waited.append(seconds)
            holder.unlink(lock)

        view = judged(fleet, lock, settle=settle)
    assert waited == [SETTLE_S]
    assert view.judgement.verdict is not Verdict.LEAKED
    assert view.record.presence is Presence.ABSENT


def test_a_lock_taken_anew_while_it_settles_is_held(fleet, lock):
    with actor() as holder:
        holder.leak(lock)

        def settle(_seconds):
            holder.unlink(lock)
            holder.take(lock)

        assert verdict_of(fleet, lock, settle=settle) is Verdict.HELD


def test_only_what_looks_leaked_is_waited_for(fleet, lock):
    def settle(_seconds):
        raise AssertionError("waited")

    with actor() as holder:
        assert verdict_of(fleet, holder.take(lock), settle=settle) is Verdict.HELD
    assert verdict_of(fleet, lock, settle=settle) is Verdict.DEAD


def test_a_lock_taken_anew_during_the_search_has_its_new_holder(fleet, lock, monkeypatch):
    searches = []
    real = examination.scan_all
    with actor() as first, actor() as second:
        first.leak(lock)

        def scan_all(wanted):
            if not searches:
                first.unlink(lock)
                second.take(lock)
            searches.append(wanted)
            return real(wanted)

        monkeypatch.setattr(examination, "scan_all", scan_all)
        judgement = judged(fleet, lock).judgement
        assert searches
        assert (judgement.verdict, judgement.holder.pid) == (Verdict.HELD, second.pid)


def test_a_lock_removed_during_the_search_is_absent(fleet, lock, monkeypatch):
    lock.write_text(payload(dead_pid(), PAST))
    real = examination.scan_all

    def scan_all(wanted):
        lock.unlink(missing_ok=True)
        return real(wanted)

    monkeypatch.setattr(examination, "scan_all", scan_all)
    view = judged(fleet, lock)
    assert (view.record.presence, view.judgement.releasable) == (Presence.ABSENT, False)


def test_processes_are_searched_only_for_locks_that_their_named_holder_does_not_explain(
    fleet, lock, monkeypatch
):
    def scan_all(_wanted):
        raise AssertionError("searched")

    with actor() as holder:
        holder.take(lock)
        monkeypatch.setattr(examination, "scan_all", scan_all)
        assert verdict_of(fleet, lock) is Verdict.HELD


def test_locks_are_judged_in_the_order_given(fleet):
    with actor() as holder:
        held = holder.take(fleet.session("agent:main:a"))
        dead = fleet.session("agent:main:b")
        dead.write_text(payload(dead_pid(), PAST))
        leaked = holder.leak(fleet.session("agent:main:c"))
        views = examine([fleet.place(path) for path in (leaked, held, dead)], time.time(), at_once)
    assert [view.judgement.verdict for view in views] == [Verdict.LEAKED, Verdict.HELD, Verdict.DEAD]
    assert [view.record.path for view in views] == [str(leaked), str(held), str(dead)]


def test_the_release_id_names_one_hold_and_no_later_one(fleet, lock):
    with actor() as holder:
        holder.take(lock, created=PAST)
        first = judged(fleet, lock).release_id
        assert judged(fleet, lock).release_id == first
        holder.release(lock)
        holder.take(lock, created=PAST)
        assert judged(fleet, lock).release_id != first


def test_a_holder_that_was_found_is_asked_for_that_descriptor_alone_until_it_is_another(
    fleet, lock, monkeypatch
):
    holders = {}
    with actor() as holder:
        holder.take(lock)
        examine([fleet.place(lock)], time.time(), at_once, holders=holders)
        searched, scan = [], examination.scan_pids
        monkeypatch.setattr(examination, "scan_pids", lambda *args: searched.append(args) or scan(*args))
        (held,) = examine([fleet.place(lock)], time.time(), at_once, holders=holders)
        assert held.judgement.verdict is Verdict.HELD
        assert not searched
        holder.release(lock)
        lock.write_text(payload(holder.pid))
        (left,) = examine([fleet.place(lock)], time.time(), at_once, holders=holders)
        assert left.judgement.verdict is not Verdict.HELD
        assert searched
