"""The dialogs of a cancel: the ladder of one session, or the gentle rungs for all marked ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from msgspec import Struct
from textual.binding import Binding, BindingType
from textual.message import Message

from lockdeck.backend.actions.cancel.ladder import Rung
from lockdeck.tui.afterwards import after_refresh
from lockdeck.tui.background import post, run_in_thread
from lockdeck.tui.deckapp import DeckApp
from lockdeck.tui.dialogs.ask import AskDialog
from lockdeck.tui.dialogs.cancel_lines import (
    bulk_cancel_lines,
    gentle,
    ladder_lines,
    nothing_lines,
    why_not_in_bulk,
)
from lockdeck.tui.dialogs.question import about_count, about_rung
from lockdeck.tui.dialogs.release_lines import field_line
from lockdeck.tui.operations import Acts, Ladder, Planned
from lockdeck.tui.targets import Target
from lockdeck.tui.view.lines import EMPTY, Line, line, plain, span
from lockdeck.tui.widgets.lineview import LineView


class CancelConfirmation(Struct, frozen=True):
    """The sessions whose end was confirmed, and the rungs by which."""

    targets: tuple[Target, ...]
    plans: tuple[Ladder, ...]
    allow: frozenset[str]


class LaddersRead(Message):
    """The ladders of the sessions that are targeted are known."""

    def __init__(self, planned: tuple[Planned, ...]) -> None:
        super().__init__()
        self.planned = planned


class LaddersCounted(Message):
    """So many ladders are still to come."""

    def __init__(self, remaining: int) -> None:
        super().__init__()
        self.remaining = remaining


class CancelDialog(AskDialog[CancelConfirmation]):
    """Asks by which rung runs are to be ended; dismissed with what was confirmed, or None.

    `rung` is selected at first, where the ladder has it; else the gentlest one that is granted.
    """

    NOTHING = "Do nothing"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", show=False),
        Binding("down", "choose(1)", "Other way"),
    ]

    def __init__(
        self,
        targets: Sequence[Target],
        acts: Acts,
        rung: str | None = None,
        remarks: Sequence[Line] = (),
    ) -> None:
        super().__init__(remarks)
        self._acts = acts
        self._targets = tuple(targets)
        self._first_rung = rung
        self._plan: Ladder | None = None
        self._rung: Rung | None = None
        self._confirmation: CancelConfirmation | None = None

    @property
    def _deck_app(self) -> DeckApp:
        return cast("DeckApp", self.app)

    def look(self) -> None:
        """Ask the gateways, in a thread."""
        self._say_looking(len(self._targets))
        acts, targets = self._acts, self._targets

        def count(remaining: int) -> None:
            post(self, LaddersCounted(remaining))

        run_in_thread(
            lambda: post(self, LaddersRead(acts.offer_cancels(targets, count))), self, "plan-cancel"
        )

    def answer(self) -> CancelConfirmation:
        """Return sessions and rungs as confirmed."""
        assert self._confirmation is not None
        return self._confirmation

    def on_ladders_counted(self, message: LaddersCounted) -> None:
        """Say how many are still to come."""
        message.stop()
        if message.remaining:
            self._say_looking(message.remaining)

    def on_ladders_read(self, message: LaddersRead) -> None:
        """Ask, or say why there is nothing to do."""
        message.stop()
        if len(message.planned) > 1:
            self._ask_for_many(message.planned)
        else:
            self._ask_for_one(*message.planned[0])

    def action_choose(self, by: int) -> None:
        """Choose the next rung; without a ladder, scroll."""
        if self._plan is None or self._rung is None:
            self.action_scroll(by)
            return
        rungs = self._plan.rungs
        at = rungs.index(self._rung) + by
        if 0 <= at < len(rungs):
            self._offer(rungs[at])
            after_refresh(self, self._bring_into_sight, rungs[at])

    def _bring_into_sight(self, rung: Rung) -> None:
        """Scroll to the chosen rung: its cost must be seen before it is confirmed."""
        lines = self.query_one("#box-lines", LineView).lines
        at = next((y for y, row in enumerate(lines) if rung.title in plain(row)), 0)
        self.query_one(".box-scroll").scroll_to(y=at, animate=False)

    def _ask_for_one(self, target: Target, plan: Ladder | None) -> None:
        if plan is None:
            words = line(span("This session is not known any more.", "warning"))
            self.refuse([words, EMPTY, field_line("session", target.row.name)])
        elif plan.nothing or plan.refusal or plan.not_known or not plan.rungs:
            self.refuse(nothing_lines(target, plan, self._deck_app.symbols))
        else:
            self._plan = plan
            granted = [rung for rung in plan.rungs if not rung.scopes_missing] or list(plan.rungs)
            first = [rung for rung in granted if rung.name == self._first_rung]
            self._offer((first or granted)[0])

    def _offer(self, rung: Rung) -> None:
        assert self._plan is not None
        target, self._rung = self._targets[0], rung
        rows = ladder_lines(target, self._plan, rung, self._deck_app.symbols)
        if rung.scopes_missing:
            self.refuse(rows)
            return
        self._confirmation = CancelConfirmation((target,), (self._plan,), frozenset({rung.consent}))
        self.ask(rows, about_rung(rung, self._plan), rung.title)

    def _ask_for_many(self, planned: Sequence[Planned]) -> None:
        good = [
            (target, plan) for target, plan in planned if plan is not None and why_not_in_bulk(plan) is None
        ]
        bad = [(target, reason) for target, plan in planned if (reason := why_not_in_bulk(plan)) is not None]
        rows = bulk_cancel_lines(good, bad, self._deck_app.symbols)
        if not good:
            self.refuse(rows)
            return
        allow = frozenset(rung.name for _target, plan in good for rung in plan.rungs if gentle(rung))
        self._confirmation = CancelConfirmation(
            tuple(target for target, _ in good), tuple(plan for _, plan in good), allow
        )
        label = "Cancel 1 run" if len(good) == 1 else f"Cancel {len(good)} runs"
        self.ask(rows, about_count(len(good), "runs are to be cancelled"), label)

    def _say_looking(self, remaining: int) -> None:
        subject = "this session" if remaining == 1 else f"{remaining} sessions"
        mark = self._deck_app.symbols.ellipsis
        self.show([line(span(f"Looking at {subject} and asking the gateway {mark}", "dim"))])
