"""Whatever a person, a terminal and the fleet do in any order: an action only reaches what it was confirmed for.

A dashboard runs headless. The machine types keys of every screen, one by one and in bursts that are cut at any byte;
it gives the terminal another size, leaves it and comes back, in dialogs too; the fleet goes on underneath. It knows
what was asked for from what was painted when a key was pressed, and asks the dashboard for nothing of that.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from textual.widgets import Button, Input

from lockdeck.backend.actions.journal import Journal
from lockdeck.tui.commands import COMMANDS
from lockdeck.tui.dialogs.ask import AskDialog
from lockdeck.tui.dialogs.result import ResultDialog
from lockdeck.tui.operations import ActionContext
from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.screens.rowscreen import RowScreen
from lockdeck.tui.screens.session import SessionScreen
from lockdeck.tui.screens.tablescreen import TableScreen
from tests.tui.keyboard import BYTES
from tests.tui.machine.eye import Asked, asked, marks_told, names_in, painted_rows, picture
from tests.tui.machine.stagehand import Stagehand
from tests.tui.machine.world import LONELY, NAMES, World, name_of
from tests.tui.samples import NOW
from tests.tui.scenes import journal_entries
from tests.tui.stage import HeldSource, dashboard
from tests.tui.written import Written

WIDTHS, HEIGHTS = (60, 80, 100, 120, 160), (20, 24, 35, 50)
SIZES = st.tuples(st.sampled_from(WIDTHS), st.sampled_from(HEIGHTS))
PUNCTUATION = {"slash": "/", "colon": ":", "question_mark": "?", "asterisk": "*", "exclamation_mark": "!"} | {
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}
KEYS = sorted(
    {PUNCTUATION.get(key, key) for command in COMMANDS.values() for key in command.keys}
    | {*BYTES, *"jkgG", *"ads", "é"} - {"ctrl+q"}
)
"""The keys of all commands of all screens, those that move, and letters for fields."""
MOVES = ["down", "up", "j", "k", "g", "G", "end", "home", "ctrl+d", "ctrl+u", "pagedown"]
MARKS = ["space", "space", "u", "*", "f", "p", "w", ">", "<", "o", "i", "n", "t"]
TAILS = (
    ("enter", "enter"),
    ("right", "enter"),
    ("tab", "enter", "enter"),
    ("right", "space", "enter"),
    ("1", "enter"),
    ("2", "enter", "enter"),
    ("down", *"reset", "enter"),
    ("down", "up", "right", "enter"),
    ("escape", "enter", "R", "right", "enter"),
    (*"reset", "enter", "right", "enter"),
)
"""What is typed behind R or c before the question can be read, as somebody does who knows what it asks."""
BURSTS = st.one_of(
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=6),
    st.tuples(st.sampled_from(MOVES), st.sampled_from(["R", "c", "C"]), st.sampled_from(TAILS)).map(
        lambda parts: [parts[0], parts[1], *parts[2]]
    ),
    st.sampled_from(TAILS).map(list),
)
HAPPENINGS = ["sort", "sort", "vanish", "replace", "come", "calm"]
ORDERS = st.tuples(st.permutations(NAMES[:5]), st.integers(0, 29)).map(
    lambda order: (*order[0], *NAMES[5 + order[1] :], *NAMES[5 : 5 + order[1]])
)
NOT_YET = Asked(frozenset(), "", None)


class Deck(RuleBasedStateMachine):
    """Only what a dialog had painted, when it was confirmed, is reached; the cursor stays; there is always a way out."""

    world: World
    stage: Stagehand

    @initialize(size=SIZES, read_only=st.sampled_from([False, False, False, True]))
    def open(self, size: tuple[int, int], read_only: bool) -> None:
        self.world = World()
        self.patch = pytest.MonkeyPatch()
        self.world.stand_in(self.patch)
        self.folder = tempfile.TemporaryDirectory()
        journal = Journal(f"{self.folder.name}/journal.jsonl", clock=lambda: NOW - 60)
        journal_entries(journal)
        source = HeldSource()
        source.records = Written(Path(self.folder.name))
        app = dashboard(
            source, action_context=ActionContext(journal=journal, env={}, watch_s=0.0), read_only=read_only
        )
        self.leavings = 0
        self.patch.setattr(app, "exit", self._note_leaving)
        self.stage = Stagehand(app, size)
        self.stage.show(self.world.snapshot())

    def _note_leaving(self, *_result: object, **_more: object) -> None:
        self.leavings += 1

    def teardown(self) -> None:
        if not hasattr(self, "stage"):
            return
        try:
            self._find_the_way_out()
        finally:
            self.stage.close()
            self.patch.undo()
            self.folder.cleanup()

    def _find_the_way_out(self) -> None:
        """Escape peels all there is, and q then leaves."""
        for _press in range(20):
            if self._is_peeled():
                break
            self._press("escape")
        assert self._is_peeled(), picture(self.app)
        before = self.leavings
        self._press("q")
        assert self.leavings == before + 1

    def _is_peeled(self) -> bool:
        screen = self.app.screen
        first = isinstance(screen, FleetScreen) and len(self.app.screen_stack) == 1
        return first and not screen.filter_text and not marks_told(self.app) and screen.table.has_focus

    @property
    def app(self):
        return self.stage.app

    @property
    def on_rows(self) -> bool:
        return isinstance(self.app.screen, RowScreen)

    @property
    def in_a_field(self) -> bool:
        return isinstance(self.app.focused, Input)

    # -- what is done, and that it reaches nothing but what was confirmed --------------------------------

    def _press(self, *keys: str) -> None:
        for key in keys:
            self._type([key])

    def _type(self, keys: list[str], cut: int = 0, *, slowly: bool = False, told: bool = False) -> None:
        """Type keys in one or two reads, and see that what they reach is what was asked right before."""
        question = asked(self.app) or NOT_YET
        released, ended = len(self.world.reached), len(self.world.cancelled)
        self.stage.type(keys, cut, slowly=slowly, between=self.world.snapshot() if told else None)
        self.stage.wait_for(self._has_settled)
        for path, release_id in self.world.reached[released:]:
            assert question.label
            assert "Release" in question.label
            assert path in question.squeezed
            assert release_id in question.squeezed
        for key, allowed in self.world.cancelled[ended:]:
            assert question.label
            assert name_of(key) in question.names
            assert allowed == {"reset" if "Reset" in question.label else "stop"}

    def _has_settled(self) -> bool:
        screen = self.app.screen
        if any(job.running for job in self.app.jobs._jobs.values()):
            return False
        if not isinstance(screen, AskDialog):
            return True
        if screen.painted_at is None:
            return False  # not even its buttons need be there
        closes = "Close" in str(screen.query_one("#ask-no", Button).label)
        return closes or bool(screen.query_one("#ask-yes").display)

    # -- the fleet and the terminal ----------------------------------------------------------------------

    @rule(
        what=st.sampled_from(HAPPENINGS),
        order=ORDERS,
        name=st.sampled_from((*NAMES[:8], *LONELY)),
        aimed=st.booleans(),
        told=st.sampled_from([True, True, False]),
    )
    def the_fleet_goes_on(
        self, what: str, order: tuple[str, ...], name: str, aimed: bool, told: bool
    ) -> None:
        self._go_on(what, order, name, aimed)
        if told:
            with_cursor = self._followed()
            self.stage.show(self.world.snapshot())
            self._has_stayed(with_cursor)

    def _go_on(self, what: str, order: tuple[str, ...], name: str, aimed: bool) -> None:
        question = asked(self.app)
        if aimed and question and question.names:
            name = min(question.names)  # the very lock that is asked about
        self.world.go_on(what, order, name)

    @rule(size=SIZES)
    def the_terminal_changes_its_size(self, size: tuple[int, int]) -> None:
        with_cursor = self._followed()
        self.stage.resize(size)
        self._has_stayed(with_cursor)

    @rule(size=SIZES, what=st.sampled_from(HAPPENINGS), order=ORDERS, told=st.booleans())
    def it_is_suspended(self, size: tuple[int, int], what: str, order: tuple[str, ...], told: bool) -> None:
        with_cursor = self._followed()

        def meanwhile():
            self._go_on(what, order, order[0], aimed=True)
            return self.world.snapshot() if told else None

        self.stage.suspend(meanwhile, size)
        self._has_stayed(with_cursor)

    def _followed(self) -> str | None:
        """Return the row that the person put the cursor on, as it is painted."""
        screen = self.app.screen
        if not isinstance(screen, RowScreen) or screen.table.followed_key is None:
            return None
        return next((row.name for row in painted_rows(self.app) if row.under_cursor), None)

    def _has_stayed(self, name: str | None) -> None:
        screen = self.app.screen
        if name is not None and isinstance(screen, RowScreen):
            shown = [key for key in screen.table.order if name_of(key[3]) == name]
            if shown:
                assert any(row.under_cursor and row.name in (name, None) for row in painted_rows(self.app))

    # -- the person --------------------------------------------------------------------------------------

    @rule(keys=BURSTS, cut=st.integers(0, 30), slowly=st.booleans(), told=st.booleans())
    def types_a_burst(self, keys: list[str], cut: int, slowly: bool, told: bool) -> None:
        self._type(keys, cut, slowly=slowly, told=told)

    # Which rules there are must not depend on how the dashboard stands: what is drawn is the same in every run.

    @rule(keys=st.lists(st.sampled_from(MOVES + MARKS), min_size=1, max_size=4))
    def moves_and_marks(self, keys: list[str]) -> None:
        if self.on_rows:
            self._press(*keys)
        else:
            self._press("escape")

    @rule(word=st.sampled_from(["a", "ada", "n1", "zzz", "state:stuck"]), keep=st.booleans())
    def filters(self, word: str, keep: bool) -> None:
        if self.on_rows and not self.in_a_field:
            self._press("/", "ctrl+u")
            self._type([*word, "enter" if keep else "escape"])

    @rule(key=st.sampled_from(["l", "e", "J", "enter", "L", "T", "?", ":", "v", "!", "Y", "a", "h", "i"]))
    def goes(self, key: str) -> None:
        if isinstance(self.app.screen, DeckScreen):
            self._press(key)

    @rule(
        key=st.sampled_from(["R", "R", "c"]),
        marks=st.sampled_from([0, 0, 2, 3]),
        how=st.sampled_from(["right"] * 4 + ["at once", "unseen", "wrong", "nothing", "escape"]),
        keys=st.lists(st.sampled_from(["up", "down"]), max_size=2),
        following=st.sampled_from(["close", "next", "release"]),
    )
    def asks_or_answers(self, key: str, marks: int, how: str, keys: list[str], following: str) -> None:
        screen = self.app.screen
        if isinstance(screen, AskDialog):
            self._answer(how, keys)
        elif isinstance(screen, ResultDialog):
            self._follow_up(following)
        elif isinstance(screen, RowScreen | SessionScreen) and not self.in_a_field:
            self._ask(key, marks)
        else:
            self._press("escape")

    def _ask(self, key: str, marks: int) -> None:
        if self.on_rows and marks:
            self._press("home", *["space"] * marks)
        seen = self._seen_targets()
        self._press(key)
        question = asked(self.app)
        assert not (question and self.app.read_only)
        if question is not None:
            assert seen(names_in(question.text)), picture(self.app)

    def _seen_targets(self) -> Callable[[frozenset[str]], bool]:
        """Return what is true of the names in a question about what is painted now."""
        screen = self.app.screen
        if isinstance(screen, SessionScreen):
            about = frozenset({name_of(screen.selected_key[3])})
            return lambda names: names <= about
        marks, rows = marks_told(self.app), painted_rows(self.app)
        marked = {row.name for row in rows if row.marked and row.name}
        if marks:
            return lambda names: marked <= names and len(names) <= marks
        cursor = {row.name for row in rows if row.under_cursor}
        return lambda names: None in cursor or names <= cursor

    def _answer(self, how: str, keys: list[str]) -> None:
        if how == "unseen":
            self._type([*keys, *"reset", "enter"])
            return
        self._press(*keys)
        screen = self.app.screen
        question = screen._question
        if how == "escape" or question is None:
            self._press("escape")
            return
        screen.query_one(Input).value = ""
        if how == "right":
            self._press(*(question.word or ["right"]), "enter")
        elif how == "at once":
            self._type([*(question.word or ["right"]), "enter"])
        else:
            self._press(*("0f0f0f" if how == "wrong" else ""), "enter")

    def _follow_up(self, following: str) -> None:
        screen = self.app.screen
        button = screen.query_one(f"#result-{following}", Button)
        if following == "close" or not button.display:
            self._press("escape")
            return
        about = names_in("\n".join(piece.target.title for piece in self.app.jobs.job(screen.number).pieces))
        button.focus()
        self._press("enter")
        question = asked(self.app)
        assert question is not None
        assert names_in(question.text) == about

    @rule(key=st.sampled_from(["escape", "q"]))
    def leaves(self, key: str) -> None:
        on_a_screen = isinstance(self.app.screen, DeckScreen) and not self.in_a_field
        before = len(self.app.screen_stack), self.leavings
        self._press(key)
        after = len(self.app.screen_stack), self.leavings
        if on_a_screen and key == "q":
            beneath = (before[0] - 1, before[1]) if before[0] > 1 else (1, before[1] + 1)
            assert after == beneath, picture(self.app)

    # -- what must hold ----------------------------------------------------------------------------------

    @invariant()
    def the_picture_is_true_and_its_cursor_is_seen(self) -> None:
        screen = self.app.screen if hasattr(self, "stage") else None
        if not isinstance(screen, TableScreen):
            return
        rows, table = painted_rows(self.app), screen.table
        assert sum(row.under_cursor for row in rows) == bool(table.order), picture(self.app)
        if isinstance(screen, RowScreen):
            keys = table.order[int(table.scroll_y) :]
            for row, key in zip(rows, keys, strict=False):
                assert row.name in (None, name_of(key[3])), picture(self.app)
                assert row.under_cursor is (key == table.cursor_key)
                assert row.marked is (key in screen._marks) or table.scroll_x > 0
            assert marks_told(self.app) == len(screen._marks), picture(self.app)

    @invariant()
    def nothing_fails_beside_the_screen(self) -> None:
        if hasattr(self, "stage"):
            assert not [note.message for note in self.app._notifications if note.severity == "error"]


Deck.TestCase.settings = settings(
    max_examples=settings.default.max_examples // 10,
    stateful_step_count=14,
    suppress_health_check=list(HealthCheck),
    phases=(
        Phase.explicit,
        Phase.generate,
    ),  # a dashboard is no thing to run a thousand times for a shorter example
)
TestDeck = Deck.TestCase
