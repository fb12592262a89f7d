"""The dashboard acts on a fleet over a real nats-server, as over ssh: hosts prove and decide, the server says who may ask."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.nats.address import fleet_address
from lockdeck.backend.hosts.source import HostsSource
from lockdeck.backend.system.clocks import wall_time
from lockdeck.tui.operations import ActionContext
from tests.hosts.nats.fleet import TellingHost, telling
from tests.hosts.nats.secured import SecuredServer
from tests.hosts.nats.server import serving
from tests.tui.dialogs import ask_release, asked, ended, hosts_seen, label, locks_shown, words
from tests.tui.stage import dashboard, frame, wait_for
from tests.unit.dashboard.elsewhere import forbid_local_acts
from tests.unit.fleetdir import PAST, actor, dead_pid, payload

pytestmark = pytest.mark.timeout(400)
SIZE = (130, 44)
KEY = "agent:main:main"


@pytest.fixture(autouse=True)
def _nothing_is_done_here(monkeypatch):
    """Every function that plans or acts on this machine fails."""

    forbid_local_acts(monkeypatch)


class FleetYard:
    """Hosts of a fleet behind the shipped configuration, and a deck of one of its users."""

    def __init__(self, folder, monkeypatch):
        self._folder, self._monkeypatch = folder, monkeypatch
        self._stack = ExitStack()
        self.secured = SecuredServer(folder / "secured")
        self.server = self.secured.server
        self.journal = Journal(str(folder / "deck" / "journal.jsonl"))
        self._stack.enter_context(serving([self.server]))

    def host(self, name, role="operator"):
        env = self.secured.env(name)
        host = TellingHost(self._folder / name, name, self.server.url, env, role=role)
        host.lock = host.fleet.session(KEY)
        self._stack.enter_context(telling(host))
        return host

    def deck(self, user):
        for name, value in self.secured.env(user).items():
            self._monkeypatch.setenv(name, value)
        fleet = fleet_address(self.server.url.replace("://", f"://{user}@"), "main")
        context = ActionContext(journal=self.journal)
        return dashboard(HostsSource([fleet]), now=wall_time(), action_context=context)

    def kinds(self, kind):
        return [entry for entry in self.journal.read().entries if entry["kind"] == kind]

    def close(self):
        self._stack.close()


@pytest.fixture
def yard(tmp_path, monkeypatch):
    made = FleetYard(tmp_path, monkeypatch)
    yield made
    made.close()


def leave_dead(host):
    host.lock.write_text(payload(dead_pid(), PAST))
    return host.lock


def entries(host, kind):
    path = host.fleet.home / "lockdeck-state" / "journal.jsonl"
    return [entry for entry in Journal(str(path)).read().entries if entry["kind"] == kind]


async def test_marked_locks_of_a_fleet_are_released_on_their_hosts_by_who_the_server_knows(yard):
    hosts = [yard.host(name) for name in ("alpha", "beta")]
    locks = [leave_dead(host) for host in hosts]
    app = yard.deck("ann")
    async with app.run_test(size=SIZE) as pilot:
        await wait_for(pilot, lambda: hosts_seen(app) and locks_shown(app, 2))
        await ask_release(pilot, "space", "down", "space")
        assert label(app, "yes") == "Release 2 locks", frame(app)
        await pilot.press("2", "enter")
        await wait_for(pilot, lambda: ended(app))
        assert frame(app).count("released") >= 2, frame(app)
    assert [lock.exists() for lock in locks] == [False, False]
    for host in hosts:
        (begin,) = entries(host, "ask-begin")
        assert (begin["from"], begin["role"]) == ("ann over NATS", "operator")
        assert len(entries(host, "released")) == 1
    assert sorted(entry["host"] for entry in yard.kinds("answered")) == ["alpha", "beta"]


async def test_a_dead_lock_of_a_fleet_is_shown_with_the_proof_of_its_host(yard):
    lock = leave_dead(yard.host("alpha"))
    app = yard.deck("ann")
    async with app.run_test(size=SIZE) as pilot:
        await wait_for(pilot, lambda: hosts_seen(app) and locks_shown(app, 1))
        await ask_release(pilot)
        assert "Why it is safe" in words(app)
        assert "alpha" in words(app)
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: ended(app))
    assert not lock.exists()


async def test_a_cancel_in_a_fleet_is_planned_by_its_host_and_its_refusal_told(yard):
    host = yard.host("alpha")
    with actor() as holder:
        holder.take(host.lock)
        app = yard.deck("ann")
        async with app.run_test(size=SIZE) as pilot:
            await wait_for(pilot, lambda: hosts_seen(app) and bool(app.deck.displayed.locks))
            await pilot.press("c")
            await wait_for(pilot, lambda: asked(app))
            assert "terminate: it ends a process, which the role operator may not" in words(app), frame(app)
        assert holder.process.poll() is None
    assert entries(host, "cancel-begin") == []


@pytest.mark.parametrize(
    ("user", "role", "why"),
    [
        ("deck", "operator", "the server does not let deck"),
        ("ann", "viewer", "lockdeck serve there must say --role operator"),
    ],
)
async def test_what_may_not_be_asked_is_said_with_the_reason_and_the_way_by_hand(yard, user, role, why):
    host = yard.host("alpha", role)
    lock = leave_dead(host)
    app = yard.deck(user)
    async with app.run_test(size=SIZE) as pilot:
        await wait_for(pilot, lambda: hosts_seen(app) and locks_shown(app, 1))
        await ask_release(pilot)
        said = words(app)
        assert why in said, said
        assert "by hand, typed on alpha itself: `lockdeck release" in said
        assert label(app, "no") == "Close"
    assert lock.exists()
    assert yard.kinds("asked") == entries(host, "ask-begin") == entries(host, "ask-refused") == []


async def test_an_answer_that_is_lost_with_the_server_is_looked_up_by_the_dashboard_and_done_once(yard):
    host = yard.host("alpha")
    lock = leave_dead(host)
    app = yard.deck("ann")
    async with app.run_test(size=SIZE) as pilot:
        await wait_for(pilot, lambda: hosts_seen(app) and locks_shown(app, 1))
        await ask_release(pilot)
        await pilot.press("right", "enter")
        await wait_for(pilot, lambda: "proving everything" in frame(app) or ended(app))
        yard.server.kill()
        back = threading.Timer(3, yard.server.start)
        back.start()
        await wait_for(pilot, lambda: ended(app))
        back.join()
        shown = words(app)
    assert "released" in shown, shown
    assert not lock.exists()
    assert len(entries(host, "ask-begin")) == len(entries(host, "released")) == 1
    (answered,) = yard.kinds("answered")
    assert (answered["status"], len(yard.kinds("asked"))) == ("released", 1)


@pytest.mark.parametrize("user", ["deck", "ann"])
async def test_a_deck_that_may_only_look_has_the_journals_of_the_hosts_too(yard, user):
    host = yard.host("alpha")
    there = Journal(str(host.fleet.home / "lockdeck-state" / "journal.jsonl"))
    there.append("refused", path="/r/a.jsonl.lock", releaseId="aa", sentences=["the verdict is held"])
    app = yard.deck(user)
    async with app.run_test(size=SIZE) as pilot:
        await wait_for(pilot, lambda: hosts_seen(app))
        await pilot.press("J")
        await wait_for(pilot, lambda: "journals of 1 host: 1 told" in frame(app))
        (row,) = [row.split() for row in frame(app).split("\n") if "a.jsonl.lock" in row]
        assert row[0] == "alpha", frame(app)
