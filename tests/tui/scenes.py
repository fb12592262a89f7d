"""Dialogs with fixed contents, for frames: what a look at real locks and gateways would have brought."""

from __future__ import annotations

from lockdeck.backend.actions.cancel.ladder import EndingCost, gentle_rungs, restart_rung
from lockdeck.backend.actions.cancel.records import CancelPlan, GatewayRoute
from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.release.records import Refusal, ReleasePlan
from lockdeck.backend.actions.release.sentences import effects
from lockdeck.backend.model.fleet import Severity
from lockdeck.backend.model.releases.version import Version
from lockdeck.backend.openclaw.roots.config import Config
from lockdeck.backend.openclaw.roots.place import RootPlaces
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.dialogs.cancel import CancelDialog, LaddersRead
from lockdeck.tui.dialogs.release import ReleaseDialog, ReleasesPlanned
from lockdeck.tui.dialogs.result import ResultDialog
from lockdeck.tui.jobs import Piece
from lockdeck.tui.operations import Offer
from tests.tui.samples import NOW, ROOT

SCOPES = ("operator.admin", "operator.read", "operator.write")


def journal_entries(journal: Journal) -> None:
    """Write one entry of each kind that a person meets."""
    lock = f"{ROOT}/agents/silas/sessions/9f3c.jsonl.lock"
    journal.append(
        "refused",
        path=lock,
        releaseId="4be1c02d97aa",
        sentences=["this lock counts as held: only one whose process has provably ended is released"],
    )
    journal.append("cancel-begin", key="agent:silas:main", rung="stop", does='send "[lockdeck] /stop"')
    told = "Stop command: the session was free 12 ms after the call and stayed free for 5.0 s"
    journal.append("cancel-end", key="agent:silas:main", sentences=[told])
    journal.append("released", path=lock, releaseId="77d0a1b2c3d4", sentences=["released"])


async def release_offer(pilot: object) -> None:
    """Ask for the release of a dead lock."""
    await _release(
        pilot,
        safe_because=("pid 4711 is gone (ESRCH)", "no process has inode 2499111 open (142 of 142 inspected)"),
        effects=effects(()),
        then=("OpenClaw 2026.4.5 would reclaim it itself at the next write to this session",),
    )


async def release_refusal(pilot: object) -> None:
    """Say why a release is refused."""
    await _release(
        pilot,
        refusal=Refusal(
            (
                "pid 4711 (node) has the lock file open",
                "this lock counts as held: only one whose process has provably ended is released",
            )
        ),
    )


async def _release(pilot: object, **told: object) -> None:
    app = await _pressed(pilot, "l", "R")
    dialog = app.screen
    assert isinstance(dialog, ReleaseDialog)
    (target,) = dialog._targets
    assert target.lock is not None
    plan = ReleasePlan(target.lock.record.path, target.release_id, NOW, view=target.lock, **told)  # type: ignore[arg-type]
    dialog.post_message(ReleasesPlanned((Offer(target, plan, NOW - 1300),)))
    await pilot.pause()  # type: ignore[attr-defined]


async def cancel_ladder(pilot: object) -> None:
    """Ask how to end a run."""
    app = await _pressed(pilot, "c")
    dialog = app.screen
    assert isinstance(dialog, CancelDialog)
    (target,) = dialog._targets
    rungs, left_out = gentle_rungs(Version(2026, 4, 5), SCOPES)
    restart = restart_rung(
        "run `systemctl --user restart openclaw-gateway`",
        EndingCost(("agent:main:main",), ""),
        comes_back=True,
    )
    plan = CancelPlan(
        key=target.row.name,
        root=ROOT,
        looked_at=NOW,
        route=GatewayRoute(
            RootPlaces(ROOT, "files", own_namespace=False), Config(f"{ROOT}/openclaw.json"), {}, "state"
        ),
        rungs=(*rungs, restart),
        pid=396,
        is_gateway=True,
        argv="openclaw-gateway",
        held=("agent:main:main",),
        version="2026.4.5",
        reached_by="WebSocket",
        scopes=SCOPES,
        queue_depth=2,
        left_out=left_out,
    )
    dialog.post_message(LaddersRead(((target, plan),)))
    await pilot.pause()  # type: ignore[attr-defined]


async def cancel_result(pilot: object) -> None:
    """Tell how a cancel ended that left a dead lock behind."""
    app = await _pressed(pilot, "c")
    dialog = app.screen
    assert isinstance(dialog, CancelDialog)
    (target,) = dialog._targets
    await pilot.press("escape")  # type: ignore[attr-defined]
    job = app.jobs.open("Cancel a run", (target,))
    told = (
        "Stop command: the session was not free within 5.0 s",
        "the holder is gone and left its lock behind",
    )
    app.jobs.put(
        job.number, 0, Piece(target, "failed", Severity.WARNING, told, True, "Reset the session", target)
    )
    await app.push_screen(ResultDialog(job.number))


async def _pressed(pilot: object, *keys: str) -> LockdeckApp:
    await pilot.press(*keys)  # type: ignore[attr-defined]
    await pilot.pause()  # type: ignore[attr-defined]
    return pilot.app  # type: ignore[attr-defined,no-any-return]
