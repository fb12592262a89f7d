"""A dashboard of hosts acts on them: real agents behind real pipes prove and decide, and nothing is done from here."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts import link
from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.source import HostsSource
from lockdeck.backend.system.clocks import wall_time
from lockdeck.backend.system.procfs import LINUX
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.dialogs.result import ResultDialog
from lockdeck.tui.operations import ActionContext
from tests.tui.dialogs import ask_release, asked, ended, label, locks_shown, verdict, words
from tests.tui.stage import dashboard, frame, wait_for
from tests.unit.dashboard.elsewhere import forbid_local_acts
from tests.unit.fleetdir import PAST, FleetDir, actor, dead_pid, payload, running_below
from tests.unit.hosts.following import HANGS_BEFORE_IT_ACTS, losing_an_answer, served

pytestmark = pytest.mark.skipif(not LINUX, reason="who has a file open is seen on Linux only")
SIZE = (130, 44)
KEY = "agent:main:main"


@pytest.fixture(autouse=True)
def _nothing_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have links be patient, and every function that plans or acts on this machine fail."""

    forbid_local_acts(monkeypatch)
    monkeypatch.setattr(link, "CONNECT_S", 100.0)
    monkeypatch.setattr(link, "SILENT_S", 100.0)


class HostYard:
    """Hosts of a deck, each a directory with a lock of a process that has ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = Journal(str(folder / "deck" / "journal.jsonl"))
        self.fleets: dict[str, FleetDir] = {}
        self.addresses: list[HostAddress] = []

    def host(self, name: str, role: str = "operator", first: str = "") -> FleetDir:
        """Add a host; see `served`."""
        (self.folder / name).mkdir()
        fleet = self.fleets[name] = FleetDir(self.folder / name)
        self.addresses.append(served(fleet, "--role", role, name=name, first=first))
        return fleet

    def app(self) -> LockdeckApp:
        """Return a dashboard on these hosts."""
        context = ActionContext(journal=self.journal)
        return dashboard(HostsSource(self.addresses), now=wall_time(), action_context=context)

    def kinds(self, name: str) -> list[str]:
        """Return what the journal of a host tells."""
        path = self.fleets[name].home / "lockdeck-state" / "journal.jsonl"
        return [entry["kind"] for entry in Journal(str(path)).read().entries]

    def deck_entries(self, kind: str) -> list[dict[str, object]]:
        """Return the entries of a kind in the deck's own journal."""
        return [dict(entry) for entry in self.journal.read().entries if entry["kind"] == kind]


@pytest.fixture
def yard(tmp_path: Path) -> HostYard:
    return HostYard(tmp_path)


def lock_of(fleet: FleetDir) -> Path:
    return Path(fleet.session(KEY))


def leave_dead(fleet: FleetDir) -> Path:
    lock = lock_of(fleet)
    lock.write_text(payload(dead_pid(), PAST))
    return lock


async def test_marked_locks_of_two_hosts_are_released_there_at_once(yard: HostYard) -> None:
    locks = [leave_dead(yard.host(name)) for name in ("alpha", "beta")]
    app = yard.app()
    async with app.run_test(size=SIZE) as pilot:
        await wait_for(pilot, lambda: locks_shown(app, 2))
        await ask_release(pilot, "space", "down", "space")
        assert label(app, "yes") == "Release 2 locks", frame(app)
        asked_about = words(app)
        assert all(f"{name} " in asked_about for name in ("alpha", "beta")), "whose locks they are"
        await pilot.press("2", "enter")
        await wait_for(pilot, lambda: ended(app))
        picture = frame(app)
    assert picture.count("released") >= 2, picture
    assert [lock.exists() for lock in locks] == [False, False]
    for name in ("alpha", "beta"):
        kinds = yard.kinds(name)
        assert (kinds[0], kinds[-1], kinds.count("released")) == ("ask-begin", "ask-end", 1)
    assert sorted(str(entry["host"]) for entry in yard.deck_entries("answered")) == ["alpha", "beta"]


async def test_a_dead_lock_of_a_host_is_shown_with_the_proof_of_that_host(yard: HostYard) -> None:
    lock = leave_dead(yard.host("alpha"))
    app = yard.app()
    async with app.run_test(size=SIZE) as pilot:
        await wait_for(pilot, lambda: locks_shown(app, 1))
        await ask_release(pilot)
        picture = frame(app)
        assert "Why it is safe" in picture
        assert "What will be done" in picture
        assert "none stands beside the lock" not in picture
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: ended(app))
    assert not lock.exists()


