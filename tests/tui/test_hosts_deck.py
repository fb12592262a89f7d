"""A deck on hosts: whose each row is, what is lost, and what is never asked of this machine."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from lockdeck.backend.hosts.address import HostAddress, by_hand, ssh_address
from lockdeck.backend.hosts.addresses import DeckAddresses
from lockdeck.backend.hosts.merged import MergedHosts
from lockdeck.backend.hosts.nats.address import fleet_address
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.hosts import Phase
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.screens.hosts import HostsScreen
from lockdeck.tui.screens.locks import LocksScreen
from lockdeck.tui.table.finding import holder_filter
from lockdeck.tui.table.folding import Fold, fold_of
from lockdeck.tui.table.rows import fleet_rows
from lockdeck.tui.table.tables import FLEET
from lockdeck.tui.view.holder import other_locks
from lockdeck.tui.view.hosts import hosts_line, time_there
from lockdeck.tui.view.lines import plain
from tests.tui.hostfleet import ADDRESSES, AHEAD_S, GROUPS, HEARD, calling, states, three_hosts
from tests.tui.samples import NOW, incident
from tests.tui.stage import HeldSource, at_rest, dashboard, frame, show, wait_for

SILAS = "agent:silas:discord:channel:119834421"


def on_hosts() -> LockdeckApp:
    source = HeldSource()
    source.addresses = ADDRESSES
    return dashboard(source)


async def test_every_row_says_first_whose_it_is() -> None:
    app = on_hosts()
    async with app.run_test(size=(140, 40)) as pilot:
        await show(pilot, three_hosts())
        text = frame(app)
        assert text.split("\n")[4].split()[0] == "HOST" or "HOST" in text
        assert app.screen.table.columns[0].name == "host"
        for table in ("l", "e"):
            await pilot.press(table)
            assert app.screen.table.columns[0].name == "host"


async def test_no_choice_of_columns_makes_rows_of_two_hosts_alike() -> None:
    names = [column.name for column in FLEET.columns_for(("agent", "session"), on_hosts=True)]
    assert names == ["host", "agent", "session"]
    assert [column.name for column in FLEET.columns_for(("agent",), on_hosts=False)] == ["agent"]


async def test_on_this_machine_alone_nothing_speaks_of_hosts() -> None:
    app = dashboard()
    async with app.run_test(size=(140, 40)) as pilot:
        await show(pilot, incident())
        assert "HOST" not in frame(app)
        await pilot.press("slash", *"hos", "tab")
        assert "host:" not in frame(app)


async def test_a_host_that_is_lost_is_said_and_its_rows_are_neither_green_nor_acted_on() -> None:
    app = on_hosts()
    async with app.run_test(size=(140, 40)) as pilot:
        await show(pilot, three_hosts())
        header = frame(app).split("\n")
        assert "? 6" in header[0]
        assert "3 hosts, 1 lost: beta since" in header[1]
        assert "clock of gamma 1m 35s ahead" in header[1]
        await pilot.press("slash", *"host:beta", "enter")
        rows = [row for row in frame(app).split("\n") if row.strip().startswith("beta")]
        assert rows
        assert all("not seen since" in row or "unseen" in row for row in rows)
        for key in ("c", "R"):
            await pilot.press(key)
            assert isinstance(app.screen, FleetScreen)
        assert any("beta is not seen since" in note.message for note in app._notifications)


def test_rows_that_were_idle_when_their_host_was_lost_are_folded_as_not_seen() -> None:
    folds = {row.host: fold_of(row) for row in fleet_rows(three_hosts()).values() if fold_of(row)}
    assert folds["beta"] is Fold.UNSEEN
    assert folds["gamma"] is Fold.IDLE


def test_ages_are_by_the_clock_of_the_host_and_stand_still_where_it_is_lost() -> None:
    hosts = {host.name: host for host in three_hosts().hosts}
    rows = {row.host: row for row in fleet_rows(three_hosts()).values()}
    assert time_there(rows["alpha"], NOW + 5, hosts) == NOW + 5
    assert time_there(rows["gamma"], NOW + 5, hosts) == NOW + 5 + AHEAD_S
    assert time_there(rows["beta"], NOW + 5, hosts) == HEARD


def test_a_pid_on_another_host_is_another_process() -> None:
    merged = MergedHosts({})
    alpha = states()[0]
    twin = replace(alpha, name="beta", snapshot=replace(alpha.snapshot, host="beta"))
    twin = replace(
        twin,
        snapshot=replace(
            twin.snapshot,
            sessions=tuple(
                replace(view, host="beta", lock=view.lock and replace(view.lock, host="beta"))
                for view in twin.snapshot.sessions
            ),
            locks=tuple(replace(lock, host="beta") for lock in twin.snapshot.locks),
        ),
    )
    fleet = merged.picture((alpha, twin), NOW)
    own = next(lock for lock in fleet.locks if lock.host == "alpha" and lock.judgement.holder is not None)
    elsewhere = [lock for lock in fleet.locks if lock.host == "beta"]
    assert own.judgement.holder in [lock.judgement.holder for lock in elsewhere]
    assert "beta" not in {lock.host for lock in other_locks(own.judgement.holder, own, fleet)}
    assert holder_filter("a", 396) == 'host:"a" holder:396'


async def test_the_locks_of_a_holder_are_those_of_its_host() -> None:
    app = on_hosts()
    async with app.run_test(size=(140, 40)) as pilot:
        await show(pilot, three_hosts())
        await pilot.press("slash", *'host:"alpha"', "enter", "h")
        await wait_for(pilot, lambda: isinstance(app.screen, LocksScreen))
        items = [app.screen.items[key] for key in app.screen.table.order]
        assert items
        assert all(isinstance(lock, LockView) and lock.host == "alpha" for lock in items)


@pytest.mark.parametrize("key", ["L", "T"])
async def test_log_and_transcript_say_that_they_stay_on_their_host_and_how_to_read_them_there(key) -> None:
    app = on_hosts()
    async with app.run_test(size=(140, 40)) as pilot:
        await show(pilot, three_hosts())
        await pilot.press("slash", *'host:"alpha"', "enter", key)
        if key == "L":
            await pilot.press("r")
        await at_rest(pilot)
        assert "never leave their host" in frame(app)
        assert "ssh -t alpha lockdeck" in frame(app)


async def test_the_hosts_screen_leads_to_the_rows_of_one_host_and_folds_groups() -> None:
    app = on_hosts()
    async with app.run_test(size=(160, 40)) as pilot:
        await show(pilot, three_hosts())
        await pilot.press("H")
        assert isinstance(app.screen, HostsScreen)
        text = frame(app)
        assert "no answer within 6 s" in text
        assert "+1m 35s" in text
        await pilot.press("z")
        assert "prod (2)" in frame(app)
        await pilot.press("enter")
        assert "prod (2)" not in frame(app)
        app.screen.table.move_to_key(("host", "gamma"))
        await pilot.press("enter")
        assert isinstance(app.screen, FleetScreen)
        assert app.screen.filter_text == 'host:"gamma"'


async def test_the_palette_finds_hosts() -> None:
    app = on_hosts()
    async with app.run_test(size=(140, 40)) as pilot:
        await show(pilot, three_hosts())
        await pilot.press("colon", *"gamma")
        await wait_for(pilot, lambda: "host gamma" in frame(app))


async def test_before_any_host_has_answered_and_where_none_can_be_reached_that_is_said() -> None:
    app = on_hosts()
    async with app.run_test(size=(100, 30)) as pilot:
        await show(pilot, calling())
        assert "No host has answered yet" in frame(app)
        assert "3 hosts, calling all" in frame(app)
        gone = [replace(host, phase=Phase.LOST, problem="no route") for host in calling().hosts]
        await show(pilot, replace(calling(), hosts=tuple(gone)))
        assert "No host can be reached" in frame(app)
        assert "no route" in frame(app)
        assert "Nothing needs you" not in frame(app)


async def test_a_host_that_is_lost_is_told_once_it_has_lasted() -> None:
    app = on_hosts()
    async with app.run_test(size=(100, 30)) as pilot:
        merged = MergedHosts(GROUPS)
        await show(pilot, merged.picture(states(lost=False), NOW))
        app.deck.notices(NOW, app.preferences.notify)
        await show(pilot, merged.picture(states(), NOW + 1))
        app.deck.notices(NOW + 1, app.preferences.notify)
        told = app.deck.notices(NOW + 60, app.preferences.notify)
        assert [notice.name for notice in told] == ["beta"]
        await asyncio.sleep(0)


def test_many_lost_hosts_are_named_and_counted() -> None:
    lost = [replace(three_hosts().hosts[1], name=f"h{number}") for number in range(5)]
    words = plain(hosts_line(lost, NOW))
    assert words.startswith("5 hosts, 5 lost: h0 since ")
    assert words.endswith(", 3 more")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("docker exec -i claw lockdeck serve --stdio", "docker exec -it claw lockdeck"),
        ("ssh -T a lockdeck serve --stdio", "ssh -t a lockdeck"),
        ("sudo -n -u claw lockdeck serve --stdio", "sudo -n -u claw lockdeck"),
        ("socat - UNIX-CONNECT:/x", ""),
    ],
)
def test_the_command_of_a_host_says_how_a_person_looks_there(command: str, words: str) -> None:
    assert " ".join(by_hand(tuple(command.split()))) == words


def test_an_ssh_address_says_how_a_person_looks_there() -> None:
    assert ssh_address("ssh://claw@beta:2222").by_hand == ("ssh", "-t", "ssh://claw@beta:2222", "lockdeck")


async def test_a_lost_host_stands_below_what_can_be_ended_and_nothing_of_it_is_offered() -> None:
    app = on_hosts()
    async with app.run_test(size=(140, 40)) as pilot:
        await show(pilot, three_hosts())
        above, below = [row for row in frame(app).split("\n") if row.startswith(" ! ")]
        assert "github-copilot answers nobody" in above
        assert "C cancel all" in above
        assert "host beta is not seen" in below
        await pilot.press("slash", *"host:beta", "enter", "i", "home")
        assert "C cancel all" not in frame(app)
        await pilot.press("C")
        assert isinstance(app.screen, FleetScreen)
        assert any("asked for nothing until it answers again" in note.message for note in app._notifications)


@pytest.mark.parametrize("size", [(80, 24), (170, 40)])
async def test_the_name_over_the_answer_says_on_which_host_the_row_is(size: tuple[int, int]) -> None:
    app = on_hosts()
    async with app.run_test(size=size) as pilot:
        await show(pilot, three_hosts())
        await wait_for(pilot, lambda: "alpha silas" in frame(app))


async def test_the_screen_of_a_session_says_on_which_host_it_is() -> None:
    app = on_hosts()
    async with app.run_test(size=(140, 40)) as pilot:
        await show(pilot, three_hosts())
        await pilot.press("enter")
        title = next(row for row in frame(app).split("\n") if "agent:silas" in row)
        assert "   alpha   agent:silas" in title


async def test_what_is_copied_of_a_row_names_its_host_as_a_command_here_takes_it() -> None:
    app = on_hosts()
    async with app.run_test(size=(140, 40)) as pilot:
        await show(pilot, three_hosts())
        await pilot.press("slash", *'host:"alpha" silas', "enter", "y")
        assert app.clipboard == f"{SILAS} --host alpha"


async def test_the_text_of_a_row_has_the_commands_about_it_each_for_its_host() -> None:
    app = on_hosts()
    async with app.run_test(size=(140, 60)) as pilot:
        await show(pilot, three_hosts())
        for keys in (("slash", *'host:"alpha" silas', "enter", "Y"), ("escape", "enter", "Y")):
            await pilot.press(*keys)
            shown = {row.strip() for row in frame(app).split("\n")}
            root = app.deck.displayed.roots[0].path
            assert f"lockdeck explain {SILAS} --host alpha" in shown
            assert f"lockdeck cancel {SILAS} --root {root} --host alpha" in shown


async def test_of_a_host_that_is_lost_the_text_has_no_command() -> None:
    app = on_hosts()
    async with app.run_test(size=(140, 60)) as pilot:
        await show(pilot, three_hosts())
        await pilot.press("slash", *"host:beta", "enter", "Y")
        assert "session key" in frame(app)
        assert "lockdeck " not in frame(app)


async def test_on_this_machine_alone_a_copy_is_the_name_and_commands_name_no_host() -> None:
    app = dashboard()
    async with app.run_test(size=(140, 60)) as pilot:
        await show(pilot, incident())
        await pilot.press("slash", *"silas", "enter", "y", "Y")
        assert app.clipboard == SILAS
        assert f"lockdeck cancel {SILAS} --root" in frame(app)
        assert "--host" not in frame(app)


@pytest.mark.parametrize(
    ("addresses", "host", "options"),
    [
        (
            (ssh_address("ssh://claw@beta:2222/srv/x"),),
            "claw@beta:2222/srv/x",
            "--host ssh://claw@beta:2222/srv/x",
        ),
        (
            (fleet_address("nats://ann@a,nats://ann@b", "main"),),
            "alpha",
            "--nats nats://ann@a:4222,nats://ann@b:4222 --host alpha",
        ),
        ((fleet_address("tls://hub", "prod"),), "alpha", "--nats tls://hub:4222 --fleet prod --host alpha"),
        ((HostAddress("box", ("lockdeck",)),), "box", ""),
        (ADDRESSES, "nobody", ""),
    ],
)
def test_a_host_is_named_in_a_command_as_the_deck_was_told_of_it(addresses, host, options) -> None:
    assert " ".join(DeckAddresses(addresses).options(host)) == options
