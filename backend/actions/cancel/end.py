"""End the process that holds a session, by its supervisor or by SIGTERM, and see what came of it. Never SIGKILL."""

from __future__ import annotations

from lockdeck.backend.actions.cancel.gateway import DRAIN_S, gateway_lock_of
from lockdeck.backend.actions.cancel.ladder import Rung
from lockdeck.backend.actions.cancel.records import Step
from lockdeck.backend.actions.cancel.restart import find_supervisor, restart
from lockdeck.backend.actions.cancel.scene import Scene
from lockdeck.backend.actions.cancel.verify_sqlite import POLL_S, row_of_session
from lockdeck.backend.openclaw.gateway.access import Line
from lockdeck.backend.openclaw.gateway.trouble import GatewayError, Trouble
from lockdeck.backend.system import procfs


def end_process(scene: Scene, rung: Rung) -> Step:
    """End the holder by its supervisor or by SIGTERM, and watch its lock go with it."""
    plan, fired = scene.plan, scene.clock()
    assert plan.pid is not None
    assert plan.holder_ticks is not None
    supervisor = find_supervisor(plan.pid) if plan.is_gateway else None
    problem = restart(supervisor, plan.pid, plan.holder_ticks, plan.way.env)
    if problem is not None:
        return Step(rung.name, worked=False, sentence=f"{rung.title}: {problem}")
    after = _gone_after(scene, fired, scene.limits.restart)
    if _runs(plan.pid, plan.holder_ticks):
        sentence = f"{rung.title}: pid {plan.pid} still runs after {after / 1000:.0f} s; it may finish its runs first"
        return Step(rung.name, worked=False, sentence=sentence, went_on=True)
    record = scene.look()
    if record.payload is not None and record.payload.pid == plan.pid:
        left = f"pid {plan.pid} has ended, but its lock was left behind: release it"
        return Step(rung.name, worked=False, sentence=f"{rung.title}: {left}")
    return Step(
        rung.name,
        True,
        f"{rung.title}: pid {plan.pid} has ended and released its lock",
        "",
        after,
        None,
        after,
    )


def end_gateway(scene: Scene, rung: Rung) -> Step:
    """End a gateway that lets its runs end first, and see whether the next one, if any, begins the run again."""
    plan, fired, limits = scene.plan, scene.clock(), scene.limits
    assert plan.pid is not None
    assert plan.holder_ticks is not None
    supervisor = find_supervisor(plan.pid, DRAIN_S + 15)
    scene.tell(
        f"{rung.title}: pid {plan.pid} is told to end; it may let its runs go on for up to {DRAIN_S} s first"
    )
    problem = restart(supervisor, plan.pid, plan.holder_ticks, plan.way.env, limits.drain)
    if problem is not None:
        return Step(rung.name, worked=False, sentence=f"{rung.title}: {problem}")
    after = _gone_after(scene, fired, limits.drain)
    if _runs(plan.pid, plan.holder_ticks):
        sentence = (
            f"{rung.title}: pid {plan.pid} still runs after {after / 1000:.0f} s and lets its runs go on"
        )
        return Step(rung.name, worked=False, sentence=sentence, went_on=True)
    ended = f"{rung.title}: pid {plan.pid} has ended within {after / 1000:.1f} s of the signal, and its runs with it"
    follower = _follower(scene, limits.restart if supervisor is not None else limits.quiet)
    if follower is None and supervisor is not None:
        return Step(rung.name, False, f"{ended}; no gateway came up within {limits.restart:.0f} s", "", after)
    if follower is None:
        return Step(
            rung.name,
            True,
            f"{ended}; no gateway serves this root until one is started",
            "",
            after,
            None,
            after,
        )
    worked, told = _not_begun_again(scene, follower)
    return Step(
        rung.name, worked is True, f"{ended}; {told}", "", after, None, after, went_on=worked is False
    )


def _gone_after(scene: Scene, fired: float, seconds: float) -> int:
    """Wait until the process of the plan has ended, at most `seconds`; return the milliseconds since `fired`."""
    pid, ticks = scene.plan.pid or 0, scene.plan.holder_ticks or 0
    while scene.clock() - fired < seconds and _runs(pid, ticks):
        scene.wait(scene.limits.poll)
    return round((scene.clock() - fired) * 1000)


def _follower(scene: Scene, seconds: float) -> int | None:
    """Return the pid of another gateway that serves the root, waiting for it at most `seconds`."""
    plan, until = scene.plan, scene.clock() + seconds
    while True:
        view = gateway_lock_of(plan.way, scene.clock())
        holder = view.judgement.holder if view is not None else None
        if holder is not None and (holder.pid, holder.start_ticks) != (plan.pid, plan.holder_ticks):
            return holder.pid
        if scene.clock() >= until:
            return None
        scene.wait(POLL_S)


def _not_begun_again(scene: Scene, pid: int) -> tuple[bool | None, str]:
    """Whether the run of the plan stays over in the new gateway; None where that can't be seen. With a sentence."""
    who = f"a new gateway (pid {pid}) serves the root"
    try:
        line = _line_to(scene)
    except GatewayError as error:
        return None, f"{who}; whether it began the run again can't be seen: {error.sentence}"
    # It begins with what a crash left behind some 8 s after it is ready (seen on 2026.9.6).
    until = scene.clock() + scene.limits.quiet_blind
    try:
        while True:
            row = row_of_session(line, scene.target.key)
            if row is not None and row.active:
                return False, f"{who} and shows an active run of the session again"
            if scene.clock() >= until:
                return True, f"{who} and has shown no run of the session for {scene.limits.quiet_blind:g} s"
            scene.wait(POLL_S)
    except GatewayError as error:
        return None, f"{who}; whether it began the run again can't be seen: {error.sentence}"
    finally:
        line.close()


def _line_to(scene: Scene) -> Line:
    """Connect to the new gateway as soon as it takes calls. GatewayError."""
    until = scene.clock() + scene.limits.restart
    while True:
        try:
            return scene.connect()
        except GatewayError as error:
            if error.kind not in _PASSING or scene.clock() >= until:
                raise
        scene.wait(POLL_S)


_PASSING = frozenset({Trouble.UNREACHABLE, Trouble.UNAVAILABLE, Trouble.CLOSED, Trouble.SILENT})
"""What a gateway that is just starting gives for an answer."""


def _runs(pid: int, ticks: int) -> bool:
    stat = procfs.read_stat(pid)
    return stat is not None and not stat.ended and stat.start_ticks == ticks
