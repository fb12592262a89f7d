"""The Session screen: the holder's process read away from the UI thread, and the session's log."""

from __future__ import annotations

import threading

from msgspec.structs import replace

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.model.sessions.loglines import LogLine
from lockdeck.backend.system.processes import ProcessDetails
from lockdeck.tui.view.holder import memory, shown_argv
from tests.tui.samples import GATEWAY_DETAILS, NOW, PAYLOADS, incident
from tests.tui.stage import HeldSource, dashboard, frame, show, wait_for

SIZE = (120, 60)


class Telling(HeldSource):
    """A source that can inspect processes; it answers when the test lets it."""

    def __init__(self, details: ProcessDetails | None = GATEWAY_DETAILS) -> None:
        super().__init__()
        self.details = details
        self.asked: list[tuple[int, int | None]] = []
        self.threads: set[int] = set()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def inspect(self, pid: int, start_ticks: int | None) -> ProcessDetails | None:
        self.asked.append((pid, start_ticks))
        self.threads.add(threading.get_ident())
        self.may_answer.wait(10)
        return self.details


class Failing(Telling):
    def inspect(self, pid: int, start_ticks: int | None) -> ProcessDetails | None:
        super().inspect(pid, start_ticks)
        raise PermissionError("hidden")


async def test_the_holder_is_read_in_another_thread_and_shown_with_its_other_locks() -> None:
    source = Telling()
    app = dashboard(source)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("enter")
        await wait_for(pilot, lambda: "openclaw.mjs" in frame(app))
        shown = frame(app)
        assert "node /opt/openclaw/openclaw.mjs gateway" in shown
        assert "3.2 % of a core since its start, 412 MB memory, 23 threads, 1 child" in shown
        assert "holds 3 other locks:" in shown
        assert "ezra ezra-0001.jsonl.lock" in shown
        assert source.asked == [(396, 4711)]
        assert threading.get_ident() not in source.threads


async def test_the_screen_goes_on_while_the_holder_is_read_and_asks_for_no_second_read() -> None:
    source, now = Telling(), [NOW]
    source.may_answer.clear()
    app = dashboard(source, clock=lambda: now[0])
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("enter")
        now[0] += 60
        app.screen.tick()
        await pilot.pause()
        assert "agent:silas:discord" in frame(app)
        assert "openclaw.mjs" not in frame(app)
        assert len(source.asked) == 1
        source.may_answer.set()
        await wait_for(pilot, lambda: "openclaw.mjs" in frame(app))


async def test_the_holder_is_read_again_after_two_seconds_and_not_before() -> None:
    source, now = Telling(), [NOW]
    app = dashboard(source, clock=lambda: now[0])
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("enter")
        await wait_for(pilot, lambda: "openclaw.mjs" in frame(app))
        now[0] += 1.9
        app.screen.tick()
        assert len(source.asked) == 1
        source.details = replace(GATEWAY_DETAILS, children=7)
        now[0] += 0.2
        app.screen.tick()
        await wait_for(pilot, lambda: "7 children" in frame(app))
        assert len(source.asked) == 2


async def test_a_read_that_fails_shows_no_process_and_no_error() -> None:
    source = Failing()
    app = dashboard(source)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("enter")
        await wait_for(pilot, lambda: bool(source.asked))
        await pilot.pause()
        assert "not read, or not to be read from here" in frame(app)
        assert app.is_running


async def test_arguments_of_the_holder_are_data() -> None:
    from lockdeck.backend.system.text import safe

    source = Telling(replace(GATEWAY_DETAILS, argv=tuple(map(safe, PAYLOADS))))
    app = dashboard(source)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, incident())
        await pilot.press("enter")
        await wait_for(pilot, lambda: "[@click=app.quit]x[/]" in frame(app))
        assert "\x1b" not in frame(app)


def logged(snapshot: FleetSnapshot, count: int) -> FleetSnapshot:
    log = tuple(LogLine(NOW - count + at, f"line {at} of the log") for at in range(count))
    return replace(snapshot, sessions=tuple(replace(view, log=log) for view in snapshot.sessions))


async def test_the_newest_line_of_the_log_stays_in_sight() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, logged(incident(), 30))
        await pilot.press("enter")
        await pilot.pause()
        assert "line 29 of the log" in frame(app)
        assert "line 2 of the log" not in frame(app)
        await show(pilot, logged(incident(), 40))
        await pilot.pause()
        assert "line 39 of the log" in frame(app)


async def test_a_session_of_which_the_log_tells_nothing_has_no_log_pane() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, logged(incident(), 0))
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen.query_one("#log-scroll").size.height == 0


def test_secrets_and_messages_in_the_arguments_are_not_shown() -> None:
    argv = (
        "openclaw",
        "agent",
        "--message",
        "my prompt",
        "--gateway-token=abc",
        "--password",
        "x",
        "--local",
    )
    assert " ".join(shown_argv(argv)) == (
        "openclaw agent --message *** --gateway-token=*** --password *** --local"
    )


def test_memory_is_written_for_people() -> None:
    assert [memory(size) for size in (812_000, 41_500_000, 1_310_000_000)] == ["812 kB", "41 MB", "1.3 GB"]
