"""Releasing a lock: what is refused, what is done, and what is left behind."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from lockdeck.backend.actions.release import release as release_module
from lockdeck.backend.actions.release import restore
from lockdeck.backend.actions.release import swap as swap_module
from lockdeck.backend.actions.release.proof import DWELL_S, differences
from lockdeck.backend.actions.release.records import Override, Status
from lockdeck.backend.actions.release.recovery import recover
from lockdeck.backend.actions.release.standin import StandIn
from lockdeck.backend.actions.release.swap import DRAIN_S, take
from lockdeck.backend.actions.turns import turn
from lockdeck.backend.model.verdicts import CREATION_GRACE_S
from lockdeck.backend.openclaw.locks.examination import SETTLE_S
from lockdeck.backend.system import processes, procfs
from lockdeck.backend.system.exchange import ExchangeUnsupported
from tests.unit.fleetdir import lockdeck
from tests.unit.releasing import HOLDER, Root, end, our_ticks, tell

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")


@pytest.fixture
def root(tmp_path):
    return Root(tmp_path)


@pytest.fixture
def holder(root):
    holder = root.hold()
    yield holder
    end(holder)


def reasons(plan):
    return " | ".join(plan.refusal.reasons) if plan.refusal else ""


def test_a_dead_lock_is_released_and_kept_in_quarantine(root):
    raw = root.write()
    outcome = root.release()
    assert outcome.status is Status.RELEASED, outcome.sentences
    assert root.names() == ["one.jsonl"]
    with open(outcome.quarantined, "rb") as kept:
        assert kept.read() == raw
    assert root.kinds() == ["release-begin", "released"]


def test_the_transcript_is_not_touched(root):
    root.write()
    before = os.stat(root.transcript)
    root.release()
    after = os.stat(root.transcript)
    assert (before.st_ino, before.st_mtime_ns, before.st_ctime_ns) == (
        after.st_ino,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )


def test_planning_changes_nothing(root):
    root.write()
    before = (root.names(), os.stat(root.lock), os.stat(root.sessions))
    plan = root.plan()
    assert plan.refusal is None
    assert plan.effects
    assert plan.safe_because
    assert any("lane" in sentence for sentence in plan.then)
    assert (root.names(), os.stat(root.lock), os.stat(root.sessions)) == before
    assert not os.path.exists(root.journal.folder)
    json.dumps(plan.to_json())


def test_the_proof_is_taken_twice_with_a_dwell_between(root):
    root.write()
    now = [1000.0]
    plan = root.plan(steady=lambda: now[0])
    now[0] += 0.25
    root.release(plan, steady=lambda: now[0])
    assert root.waits[0] == pytest.approx(DWELL_S - 0.25)
    assert DRAIN_S in root.waits


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_wall_clock_that_is_set_neither_shortens_nor_lengthens_the_dwell(root, step_s):
    root.write()
    plan = root.plan(clock=lambda: 1_790_000_000.0, steady=lambda: 1000.0)
    outcome = root.release(plan, clock=lambda: 1_790_000_000.0 + step_s, steady=lambda: 1000.0)
    assert outcome.status is Status.RELEASED
    assert root.waits[0] == DWELL_S


def test_a_lock_without_a_payload_is_watched_for_as_long_as_taking_one_may_last_whatever_its_age_says(root):
    root.lock.touch()
    os.utime(root.lock, (1, 1))
    plan = root.plan(steady=lambda: 1000.0)
    assert reasons(plan) == ""
    assert root.release(plan, steady=lambda: 1000.0).status is Status.RELEASED
    assert root.waits[0] == CREATION_GRACE_S


def test_a_live_process_that_only_the_wall_clock_tells_from_the_writer_needs_the_override(root, running_as):
    """No start ticks, as 2026.2.9 writes it: a clock that was set makes any process younger than its lock."""
    root.write(pid=running_as("node"), created="2026-04-05T03:00:00.000Z")
    assert "only the wall clock" in reasons(root.plan())
    plan = root.plan(override=Override("leaked", str(root.lock)))
    assert root.release(plan).status is Status.RELEASED


def test_a_live_process_that_can_be_no_openclaw_is_another_whatever_the_clock_says(root, running_as):
    """A state directory that came from a backup: the pid is somebody else's here."""
    root.write(pid=running_as("postgres"), created="2026-04-05T03:00:00.000Z")
    plan = root.plan()
    assert reasons(plan) == ""
    assert root.release(plan).status is Status.RELEASED


