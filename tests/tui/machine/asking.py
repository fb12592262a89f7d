"""Somebody who asks for releases and cancels, and answers the questions: rightly, wrongly, too early, or not at all."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import rule
from textual.widgets import Button, Input

from lockdeck.tui.dialogs.ask import AskDialog
from lockdeck.tui.dialogs.result import ResultDialog
from lockdeck.tui.screens.rowscreen import RowScreen
from lockdeck.tui.screens.session import SessionScreen
from tests.tui.machine.eye import asked, marks_told, names_in, painted_rows, picture
from tests.tui.machine.person import Person
from tests.tui.machine.world import name_of


class AskingPerson(Person):
    """A question is about what was painted when it was asked for, and an answer reaches that alone."""

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

    @rule(
        key=st.sampled_from(["R", "R", "c"]),
        marks=st.sampled_from([0, 0, 2]),
        how=st.sampled_from(["right"] * 4 + ["at once", "wrong"]),
        keys=st.lists(st.sampled_from(["up", "down"]), max_size=2),
    )
    def asks_and_answers(self, key: str, marks: int, how: str, keys: list[str]) -> None:
        """Both in a row: what is drawn seldom brings the one behind the other."""
        while not self.on_rows or self.in_a_field:
            self._press("escape")
            if self._is_peeled():
                break
        self._ask(key, marks)
        if isinstance(self.app.screen, AskDialog):
            self._answer(how, keys)

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
