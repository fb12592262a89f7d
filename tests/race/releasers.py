"""Those who clean up: nobody, a script that checks and then deletes, and lockdeck with three ways to finish."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from unittest import mock

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.release import plan as plan_module
from lockdeck.backend.actions.release import proof as proof_module
from lockdeck.backend.actions.release import release as release_module
from lockdeck.backend.actions.release import restore as restore_module
from lockdeck.backend.actions.release import swap as swap_module
from lockdeck.backend.actions.release.newcomers import Patience
from lockdeck.backend.actions.release.plan import plan_at
from lockdeck.backend.actions.release.proof import DWELL_S, current_view
from lockdeck.backend.actions.release.records import ReleasePlan, Status
from lockdeck.backend.actions.release.release import release
from lockdeck.backend.actions.release.site import LOCK, FileKind, Site, is_file, kind_at, read_all
from lockdeck.backend.actions.release.standin import is_lock_of
from lockdeck.backend.model.locks import LockKind
from lockdeck.backend.openclaw.roots.place import Place, RootPlaces
from tests.race.clocksteps import stepping_clock
from tests.race.wire import over_the_wire

COMPRESSION = 50
"""The race's clock runs this many times faster than OpenClaw's: polls of 50 ms become 1 ms, dwell 1 s 20 ms."""
TOMBSTONE_PID = 4194305
"""Above PID_MAX_LIMIT: no process can ever have it."""
TOMBSTONE = json.dumps({"pid": TOMBSTONE_PID, "createdAt": "2026-01-01T00:00:00.000Z"}).encode()

NOBODY_NEW = Patience(lambda _place: (), time.monotonic)
PATIENCE = [NOBODY_NEW]
"""How releases of this process wait for newcomers: a contest with such sets it before it starts the releasers."""

Releaser = Callable[[Sequence[str], str, Counter[str], random.Random], None]


def hurried(seconds: float) -> None:
    """Wait on the race's clock."""
    time.sleep(seconds / COMPRESSION)


def place_of(path: str) -> Place:
    """The place of a race lock; the race runs in one pid namespace and says so."""
    return RootPlaces(os.path.dirname(path), "files", own_namespace=True).lock(path, "race", LockKind.SESSION)


def check_then_unlink(paths: Sequence[str], journal: str, count: Counter[str], dice: random.Random) -> None:
    """Judge by the same evidence as lockdeck, think for a moment, delete by path."""
    path = dice.choice(paths)
    view = current_view(place_of(path), time.time())
    if not view.judgement.releasable:
        return
    time.sleep(dice.uniform(0, 0.002))
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    count["released"] += 1


def look_only(paths: Sequence[str], journal: str, count: Counter[str], dice: random.Random) -> None:
    """Take the looks of a release and do nothing: what lockdeck's work alone changes in the others' timing."""
    place = place_of(dice.choice(paths))
    if plan_at(place, None).refusal is None:
        hurried(DWELL_S)
        plan_at(place, None)
        count["looked twice"] += 1


def lockdeck(paths: Sequence[str], journal: str, count: Counter[str], dice: random.Random) -> None:
    """Release with lockdeck's own code; only the waiting is on the race's clock."""
    path = dice.choice(paths)
    plan = plan_at(place_of(path), None)
    if plan.refusal is not None or _is_tombstone(plan):
        return
    time.sleep(dice.uniform(0, 0.002))
    outcome = release(plan, journal=Journal(journal), wait=hurried, watch_s=0, patience=PATIENCE[0])
    count[outcome.status.value] += 1
    if outcome.status is Status.REFUSED and any("lost the race" in said for said in outcome.sentences):
        count["lost"] += 1
    if outcome.status is Status.FAILED:
        count[outcome.sentences[0]] += 1


def with_clock_steps(paths: Sequence[str], journal: str, count: Counter[str], dice: random.Random) -> None:
    """Release while the wall clock is set again and again, forwards and back, by up to a day."""
    with stepping_clock(dice):
        lockdeck(paths, journal, count, dice)


def without_the_rule(paths: Sequence[str], journal: str, count: Counter[str], dice: random.Random) -> None:
    """Not lockdeck's way: wait for nobody who has just started."""
    with mock.patch(f"{__name__}.PATIENCE", [NOBODY_NEW]):
        lockdeck(paths, journal, count, dice)