async def test_a_leaked_lock_of_a_host_is_released_on_a_persons_word_by_its_whole_path(
    yard: HostYard,
) -> None:
    fleet = yard.host("alpha")
    lock = lock_of(fleet)
    with actor() as holder:
        holder.leak(lock)
        app = yard.app()
        async with app.run_test(size=SIZE) as pilot:
            await wait_for(pilot, lambda: verdict(app) == "leaked")
            await ask_release(pilot)
            assert "Release this lock on your own word?" in words(app), words(app)
            await pilot.press("right", "enter")
            assert lock.exists()
            app.screen.query_one("#ask-word", Input).value = str(lock)
            await pilot.press("enter")
            await wait_for(pilot, lambda: ended(app))
        assert not lock.exists()
    assert yard.kinds("alpha").count("released") == 1


async def test_a_host_whose_role_only_looks_says_what_to_do(yard: HostYard) -> None:
    lock = leave_dead(yard.host("alpha", role="viewer"))
    app = yard.app()
    async with app.run_test(size=SIZE) as pilot:
        await wait_for(pilot, lambda: locks_shown(app, 1))
        await ask_release(pilot)
        assert "must say --role operator" in words(app)
        assert "could not be read" not in words(app)
        assert label(app, "no") == "Close"
    assert lock.exists()
    assert yard.deck_entries("asked") == []


def slow_to_take(seconds: float) -> str:
    """Return what has a host take two asks in so many seconds."""
    return f"from lockdeck.backend.hosts import claims\nclaims.MOST_A_MINUTE, claims._MINUTE_S = 2, {seconds}"


async def release_four(yard: HostYard, pilot: Pilot[int], fleet: FleetDir) -> None:
    """Confirm the release of four locks, and wait until the host takes no more."""
    for number in range(4):
        fleet.session(f"agent:main:{number}").write_text(payload(dead_pid(), PAST))
    await wait_for(pilot, lambda: locks_shown(pilot.app, 4))
    await ask_release(pilot, "asterisk")
    await pilot.press("4", "enter")
    await wait_for(pilot, lambda: "its host takes 2 asks a minute" in words(pilot.app))
    assert "esc Stop the rest" in frame(pilot.app)
    assert yard.kinds("alpha").count("released") == 2


async def test_what_a_host_takes_no_more_of_waits_and_escape_gives_it_up(yard: HostYard) -> None:
    fleet = yard.host("alpha", first=slow_to_take(100))
    app = yard.app()
    async with app.run_test(size=SIZE) as pilot:
        await release_four(yard, pilot, fleet)
        await pilot.press("escape")
        await wait_for(pilot, lambda: ended(app))
        said = words(app)
        assert said.count("stopped before it was asked for: nothing was done") == 2, said
        assert (said.count("released alpha"), said.count("not done alpha")) == (2, 2), said
        await pilot.press("escape")
        await wait_for(pilot, lambda: not isinstance(app.screen, ResultDialog))
    assert yard.kinds("alpha").count("released") == 2


async def test_what_waits_for_its_host_goes_on_when_the_dialog_is_closed(yard: HostYard) -> None:
    fleet = yard.host("alpha", first=slow_to_take(2))
    app = yard.app()
    async with app.run_test(size=SIZE) as pilot:
        await release_four(yard, pilot, fleet)
        await pilot.press("q")
        await wait_for(pilot, lambda: not app.jobs.job(1).running)
    assert [piece.word for piece in app.jobs.job(1).pieces] == ["released"] * 4
    assert yard.kinds("alpha").count("released") == 4


async def test_what_waits_for_its_host_is_not_begun_once_the_dashboard_is_left(yard: HostYard) -> None:
    fleet = yard.host("alpha", first=slow_to_take(100))
    app = yard.app()
    async with app.run_test(size=SIZE) as pilot:
        await release_four(yard, pilot, fleet)
    while threads := [each for each in threading.enumerate() if each.name == "lockdeck-action"]:
        threads[0].join(60)
    assert app.at_work == set()
    assert yard.kinds("alpha").count("released") == 2