@pytest.fixture
def running_as(tmp_path):
    """`running_as("node")`: the pid of a process whose program has that name."""
    processes = []

    def start(name: str) -> int:
        program = tmp_path / name
        shutil.copy(shutil.which("sleep"), program)
        processes.append(subprocess.Popen([program, "300"]))
        return processes[-1].pid

    yield start
    for process in processes:
        process.kill()
        process.wait()


def test_another_hold_than_the_one_named_is_refused(root):
    root.write()
    plan = root.plan("0123456789ab")
    assert "another hold" in reasons(plan)


def test_a_lock_rewritten_between_plan_and_act_is_refused_with_what_changed(root):
    root.write()
    plan = root.plan()
    root.write(pid=4194306)
    outcome = root.release(plan)
    assert outcome.status is Status.REFUSED
    assert "the bytes changed" in " ".join(outcome.sentences)
    assert root.names() == ["one.jsonl", "one.jsonl.lock"]
    assert root.kinds() == ["refused"]


def test_a_lock_that_vanished_between_plan_and_act_is_refused(root):
    root.write()
    plan = root.plan()
    root.lock.unlink()
    assert root.release(plan).status is Status.REFUSED


def test_a_live_holder_is_never_released_whatever_the_override(root, holder):
    assert root.plan().refusal is not None
    overridden = root.plan(override=Override("leaked", str(root.lock)))
    assert "held" in reasons(overridden)
    assert root.release(overridden).status is Status.REFUSED
    assert os.path.samestat(os.stat(f"/proc/{holder.pid}/fd/3"), os.stat(root.lock))


def test_a_leaked_lock_needs_the_override_with_the_exact_path(root):
    root.write(pid=os.getpid(), starttime=our_ticks())
    assert "leaked" in reasons(root.plan())
    assert "path typed" in reasons(root.plan(override=Override("leaked", "/elsewhere")))
    assert "only a leaked lock is released on a person's word" in reasons(
        root.plan(override=Override("held", str(root.lock)))
    )
    plan = root.plan(override=Override("leaked", str(root.lock)))
    assert reasons(plan) == ""
    assert root.release(plan).status is Status.RELEASED
    assert not root.lock.exists()


def test_an_override_where_nothing_is_leaked_is_refused(root):
    root.write()
    assert "nothing to override" in reasons(root.plan(override=Override("leaked", str(root.lock))))


def test_a_recycled_pid_is_released(root):
    root.write(pid=os.getpid(), starttime=our_ticks() - 1)
    assert root.release().status is Status.RELEASED


@pytest.mark.parametrize("what", ["symlink", "hard link", "directory", "fifo"])
def test_what_is_no_plain_lock_file_is_refused(root, tmp_path, what):
    root.write()
    if what == "hard link":
        os.link(root.lock, tmp_path / "second name")
    else:
        root.lock.rename(tmp_path / "aside")
        {
            "symlink": lambda: root.lock.symlink_to(tmp_path / "aside"),
            "directory": root.lock.mkdir,
            "fifo": lambda: os.mkfifo(root.lock),
        }[what]()
    before = root.names()
    assert root.release().status is Status.REFUSED
    assert root.names() == before


