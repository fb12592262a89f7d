"""For a root of others no log of ours is read, by a link or by name; a log of theirs is."""

from __future__ import annotations

import json
import os
import time

import pytest

from lockdeck.backend.actions.cancel.log import FileLog, recent_events
from lockdeck.backend.model.sources import SourceState
from lockdeck.backend.openclaw.log.place import LogPlace
from lockdeck.backend.watch.logs.places import look_at_log
from tests.secondowner import UID, give_away, needs_root
from tests.unit.cli.test_foreign_root import KEY, claw, home
from tests.unit.fleetdir import iso, lockdeck

__all__ = ["claw", "home"]
pytestmark = needs_root
VOUCHED = pytest.mark.parametrize("vouch", [(), ("--trust-owner", UID)], ids=["foreign", "vouched"])


def write_log(path, claw):
    """Write a log that tells of one blocked caller; private to whoever has it."""
    line = f'lane task error: lane=session:{KEY} durationMs=1 error="Error: session file locked (timeout 10000ms): pid=1 {claw.lock}"'
    record = {
        "0": '{"subsystem":"diagnostic"}',
        "1": line,
        "time": iso(time.time()),
        "_meta": {"logLevelName": "ERROR"},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record) + "\n")
    path.chmod(0o600)
    return path


def look(claw, home, vouch):
    """Return how many blocked callers are told, and the states of the sources by their path."""
    status = json.loads(lockdeck("status", "--json", *vouch, claw.root, env=home.env).stdout)
    sources = {
        source["where"]: source["state"] for source in status["roots"][0]["sources"] if "where" in source
    }
    blocked = [session["blocked"] for session in status["sessions"]]
    return sum(entry["count"] if entry else 0 for entry in blocked), sources


def linked_file(claw, log):
    (claw.root / "logs").mkdir()
    (claw.root / "logs" / "gateway.log").symlink_to(log)
    return claw.root / "logs" / "gateway.log"


def linked_directory(claw, log):
    (claw.root / "logs").symlink_to(log.parent)
    return claw.root / "logs" / "gateway.log"


def named(claw, log):
    claw.config(logging={"file": str(log)})
    return log


def named_past_the_root(claw, log):
    path = f"{claw.root}/../../ours/gateway.log"
    claw.config(logging={"file": path})
    return os.path.normpath(path)


def linked_and_named(claw, log):
    (claw.home / "theirs.log").symlink_to(log)
    return named(claw, claw.home / "theirs.log")


def linked_in_the_usual_folder(claw, log):
    folder = claw.home.parent / "ours" / "tmp" / f"openclaw-{UID}"
    folder.mkdir(mode=0o755)
    path = folder / f"openclaw-{time.strftime('%Y-%m-%d')}.log"
    path.symlink_to(log)
    give_away(folder)
    return path


WAYS = (
    linked_file,
    linked_directory,
    named,
    named_past_the_root,
    linked_and_named,
    linked_in_the_usual_folder,
)


@VOUCHED
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_log_of_ours_is_read_for_a_root_of_others(claw, home, way, vouch):
    claw.config()
    where = way(claw, write_log(home.home / "gateway.log", claw))
    give_away(claw.home)
    count, sources = look(claw, home, vouch)
    assert count == 0
    # Nothing runs there, so that no log is needed; it is not taken for one that was read.
    assert sources.get(str(where)) in ("refused", "not needed", None)
    assert "read" not in {state for path, state in sources.items() if path.endswith(".log")}


def test_the_same_link_in_a_root_of_ours_is_followed(claw, home):
    claw.config()
    linked_file(claw, write_log(home.home / "gateway.log", claw))
    assert look(claw, home, ())[0] == 1


@VOUCHED
def test_a_log_that_its_owner_names_elsewhere_is_read_where_it_is_theirs(claw, home, vouch):
    log = write_log(claw.home / "elsewhere.log", claw)
    named(claw, log)
    give_away(claw.home)
    assert look(claw, home, vouch)[0] == 1


@VOUCHED
def test_a_log_that_a_service_manager_keeps_in_their_root_as_root_is_read(claw, home, vouch):
    claw.config()
    log = write_log(claw.root / "logs" / "gateway.log", claw)
    give_away(claw.home)
    os.chown(log, 0, 0)
    assert look(claw, home, vouch)[0] == 1


def test_a_link_to_a_log_of_their_own_is_followed_where_they_are_vouched_for(claw, home):
    claw.config()
    linked_file(claw, write_log(claw.home / "elsewhere.log", claw))
    give_away(claw.home)
    assert look(claw, home, ())[0] == 0
    assert look(claw, home, ("--trust-owner", UID))[0] == 1


def test_a_log_that_is_not_of_who_may_have_it_is_a_refused_source_with_its_owner(tmp_path):
    (tmp_path / "private.log").write_text("private")
    look = look_at_log(LogPlace(str(tmp_path / "private.log"), owners=frozenset({UID})))
    assert look.state is SourceState.REFUSED
    assert f"only uid {UID} may have a log there" in look.why
    (tmp_path / "link.log").symlink_to(tmp_path / "private.log")
    look = look_at_log(LogPlace(str(tmp_path / "link.log"), below=str(tmp_path)))
    assert look.state is SourceState.REFUSED
    assert "symbolic link" in look.why


def test_a_cancel_reads_no_log_that_was_exchanged_for_anothers(claw, tmp_path):
    log = write_log(tmp_path / "theirs.log", claw)
    give_away(log)
    place = LogPlace(str(log), owners=frozenset({UID}))
    following = FileLog([place], time.time)
    assert (following.readable, bool(recent_events([place]))) == (True, True)
    log.unlink()
    write_log(log, claw)
    assert (following.news(), recent_events([place]), FileLog([place], time.time).readable) == (
        [],
        None,
        False,
    )
    give_away(log)
    log.write_text(log.read_text() * 2)
    assert following.news()
