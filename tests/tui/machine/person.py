"""Somebody at a dashboard that runs headless: types, and sees that nothing is reached but what was asked right before."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize
from textual.widgets import Button, Input

from lockdeck.backend.actions.journal import Journal
from lockdeck.tui.dialogs.ask import AskDialog
from lockdeck.tui.operations import ActionContext
from lockdeck.tui.screens.fleet import FleetScreen
from lockdeck.tui.screens.rowscreen import RowScreen
from tests.tui.machine.draws import SIZES
from tests.tui.machine.eye import Asked, asked, marks_told, painted_rows, picture
from tests.tui.machine.stagehand import Stagehand, paint_nothing
from tests.tui.machine.world import World, name_of
from tests.tui.samples import NOW
from tests.tui.scenes import journal_entries
from tests.tui.stage import HeldSource, dashboard
from tests.tui.written import Written

NOT_YET = Asked(frozenset(), "", None)


class Person(RuleBasedStateMachine):
    """Opens a dashboard on a made-up fleet, and finds the way out of it in the end."""

    world: World
    stage: Stagehand

    @initialize(size=SIZES, read_only=st.sampled_from([False, False, False, True]))
    def open(self, size: tuple[int, int], read_only: bool) -> None:
        self.world = World()
        self.patch = pytest.MonkeyPatch()
        self.world.stand_in(self.patch)
        self.patch.setattr("textual._compositor.Compositor.render_update", paint_nothing)
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
