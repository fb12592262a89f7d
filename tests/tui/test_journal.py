"""The Journal screen: what was done and refused, newest first, and whether the chain holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockdeck.backend.actions.release.entries import BEGIN, ENDS
from lockdeck.tui.commands import COMMANDS
from lockdeck.tui.dialogs.reader import ReaderDialog
from lockdeck.tui.screens.journal import JournalScreen
from lockdeck.tui.table.column import CellContext
from lockdeck.tui.table.journalentry import Entry, entry_lines
from lockdeck.tui.table.tables import JOURNAL
from lockdeck.tui.view.lines import plain
from lockdeck.tui.view.symbols import UNICODE
from tests.tui.acting import SIZE, Yard
from tests.tui.samples import PAYLOADS
from tests.tui.stage import frame, wait_for


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
