"""Root releases a lock of an owner whom the user vouches for, in a directory that this owner can change at any time."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import stat
import subprocess
import sys
from contextlib import suppress

import pytest
from msgspec.structs import replace
from watchfiles import watch

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.release import quarantine
from lockdeck.backend.actions.release import release as release_module
from lockdeck.backend.actions.release.entries import unfinished_actions
from lockdeck.backend.actions.release.records import Status
from lockdeck.backend.actions.release.recovery import recover
from lockdeck.backend.actions.release.site import no_hook, open_site
from lockdeck.backend.actions.turns import NotOurTurnError
from lockdeck.backend.system import procfs
from tests.secondowner import UID, give_away, needs_root
from tests.unit.releasing import HOLDER, Root, end

pytestmark = needs_root

OWNER = frozenset({UID})
MODE = 0o640
AS_OWNER = f"""
import json, os, sys, time, encodings.idna
os.chdir(sys.argv.pop(1))
os.setgroups([])
os.setresgid({UID}, {UID}, {UID})
os.setresuid({UID}, {UID}, {UID})
"""
OPENCLAW = """
# What 2026.4.5 does before it waits or reclaims.
try:
    os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    print('taken')
except FileExistsError:
    payload = json.load(open(sys.argv[1]))
    pid = payload['pid']
    try:
        os.kill(pid, 0)
        ticks = int(open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[19])
        print('alive' if ticks == payload['starttime'] else 'recycled')
    except OSError as error:
        print('stale', error)
"""
LOOK = """
pid = json.load(open(sys.argv[1]))['pid']
environment = open(f'/proc/{pid}/environ').read()
print(json.dumps([len(os.listdir(f'/proc/{pid}/fd')) > 0, environment, open(f'/proc/{pid}/cmdline').read()]))
"""


@pytest.fixture(autouse=True)
def no_watchman_left():
    """End the watchmen that go on trying to put right what a hostile owner does not let them."""
    before = set(procfs.list_pids())
    yield
    for pid in set(procfs.list_pids()) - before:
        status = procfs.read_stat(pid)
        if status is not None and not status.ended:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def root(tmp_path):
    return vouched_root(tmp_path)


def vouched_root(folder):
    """A root of another uid, and the user's word for this uid."""
    root = Root(folder)
    give_away(folder / "root")
    root.place = replace(root.place, owners=OWNER)
    return root


def write(root):
    """Write a dead lock of the owner; return its bytes."""
    raw = root.write()
    give_away(root.lock)
    root.lock.chmod(MODE)
    return raw


