"""The Journal screen: what was done and refused, newest first, and whether the chain holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from lockdeck.backend.actions.release.entries import BEGIN, ENDS
from lockdeck.backend.hosts.asks import PLANNED, AskAnswer
from lockdeck.backend.hosts.journals import HostJournal, JournalAsker
from lockdeck.backend.hosts.merged import MergedHosts
from lockdeck.backend.hosts.told import journal_told
from lockdeck.tui.app import LockdeckApp
from lockdeck.tui.commands import COMMANDS
from lockdeck.tui.dialogs.reader import ReaderDialog
from lockdeck.tui.screens.journal import HostJournalRead, JournalScreen
from lockdeck.tui.screens.journal_lines import hosts_lines
from lockdeck.tui.table.column import CellContext
from lockdeck.tui.table.journalentry import Entry, entry_lines
from lockdeck.tui.table.tables import JOURNAL
from lockdeck.tui.view.lines import plain
from lockdeck.tui.view.symbols import UNICODE
from tests.tui.acting import SIZE, Yard
from tests.tui.hostfleet import states, three_hosts
from tests.tui.samples import NOW, PAYLOADS
from tests.tui.stage import HeldSource, at_rest, frame, show, wait_for


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def falsify(file: Path) -> None:
    """Change the second line, as somebody would who has something to hide."""
    file.write_bytes(file.read_bytes().replace(b"/r/1.", b"/r/9."))


async def test_entries_come_newest_first_and_enter_shows_the_facts(yard: Yard) -> None:
    yard.journal.append("refused", path="/r/a.jsonl.lock", releaseId="aa", sentences=["the verdict is held"])
    yard.journal.append("released", path="/r/b.jsonl.lock", releaseId="bb", evidence={"uid": 1000})
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("J")
        await wait_for(pilot, lambda: "refused" in frame(app))
        shown = frame(app)
        assert isinstance(app.screen, JournalScreen)
        assert yard.journal.path in shown
        assert shown.index("b.jsonl.lock") < shown.index("a.jsonl.lock")
        assert "the verdict is held" in shown
        assert "BROKEN" not in shown
        await pilot.press("enter")
        assert isinstance(app.screen, ReaderDialog)
        assert "uid  1000" in frame(app)
        await pilot.press("escape", "down", "enter")
        assert "releaseId  aa" in frame(app)
        await pilot.press("escape", "escape")
        assert not isinstance(app.screen, JournalScreen)


async def test_a_broken_chain_is_said_loudly(yard: Yard) -> None:
    for number in range(3):
        yard.journal.append("refused", path=f"/r/{number}.jsonl.lock")
    falsify(Path(yard.journal.path))
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("J")
        await wait_for(pilot, lambda: "CHAIN BROKEN at line 3" in frame(app))
        assert "9.jsonl.lock" in frame(app)


async def test_a_journal_that_can_not_be_read_is_told(yard: Yard) -> None:
    os.makedirs(yard.journal.folder)
    os.symlink("/nowhere", yard.journal.path)
    app = yard.dashboard(read_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("J")
        await wait_for(pilot, lambda: "can't be read" in frame(app))


async def test_without_entries_it_says_so_and_nothing_can_be_opened(yard: Yard) -> None:
    app = yard.dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("J")
        await wait_for(pilot, lambda: "Nothing was done or refused yet" in frame(app))
        assert app.screen.check_action("command", ("open",)) is None
        await pilot.press("enter")
        assert isinstance(app.screen, JournalScreen)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_others_wrote_into_an_entry_is_shown_as_data(payload: str) -> None:
    entry = Entry(
        1, {"at": payload, "kind": payload, "path": payload, "sentences": [payload], "x": {payload: payload}}
    )
    context = CellContext(0.0, UNICODE)
    shown = [plain(column.cell(entry, context)) for column in JOURNAL.columns] + [
        plain(row) for row in entry_lines(entry)
    ]
    assert not any(mark in text for text in shown for mark in "\x1b\x9b\u202e\u200b\n\t")


def test_facts_nested_without_end_are_cut() -> None:
    facts: dict[str, object] = {}
    for _ in range(50):
        facts = {"deeper": facts}
    rows = list(entry_lines(Entry(1, facts)))
    assert len(rows) < 20


def test_each_kind_of_entry_names_the_command_that_leaves_it() -> None:
    for kind in (*ENDS, BEGIN, "cancel-begin", "cancel-end", "cancel-refused"):
        (name,) = [command.name for command in COMMANDS.values() if kind in command.leaves]
        assert Entry(1, {"kind": kind}).command == name
    assert Entry(1, {"kind": "repair"}).command == ""


ASK = {"nonce": "ab" * 16, "op": "release", "path": "/r/one.jsonl.lock", "releaseId": "h"}


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"kind": "asked", "host": "alpha"}, "alpha is asked"),
        (
            {"kind": "answered", "host": "alpha", "status": "released", "sentences": ["gone"]},
            "alpha: released: gone",
        ),
        ({"kind": "answered", "host": "alpha", "status": "end-not-known"}, "alpha: end-not-known"),
        ({"kind": "ask-begin", "by": "ann on deck", "from": "10.0.0.9"}, "asked by ann on deck"),
        ({"kind": "ask-end", "by": "ann on deck", "status": "refused", "sentences": ["no"]}, "refused: no"),
        (
            {"kind": "ask-refused", "by": "ann on deck", "reasons": ["too late"]},
            "asked by ann on deck: too late",
        ),
    ],
)
def test_an_ask_is_told_with_who_and_how_it_ended(facts: dict[str, object], sentence: str) -> None:
    entry = Entry(1, {**ASK, **facts})
    assert (entry.command, entry.subject, entry.sentence) == ("release", "one.jsonl.lock", sentence)


def told(host: str, *entries: dict[str, object], **facts: object) -> HostJournalRead:
    """What a host tells, as the screen hears it."""
    body = {"path": "/j", "entries": list(entries), **facts}
    return HostJournalRead(HostJournal(host, journal_told(AskAnswer("", PLANNED, body=body), 500)))


def on_hosts(yard: Yard) -> LockdeckApp:
    source = HeldSource()
    source.addresses = ()
    return yard.dashboard(source=source)


async def test_entries_of_several_journals_come_by_time_by_our_clock(yard: Yard) -> None:
    app = on_hosts(yard)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, three_hosts())
        await pilot.press("J")
        for host in ("alpha", "gamma"):  # the clock of gamma is 95 s ahead
            at = "2026-04-05T03:00:00Z" if host == "alpha" else "2026-04-05T03:01:00Z"
            app.screen.post_message(told(host, {"kind": "released", "at": at, "path": f"/r/{host}"}))
        await wait_for(pilot, lambda: len(app.screen.items) == 2)
        assert [host for host, _ in app.screen.table.order] == ["alpha", "gamma"]
        app.screen.post_message(told("alpha", {"kind": "refused", "at": "no time"}))
        await wait_for(pilot, lambda: app.screen.table.order == (("gamma", 1), ("alpha", 1)))


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_what_a_host_writes_into_its_journal_acts_on_nothing(yard: Yard, payload: str) -> None:
    app = on_hosts(yard)
    async with app.run_test(size=SIZE) as pilot:
        await show(pilot, three_hosts())
        await pilot.press("J")
        facts = dict.fromkeys(("kind", "at", "path", "by", "status", "nonce"), payload)
        news = told("alpha", {**facts, "sentences": [payload]}, brokenAt=3, problem=payload, notes=[payload])
        app.screen.post_message(news)
        await wait_for(pilot, lambda: len(app.screen.items) == 1)
        await pilot.press("enter")
        await at_rest(pilot)
        assert not any(mark in frame(app) for mark in "\x1b\x9b\u202e\u200b\t")


def test_of_many_hosts_that_do_not_tell_some_are_named_and_the_rest_counted() -> None:
    lost = [replace(three_hosts().hosts[1], name=f"h{number}") for number in range(10)]
    rows = [plain(row) for row in hosts_lines(lost, {}, NOW)]
    assert rows[0] == " journals of 10 hosts: 0 told"
    assert "h0 does not tell its journal: no answer within 6 s, not seen since" in rows[1]
    assert rows[-1] == " and 6 more of such"
    assert len(rows) == 6


def test_a_broken_chain_of_a_host_is_said_before_all_else() -> None:
    lost, there = three_hosts().hosts[1], three_hosts().hosts[0]
    journal = told("alpha", brokenAt=3, problem="it was changed", notes=["some"]).journal
    rows = [plain(row) for row in hosts_lines([lost, there], {"alpha": journal}, NOW)]
    assert rows[0] == " journals of 2 hosts: 1 told"
    assert rows[1].startswith(" alpha: CHAIN BROKEN at line 3: it was changed.")
    assert rows[2].startswith(" beta does not tell its journal")
    assert rows[3] == " alpha: some"


async def test_a_host_is_asked_when_it_is_there_and_again_when_it_is_back_or_something_was_done_there(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(JournalAsker, "ask", lambda _self, host, _most: asked.append(host))
    app = on_hosts(yard)
    async with app.run_test(size=SIZE) as pilot:
        merged = MergedHosts({})
        await show(pilot, merged.picture(states(), NOW))
        await pilot.press("J")
        await wait_for(pilot, lambda: asked == ["alpha", "gamma"])
        await show(pilot, merged.picture(states(lost=False), NOW + 1))
        assert asked == ["alpha", "gamma", "beta"]
        await show(pilot, merged.picture(states(), NOW + 2))
        await show(pilot, merged.picture(states(lost=False), NOW + 3))
        assert asked == ["alpha", "gamma", "beta", "beta"]
        app.jobs.ended["alpha"] += 1
        await show(pilot, merged.picture(states(lost=False), NOW + 4))
        assert asked[4:] == ["alpha"]
