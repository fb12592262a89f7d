"""Whatever a person, a terminal and the fleet do in any order: an action only reaches what it was confirmed for.

A dashboard runs headless. The machine types keys of every screen, one by one and in bursts that are cut at any byte;
it gives the terminal another size, leaves it and comes back, in dialogs too; the fleet goes on underneath. It knows
what was asked for from what was painted when a key was pressed, and asks the dashboard for nothing of that.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from lockdeck.tui.screens.base import DeckScreen
from lockdeck.tui.screens.rowscreen import RowScreen
from lockdeck.tui.screens.tablescreen import TableScreen
from tests.tui.machine.asking import AskingPerson
from tests.tui.machine.draws import BURSTS, HAPPENINGS, MARKS, MOVES, ORDERS, SIZES
from tests.tui.machine.eye import asked, marks_told, painted_rows, picture
from tests.tui.machine.world import LONELY, NAMES, name_of


class Deck(AskingPerson):
    """Only what a dialog had painted, when it was confirmed, is reached; the cursor stays; there is always a way out."""

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
        if not hasattr(self, "stage"):
            return
        screen, _painted_whole = self.app.screen, picture(self.app)
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


@pytest.mark.parametrize(("key", "marks"), [("R", 0), ("R", 2), ("c", 0)])
def test_who_is_asked_and_answers_rightly_reaches_what_was_asked(key: str, marks: int) -> None:
    deck = Deck()
    deck.open((120, 35), False)
    try:
        deck._ask(key, marks)
        deck._answer("right", [])
        assert deck.world.reached if key == "R" else deck.world.cancelled
    finally:
        deck.teardown()


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