def _at_pace(compression: float) -> Releaser:
    """Make lockdeck's clock run that many times faster; endlessly fast, only exchange and check protect."""

    def act(paths: Sequence[str], journal: str, count: Counter[str], dice: random.Random) -> None:
        with mock.patch(f"{__name__}.COMPRESSION", compression):
            lockdeck(paths, journal, count, dice)

    return act


def by_hand(paths: Sequence[str], journal: str, count: Counter[str], dice: random.Random) -> None:
    """Release at the pace of a person who does nothing else: real waits, and a second between two attempts."""
    _at_pace(1.0)(paths, journal, count, dice)
    count["attempts"] += 1
    time.sleep(1.0)


def look_by_hand(paths: Sequence[str], journal: str, count: Counter[str], dice: random.Random) -> None:
    """Look at that pace and do nothing."""
    with mock.patch(f"{__name__}.COMPRESSION", 1.0):
        look_only(paths, journal, count, dice)
    count["attempts"] += 1
    time.sleep(1.0)


def _only_after_the_take(folder: int, name: str, fd: int) -> bool:
    return name != LOCK or is_file(folder, name, fd)


def lockdeck_blind(paths: Sequence[str], journal: str, count: Counter[str], dice: random.Random) -> None:
    """Go for whatever lock stands there, live or not: only the exchange and the check after it protect."""
    with (
        mock.patch(f"{__name__}.COMPRESSION", 1e9),
        mock.patch.object(plan_module, "refusals", return_value=()),
        mock.patch.object(proof_module, "refusals", return_value=()),
        mock.patch.object(proof_module, "differences", return_value=()),
        mock.patch.object(release_module, "is_pinned", return_value=True),
        mock.patch.object(swap_module, "is_file", _only_after_the_take),
    ):
        lockdeck(paths, journal, count, dice)


def _is_tombstone(plan: ReleasePlan) -> bool:
    """A releaser that takes tombstones out again would keep acquirers waiting for ever."""
    payload = plan.view.record.payload if plan.view else None
    return payload is not None and payload.pid == TOMBSTONE_PID


def finish_by_unlink(site: Site) -> bool:
    """Not lockdeck's way: look once more, then delete the stand-in by path."""
    if kind_at(site, site.directory, site.name) is FileKind.STAND_IN:
        os.unlink(site.name, dir_fd=site.directory)
    return True


def finish_by_tombstone(site: Site) -> bool:
    """Not lockdeck's way: make the stand-in name a dead pid, through its descriptor, and leave it to OpenClaw."""
    try:
        fd = os.open(site.name, os.O_RDWR | os.O_NOFOLLOW, dir_fd=site.directory)
    except FileNotFoundError:
        return True
    try:
        if is_lock_of(read_all(fd), site.action):
            os.pwrite(fd, TOMBSTONE, 0)
            os.ftruncate(fd, len(TOMBSTONE))
    finally:
        os.close(fd)
    return True


@contextmanager
def finishing(finish: Callable[[Site], bool]) -> Iterator[None]:
    """Let lockdeck finish in another way, for comparison."""
    with (
        mock.patch.object(swap_module, "vacate", finish),
        mock.patch.object(restore_module, "_finish_removal", return_value=None),
    ):
        yield


def _with(finish: Callable[[Site], bool]) -> Releaser:
    def act(paths: Sequence[str], journal: str, count: Counter[str], dice: random.Random) -> None:
        with finishing(finish):
            lockdeck(paths, journal, count, dice)

    return act


RELEASERS: dict[str, Releaser | None] = {
    "none": None,
    "check-then-unlink": check_then_unlink,
    "look only": look_only,
    "lockdeck": lockdeck,
    "lockdeck, clock steps": with_clock_steps,
    "without the rule": without_the_rule,
    "lockdeck, no waits": _at_pace(1e9),
    "lockdeck, blind": lockdeck_blind,
    "lockdeck, full waits": _at_pace(1),
    "lockdeck, by hand": by_hand,
    "look only, by hand": look_by_hand,
    "lockdeck, unlink": _with(finish_by_unlink),
    "lockdeck, tombstone": _with(finish_by_tombstone),
    "lockdeck, over the wire": over_the_wire,
}