async def test_a_host_that_is_killed_in_the_middle_of_a_release_leaves_an_end_that_is_not_known(
    yard: HostYard,
) -> None:
    fleet = yard.host("alpha", first=HANGS_BEFORE_IT_ACTS)
    lock = leave_dead(fleet)
    app = yard.app()
    async with app.run_test(size=SIZE) as pilot:
        await wait_for(pilot, lambda: locks_shown(app, 1))
        await ask_release(pilot)
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: "proving everything" in frame(app))
        for process in running_below(fleet.home):
            process.kill()
        await wait_for(pilot, lambda: ended(app))
        assert "not known alpha main main" in words(app), frame(app)
    assert lock.exists()
    assert yard.kinds("alpha").count("ask-begin") == 1
    (answered,) = yard.deck_entries("answered")
    assert answered["status"] == "end-not-known"


async def test_an_answer_that_is_lost_with_its_line_is_looked_up_shown_and_never_asked_for_again(
    yard: HostYard, tmp_path: Path
) -> None:
    fleet, cut = yard.host("alpha"), tmp_path / "cut"
    yard.addresses = [losing_an_answer(yard.addresses[0], cut)]
    lock = leave_dead(fleet)
    app = yard.app()
    async with app.run_test(size=SIZE) as pilot:
        await wait_for(pilot, lambda: locks_shown(app, 1))
        await ask_release(pilot)
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: ended(app))
        assert "released alpha main main" in words(app), frame(app)
    assert cut.exists(), "the answer was never lost"
    assert not lock.exists()
    kinds = yard.kinds("alpha")
    assert [kinds.count(kind) for kind in ("ask-begin", "released", "ask-end")] == [1, 1, 1]
    (asked_for,), (answered,) = yard.deck_entries("asked"), yard.deck_entries("answered")
    assert (answered["status"], answered["nonce"]) == ("released", asked_for["nonce"])


async def test_without_a_gateway_a_cancel_is_refused_by_its_host_with_its_reasons(yard: HostYard) -> None:
    fleet = yard.host("alpha")
    lock = lock_of(fleet)
    with actor() as holder:
        holder.take(lock)
        app = yard.app()
        async with app.run_test(size=SIZE) as pilot:
            await wait_for(pilot, lambda: app.deck.displayed is not None and bool(app.deck.displayed.locks))
            await pilot.press("c")
            await wait_for(pilot, lambda: asked(app))
            picture = frame(app)
            assert label(app, "no") == "Close", picture
            assert "terminate: it ends a process, which the role operator may not" in words(app), picture
        assert holder.process.poll() is None
    assert "cancel-begin" not in yard.kinds("alpha")


async def test_the_journal_has_what_every_host_did_beside_what_this_deck_asked_for(yard: HostYard) -> None:
    fleets = [yard.host(name) for name in ("alpha", "beta")]
    for fleet in fleets:
        leave_dead(fleet)
    app = yard.app()
    async with app.run_test(size=SIZE) as pilot:
        await wait_for(pilot, lambda: locks_shown(app, 2))
        await ask_release(pilot, "asterisk")
        await pilot.press("2", "enter")
        await wait_for(pilot, lambda: ended(app))
        await pilot.press("escape", "J")
        await wait_for(pilot, lambda: "journals of 2 hosts: 2 told" in frame(app))
        rows = [row.split()[0] for row in frame(app).split("\n") if "jsonl.lock" in row]
        assert {"this", "alpha", "beta"} == set(rows), frame(app)
        assert app.screen.table.columns[0].name == "host"
        for name, shown in (("alpha", {"alpha"}), ('"this deck"', {"this"})):
            await pilot.press("slash", "ctrl+u", *f"host:{name}", "enter")
            rows = [row.split()[0] for row in frame(app).split("\n") if "jsonl.lock" in row]
            assert set(rows) == shown, frame(app)


async def test_a_host_that_can_not_tell_its_journal_is_said_with_the_reason(yard: HostYard) -> None:
    yard.host("alpha")
    yard.addresses.append(HostAddress("nowhere", ("/nonexistent",)))
    app = yard.app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("J")
        await wait_for(pilot, lambda: "nowhere does not tell its journal: /nonexistent" in frame(app))
        await wait_for(pilot, lambda: "journals of 2 hosts: 1 told" in frame(app))