def by_owner(root, program, *words):
    """Run a program as the owner, in the sessions directory; return what it printed."""
    command = [sys.executable, "-I", "-S", "-c", AS_OWNER + program, str(root.sessions), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def at(wanted, act):
    """Call `act` once at a step of the release."""
    calls = []

    def hook(name):
        if name == wanted and not calls:
            calls.append(name)
            act()

    return hook


def test_a_dead_lock_of_an_owner_who_is_vouched_for_is_released_and_kept_as_it_was(root):
    raw = write(root)
    outcome = root.release()
    assert outcome.status is Status.RELEASED, outcome.sentences
    assert root.names() == ["one.jsonl"]
    with open(outcome.quarantined, "rb") as kept:
        status = os.fstat(kept.fileno())
        assert kept.read() == raw
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (UID, UID, MODE)
    assert root.kinds() == ["release-begin", "released"]
    assert {
        os.stat(os.path.join(root.journal.folder, name)).st_uid for name in ("quarantine", "journal.jsonl")
    } == {0}


def test_across_file_systems_the_copy_has_owner_and_mode_too_and_is_bounded(root, monkeypatch):
    rename = os.rename

    def elsewhere(old, new, **folders):
        if str(new).endswith(".lock"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return rename(old, new, **folders)

    monkeypatch.setattr(os, "rename", elsewhere)
    raw = write(root)
    outcome = root.release()
    status = os.stat(outcome.quarantined)
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (UID, UID, MODE)
    with open(outcome.quarantined, "rb") as kept:
        assert kept.read() == raw
    large = root.sessions / "large"
    large.touch()
    os.truncate(large, quarantine.MOST_COPIED_BYTES + 1)
    folder = os.open(root.sessions, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="not copied"):
            quarantine.keep(root.journal.folder, folder, "large", {"action": "a1"}, as_it_was=True)
    finally:
        os.close(folder)
    assert large.exists()


@pytest.mark.parametrize("lock_uid", [UID, 0])
def test_while_it_stands_the_stand_in_is_the_owners_and_his_openclaw_takes_it_for_alive(root, lock_uid):
    write(root)
    os.chown(root.lock, lock_uid, -1)
    seen = []

    def look():
        status = os.lstat(root.lock)
        pid = json.loads(root.lock.read_bytes())["pid"]
        with open(f"/proc/{pid}/status") as file:
            lines = dict(line.split(":", 1) for line in file)
        seen.append((status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)))
        seen.append({name: lines[name].split() for name in ("Uid", "Gid", "Groups", "CapPrm", "CapEff")})
        seen.append(by_owner(root, OPENCLAW, root.lock.name))
        seen.append(json.loads(by_owner(root, LOOK, root.lock.name)))
        seen.append(pid)

    outcome = root.release(on_step=at("taken", look))
    assert outcome.status is Status.RELEASED, outcome.sentences
    file, process, judgement, (readable, environment, argv), pid = seen
    assert file == (UID, UID, MODE)
    assert process["Uid"] == process["Gid"] == [str(UID)] * 4
    assert process["Groups"] == []
    assert int(process["CapPrm"][0], 16) == int(process["CapEff"][0], 16) == 0
    assert judgement == "alive"
    assert readable
    assert environment == ""
    assert "openclaw" in argv.split("\0")
    assert procfs.read_stat(pid) is None


def test_a_stand_in_of_roots_own_would_be_taken_for_dead(root, monkeypatch):
    """Else the test above could not fail."""
    write(root)
    monkeypatch.setattr(release_module, "account_for", lambda *_: None)
    seen = []
    root.release(on_step=at("taken", lambda: seen.append(by_owner(root, OPENCLAW, root.lock.name))))
    assert seen[0].startswith("stale")


def test_a_live_holder_of_that_owner_is_refused(root):
    holder = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", AS_OWNER + HOLDER, str(root.sessions), root.lock.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        before = os.stat(root.lock)
        outcome = root.release()
        assert outcome.status is Status.REFUSED
        assert f"pid {holder.pid}" in " ".join(outcome.sentences)
        assert os.path.samestat(os.stat(root.lock), before)
    finally:
        end(holder)
    assert root.release().status is Status.RELEASED


def test_without_a_vouch_it_is_refused_as_ever(root):
    raw = write(root)
    root.place = replace(root.place, owners=frozenset())
    outcome = root.release()
    assert outcome.status is Status.REFUSED
    assert f"uid {UID}" in outcome.sentences[0]
    assert root.lock.read_bytes() == raw


def test_a_lock_of_another_owner_than_its_directory_is_refused_though_both_are_vouched_for(root):
    write(root)
    os.chown(root.lock, UID + 1, -1)
    root.place = replace(root.place, owners=frozenset({UID, UID + 1}))
    outcome = root.release()
    assert outcome.status is Status.REFUSED
    assert "no one process is taken for alive" in " ".join(outcome.sentences)


def test_the_lockdecks_of_two_accounts_take_turns(root):
    raw = write(root)
    with open_site(str(root.lock), "0", no_hook, make=True, owners=OWNER):
        outcome = root.release()
        assert outcome.status is Status.REFUSED
        assert "another lockdeck" in outcome.sentences[0]
        with pytest.raises(NotOurTurnError), open_site(str(root.lock), "1", no_hook, make=True, owners=OWNER):
            pytest.fail("both were let in")
    assert root.lock.read_bytes() == raw


def has_ended(pid):
    """Wait until a process has ended, 10 s at most."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)


DYING = """
import os, signal, sys
from pathlib import Path
from tests.ownprocesses import narrow_to_the_starters
from tests.unit.actions.test_vouched_owner import vouched_root, write
narrow_to_the_starters()
root = vouched_root(Path(sys.argv[1]))
write(root)
def die(name):
    if name == sys.argv[2]:
        print(root.lock.read_text() if root.lock.is_file() else '{}', flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
root.release(on_step=die)
"""


@pytest.mark.parametrize("step", ["folder made", "folder marked", "stand-in made", "taken", "frozen"])
def test_a_release_that_was_killed_is_put_right_by_its_watchman_and_the_stand_in_ends_with_that(
    tmp_path, step
):
    state = tmp_path / "state"
    state.mkdir()
    killed = subprocess.run(
        [sys.executable, "-c", DYING, str(tmp_path), step],
        cwd=os.getcwd(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    stand_in = json.loads(killed.stdout).get("pid") if step == "taken" else None
    journal = Journal(str(state / "journal.jsonl"))
    for _ in watch(state, yield_on_timeout=True, rust_timeout=50, step=10, debounce=20):
        if not unfinished_actions(journal.walk)[1]:
            break
    sessions = tmp_path / "root" / "agents" / "main" / "sessions"
    assert sorted(os.listdir(sessions)) == ["one.jsonl", "one.jsonl.lock"]
    status = os.lstat(sessions / "one.jsonl.lock")
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (UID, MODE)
    assert b"lockdeck" not in (sessions / "one.jsonl.lock").read_bytes()
    if stand_in is not None:
        assert has_ended(stand_in)


class Crash(BaseException):
    """Ends a release at once."""


class NoWatchman:
    """A stand-in that recovers nothing."""

    def __init__(self, _journal, _account=None):
        self.pid, self.start_ticks = os.getpid(), None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


class Outside:
    """What is root's: a file and a folder elsewhere, and a folder in the owner's own directory."""

    def __init__(self, root, folder):
        self.file, self.folder, self.inner = folder / "file", folder / "folder", root.sessions / "backup"
        self.file.write_text("precious")
        self.file.chmod(0o604)
        for path, mode in ((self.folder, 0o755), (self.inner, 0o700)):
            path.mkdir()
            (path / "lock").write_text("precious")
            (path / "lock").chmod(0o604)
            path.chmod(mode)
        paths = (self.file, self.folder, self.folder / "lock", self.inner, self.inner / "lock")
        self.opened = [os.open(path, os.O_RDONLY) for path in paths]
        self.before = self.state()

    def state(self):
        """Owner, mode and content of each, wherever it is now."""
        return [
            (
                status.st_uid,
                status.st_gid,
                status.st_mode,
                tuple(os.listdir(fd)) if stat.S_ISDIR(status.st_mode) else "",
            )
            for fd in self.opened
            for status in (os.fstat(fd),)
        ]

    def close(self):
        for fd in self.opened:
            os.close(fd)


@pytest.fixture
def outside(root, tmp_path):
    outside = Outside(root, tmp_path)
    yield outside
    outside.close()


FOLDER = "folder, = [name for name in os.listdir() if name.startswith('.lockdeck-')] or ['none']\n"
AWAY = FOLDER + "os.path.lexists(folder) and os.rename(folder, 'away')\n"
TRICKS = {
    "a link to a folder of root's for our folder": AWAY + "os.symlink(sys.argv[3], folder)",
    "another folder of root's for our folder": AWAY + "os.rename('backup', folder)",
    "his own folder for ours": AWAY + "os.mkdir(folder, 0o700); os.symlink(sys.argv[2], folder + '/lock')",
    "a link to a file of root's for the lock": (
        "os.path.lexists(sys.argv[1]) and os.rename(sys.argv[1], 'mine'); os.symlink(sys.argv[2], sys.argv[1])"
    ),
    "a folder of root's for the lock": (
        "os.path.lexists(sys.argv[1]) and os.rename(sys.argv[1], 'mine'); os.rename('backup', sys.argv[1])"
    ),
}
STEPS = ("folder made", "folder marked", "stand-in made", "taken", "frozen", "swept lock")


def play(root, outside, trick):
    by_owner(root, TRICKS[trick], root.lock.name, str(outside.file), str(outside.folder))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("trick", TRICKS)
def test_whatever_a_hostile_owner_exchanges_nothing_of_roots_is_changed(root, outside, trick, step):
    write(root)
    calls = []
    root.release(on_step=at(step, lambda: calls.append(play(root, outside, trick))))
    assert calls, "the release never came to this step"
    recover(root.journal, wait=root.waits.append)
    assert outside.state() == outside.before


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("trick", TRICKS)
def test_nor_by_a_recovery_of_a_release_that_was_cut_off(root, outside, trick, step, monkeypatch):
    monkeypatch.setattr(release_module, "run_stand_in", NoWatchman)
    write(root)

    def crash():
        raise Crash

    with pytest.raises(Crash):
        root.release(on_step=at(step, crash))
    play(root, outside, trick)
    recover(root.journal, wait=root.waits.append)
    assert outside.state() == outside.before


@pytest.mark.parametrize("step", ["folder marked", "stand-in made", "taken"])
def test_a_hard_link_of_roots_file_at_the_locks_name_keeps_owner_and_mode(root, outside, step):
    """As the owner could make one where the kernel does not protect hard links."""
    write(root)

    def exchange():
        os.unlink(root.lock)
        os.link(outside.file, root.lock)

    root.release(on_step=at(step, exchange))
    os.path.lexists(outside.file) and os.unlink(outside.file)
    recover(root.journal, wait=root.waits.append)
    assert outside.state() == outside.before


def test_a_sessions_directory_that_is_exchanged_for_one_of_roots_gets_nothing_of_ours(
    root, outside, monkeypatch
):
    """The way to it is the owner's, and a link in it is followed where it leads to what is ours."""
    raw = write(root)
    theirs = outside.folder / "sessions"
    theirs.mkdir()
    (theirs / root.lock.name).write_bytes(raw)
    before = os.stat(theirs).st_mtime_ns, os.stat(theirs / root.lock.name).st_ino
    away = root.sessions.parent.with_name("away")

    def exchange():
        os.rename(root.sessions.parent, away)
        os.symlink(outside.folder, root.sessions.parent)

    outcome = root.release(on_step=at("begun", exchange))
    assert outcome.status is Status.REFUSED
    recover(root.journal, wait=root.waits.append)
    assert (os.stat(theirs).st_mtime_ns, os.stat(theirs / root.lock.name).st_ino) == before
    assert (away / "sessions" / root.lock.name).read_bytes() == raw