def test_a_lock_of_pid_1_of_another_namespace_is_refused_as_foreign(root):
    command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], check=False).returncode != 0:
        pytest.skip("no pid namespaces here (needs root and unshare)")
    inside = [sys.executable, "-S", "-c", HOLDER, str(root.lock)]
    subprocess.run([*command, *inside], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    assert json.loads(root.lock.read_text())["pid"] == 1
    root.place = replace(root.place, own_namespace=False)
    plan = root.plan()
    assert plan.view.judgement.verdict == "foreign"
    assert root.release(plan).status is Status.REFUSED
    assert root.names() == ["one.jsonl", "one.jsonl.lock"]


def test_a_fresh_empty_lock_is_refused(root):
    root.lock.touch()
    assert "creating" in reasons(root.plan())


def test_two_lockdecks_do_not_work_in_one_directory(root, monkeypatch):
    root.write()
    monkeypatch.setattr(release_module, "TURN_S", 0.0)
    with turn(root.journal.folder, str(root.sessions), 0):
        outcome = root.release()
    assert outcome.status is Status.REFUSED
    assert "another lockdeck" in outcome.sentences[0]
    assert root.lock.exists()


def test_without_an_atomic_exchange_the_lock_is_not_touched(root, monkeypatch):
    def unsupported(*_):
        raise ExchangeUnsupported(22, "Invalid argument")

    monkeypatch.setattr("lockdeck.backend.actions.release.swap.exchange", unsupported)
    raw = root.write()
    outcome = root.release()
    assert outcome.status is Status.REFUSED
    assert "atomically" in outcome.sentences[0]
    assert root.lock.read_bytes() == raw
    assert root.names() == ["one.jsonl", "one.jsonl.lock"]


def test_nothing_is_done_when_the_journal_cannot_be_written(root, tmp_path):
    raw = root.write()
    plan = root.plan()
    (tmp_path / "state").write_text("a file where the folder should be")
    outcome = root.release(plan)
    assert outcome.status is Status.FAILED
    assert root.lock.read_bytes() == raw
    assert root.names() == ["one.jsonl", "one.jsonl.lock"]


def test_the_stand_in_names_a_live_process_that_openclaw_respects(root):
    root.write()
    seen = {}

    def look_at_name(name):
        if name == "taken":
            seen.update(json.loads(root.lock.read_text()))
            seen["argv"] = Path(f"/proc/{seen['pid']}/cmdline").read_text().split("\0")
            seen["ticks"] = procfs.read_stat(seen["pid"]).start_ticks

    assert root.release(on_step=look_at_name).status is Status.RELEASED
    assert seen["pid"] != os.getpid()
    assert seen["starttime"] == seen["ticks"]
    assert "openclaw" in seen["argv"]
    assert processes.look(seen["pid"]).liveness == "gone"


def replace_before_take(root, monkeypatch, act):
    def late(site):
        act()
        take(site)

    monkeypatch.setattr(swap_module, "take", late)


def test_a_lock_taken_by_a_live_process_at_the_last_moment_is_put_back(root, monkeypatch):
    root.write()
    plan = root.plan()
    holders = []

    def taken_meanwhile():
        root.lock.unlink()
        holders.append(root.hold())

    replace_before_take(root, monkeypatch, taken_meanwhile)
    outcome = root.release(plan)
    try:
        assert outcome.status is Status.REFUSED
        assert "lost the race" in outcome.sentences[0]
        assert os.path.samestat(os.stat(f"/proc/{holders[0].pid}/fd/3"), os.stat(root.lock))
        assert root.names() == ["one.jsonl", "one.jsonl.lock"]
    finally:
        end(holders[0])


def deleted_under(root):
    """A live process whose lock was deleted under it; what stood at the name stands there again."""
    aside = root.lock.with_suffix(".aside")
    root.lock.rename(aside)
    holder = root.hold()
    root.lock.unlink()
    aside.rename(root.lock)
    return holder


def test_a_lock_where_a_live_process_has_a_deleted_one_open_is_refused_and_the_pid_is_named(root):
    root.write()
    holder = deleted_under(root)
    try:
        plan = root.plan()
        assert f"pid {holder.pid} " in reasons(plan)
        assert root.release(plan).status is Status.REFUSED
    finally:
        end(holder)
    assert root.release().status is Status.RELEASED


def test_a_holder_of_a_deleted_lock_that_shows_at_the_last_moment_gets_nothing_released(root, monkeypatch):
    raw = root.write()
    plan = root.plan()
    holders = []
    replace_before_take(root, monkeypatch, lambda: holders.append(deleted_under(root)))
    outcome = root.release(plan)
    try:
        assert outcome.status is Status.REFUSED
        assert f"pid {holders[0].pid} " in outcome.sentences[0]
        assert root.lock.read_bytes() == raw
        assert root.names() == ["one.jsonl", "one.jsonl.lock"]
    finally:
        end(holders[0])


def test_a_lock_deleted_under_its_live_holder_is_refused_by_its_true_name(root):
    holder = root.hold()
    root.lock.unlink()
    try:
        told = reasons(root.plan("abc"))
        assert "this lock counts as removed" in told
        assert f"pid {holder.pid} " in told
        assert "nobody has it open" not in told
        assert "regular file" not in told
        assert "restart" in told
    finally:
        end(holder)


def test_a_lock_let_go_while_it_was_displaced_does_not_stay_for_ever(root, monkeypatch):
    """Its holder compares, finds the stand-in and deletes nothing: the liveness leak."""
    root.write()
    plan = root.plan()
    holders = []

    def taken_meanwhile():
        root.lock.unlink()
        holders.append(root.hold())

    replace_before_take(root, monkeypatch, taken_meanwhile)
    outcome = root.release(plan, on_step=lambda name: tell(holders[0], "close") if name == "taken" else None)
    end(holders[0])
    assert outcome.status is Status.REFUSED
    assert root.names() == ["one.jsonl"]
    assert SETTLE_S in root.waits


def test_a_name_whose_stand_in_was_deleted_gets_the_live_lock_back(root, monkeypatch):
    root.write()
    plan = root.plan()
    holders = []

    def taken_meanwhile():
        root.lock.unlink()
        holders.append(root.hold())

    replace_before_take(root, monkeypatch, taken_meanwhile)
    outcome = root.release(plan, on_step=lambda name: root.lock.unlink() if name == "taken" else None)
    try:
        assert outcome.status is Status.REFUSED
        assert os.path.samestat(os.stat(f"/proc/{holders[0].pid}/fd/3"), os.stat(root.lock))
    finally:
        end(holders[0])


def test_a_newer_lock_at_the_name_is_left_alone(root):
    """A late reclaim deletes the stand-in and somebody takes the name: ours is out, theirs stays."""
    root.write()
    holders = []

    def late_reclaim(name):
        if name == "taken":
            root.lock.unlink()
            holders.append(root.hold())

    outcome = root.release(on_step=late_reclaim)
    try:
        assert outcome.status is Status.RELEASED
        assert os.path.samestat(os.stat(f"/proc/{holders[0].pid}/fd/3"), os.stat(root.lock))
    finally:
        end(holders[0])


def test_a_newer_lock_taken_in_the_last_moment_before_the_freeze_comes_back(root, monkeypatch):
    root.write()
    holders = []
    vacate = swap_module.vacate

    def late(site):
        root.lock.unlink()
        holders.append(root.hold())
        assert vacate(site) is False
        return False

    monkeypatch.setattr(swap_module, "vacate", late)
    outcome = root.release()
    try:
        assert outcome.status is Status.RELEASED
        assert os.path.samestat(os.stat(f"/proc/{holders[0].pid}/fd/3"), os.stat(root.lock))
    finally:
        end(holders[0])


def test_the_quarantine_is_private_and_carries_the_evidence(root):
    root.write()
    outcome = root.release()
    assert stat.S_IMODE(os.stat(outcome.quarantined).st_mode) == 0o600
    beside = outcome.quarantined.removesuffix(".lock") + ".json"
    assert stat.S_IMODE(os.stat(beside).st_mode) == 0o600
    with open(beside) as file:
        evidence = json.load(file)
    assert evidence["path"] == str(root.lock)
    assert evidence["evidence"]["process"]["liveness"] == "gone"


def test_the_journal_is_written_before_the_effect(root):
    root.write()
    seen = []
    root.release(on_step=lambda name: seen.append((root.kinds(), root.names())) if name == "begun" else None)
    assert seen == [(["release-begin"], ["one.jsonl", "one.jsonl.lock"])]


def test_the_watch_tells_who_took_the_lock_next(root):
    root.write()
    holders = []

    def wait(seconds):
        if not root.lock.exists() and not holders:
            with open(root.transcript, "a") as file:
                file.write("{}\n")
            holders.append(root.hold())

    plan = root.plan()
    outcome = release_module.release(plan, journal=root.journal, wait=wait, watch_s=30.0)
    end(holders[0])
    assert outcome.aftermath.acquired_by == holders[0].pid
    assert outcome.aftermath.transcript == "grew"
    assert root.kinds()[-1] == "watched"
    assert "took the lock next" in root.journal.read().entries[-1]["sentences"][0]


def test_the_watch_ends_and_tells_when_nobody_came(root):
    root.write()
    outcome = root.release(watch_s=0.1)
    assert outcome.aftermath.acquired_at is None
    assert outcome.aftermath.transcript == "untouched"
    assert "nobody took the lock" in outcome.sentences[-1]


def test_a_release_is_told_whatever_ends_the_watch_after_it(root, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    root.write()
    monkeypatch.setattr(release_module, "watch_name", interrupted)
    outcome = root.release(watch_s=30.0)
    assert outcome.status is Status.RELEASED
    assert outcome.quarantined is not None
    assert outcome.sentences[-1] == "the watch after it was interrupted"
    monkeypatch.undo()
    root.write()
    append = root.journal.append

    def full(kind, **facts):
        if kind == "watched":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return append(kind, **facts)

    monkeypatch.setattr(root.journal, "append", full)
    outcome = root.release(watch_s=0.1)
    assert outcome.status is Status.RELEASED
    assert "No space left" in outcome.sentences[-1]


def no_room(*_: object, **__: object) -> str:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_after_the_lock_is_off_its_name_is_told_with_the_place_and_put_right(root, monkeypatch):
    raw = root.write()
    monkeypatch.setattr(restore, "keep", no_room)
    outcome = root.release()
    monkeypatch.undo()
    assert outcome.status is Status.FAILED
    (sentence,) = outcome.sentences
    assert sentence.startswith(
        f"the lock's name is free, and what was taken out of it is in {root.sessions}/.lockdeck-"
    )
    assert "No space left on device" in sentence
    recover(root.journal, turn_s=30.0)  # the watchman may be at it already
    assert root.names() == ["one.jsonl"]
    (kept,) = Path(root.journal.folder, "quarantine").glob("*.lock")
    assert kept.read_bytes() == raw


def test_a_live_lock_goes_back_by_the_watchman_where_the_restoration_fails(root, monkeypatch):
    root.write()
    plan, holders = root.plan(), []

    def taken_meanwhile(site):
        root.lock.unlink()
        holders.append(root.hold())
        take(site)

    monkeypatch.setattr(swap_module, "take", taken_meanwhile)
    monkeypatch.setattr(restore, "freeze", no_room)
    outcome = root.release(plan)
    (holder,) = holders
    try:
        assert outcome.status is Status.FAILED
        assert "our stand-in stands at the lock's name" in outcome.sentences[-1]
        monkeypatch.undo()
        recover(root.journal, turn_s=30.0)  # the watchman may be at it already
        assert json.loads(root.lock.read_text())["pid"] == holder.pid
        assert root.names() == ["one.jsonl", "one.jsonl.lock"]
    finally:
        end(holder)


def full_at(journal, kind):
    """Give the journal no room for one kind of entry."""
    append = journal.append
    return lambda what, **facts: no_room() if what == kind else append(what, **facts)


def test_a_release_that_can_not_be_journaled_any_more_is_a_release(root, monkeypatch):
    root.write()
    monkeypatch.setattr(root.journal, "append", full_at(root.journal, "released"))
    outcome = root.release()
    assert outcome.status is Status.RELEASED
    assert outcome.sentences[-1].startswith("this can't be journaled: ")
    monkeypatch.undo()
    (told,) = recover(root.journal)
    assert told.endswith("an interrupted release was done")
    assert root.journal.read().entries[-1]["quarantined"] == outcome.quarantined


def test_a_recovery_that_can_not_be_journaled_is_told_and_journaled_later(root, monkeypatch):
    root.write()
    monkeypatch.setattr(restore, "keep", no_room)
    monkeypatch.setattr(release_module, "run_stand_in", without_watchman)
    root.release()
    monkeypatch.undo()
    monkeypatch.setattr(root.journal, "append", full_at(root.journal, "recovered"))
    (told,) = recover(root.journal)
    assert "the lock is off its name; this can't be journaled: " in told
    monkeypatch.undo()
    recover(root.journal)
    (kept,) = Path(root.journal.folder, "quarantine").glob("*.lock")
    assert root.journal.read().entries[-1]["quarantined"] == str(kept)


@contextmanager
def without_watchman(_journal, _account=None):
    """A stand-in that recovers nothing: this very process."""
    yield StandIn(os.getpid(), our_ticks())


def test_what_fails_after_a_lock_was_put_away_changes_nothing(root, monkeypatch):
    root.write()
    root.journal.append("refused")  # from now on no folder but the quarantine's is brought to the disk
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: no_room() if stat.S_ISDIR(os.fstat(fd).st_mode) else sync(fd))
    outcome = root.release()
    assert (outcome.status, root.names()) == (Status.RELEASED, ["one.jsonl"])


@pytest.mark.parametrize("spoil", [lambda path: path.mkdir(), lambda path: path.symlink_to(path)])
def test_a_journal_that_can_not_be_read_is_one_sentence_and_nothing_is_done(root, tmp_path, spoil):
    raw, journal = root.write(), tmp_path / "other" / "journal.jsonl"
    journal.parent.mkdir()
    spoil(journal)
    env = {"HOME": str(tmp_path), "LOCKDECK_STATE_DIR": str(journal.parent)}
    done = lockdeck("release", root.lock, "--release-id", "0" * 12, env=env)
    assert done.returncode == 2
    told = done.stderr if isinstance(done.stderr, str) else done.stderr.decode()
    assert "can't be read or written" in told
    assert "Traceback" not in told
    assert root.lock.read_bytes() == raw


def test_equal_looks_have_no_differences(root):
    root.write()
    one, other = root.plan().view, root.plan().view
    assert differences(one, other) == ()


def test_an_earlier_lock_that_is_open_differs(root, holder):
    view = root.plan().view
    beside = replace(view, evidence=replace(view.evidence, deleted_openers=view.evidence.openers))
    assert any("who has an earlier lock open changed" in reason for reason in differences(view, beside))


def test_a_touched_lock_differs(root):
    root.write()
    one = root.plan().view
    os.utime(root.lock)
    assert differences(one, root.plan().view)
