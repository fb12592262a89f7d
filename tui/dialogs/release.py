"""The dialogs of a release: one lock by its release id, marked locks by their count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from textual.message import Message

from lockdeck.tui.background import post, run_in_thread
from lockdeck.tui.deckapp import DeckApp
from lockdeck.tui.dialogs.ask import AskDialog
from lockdeck.tui.dialogs.question import about_count, about_release
from lockdeck.tui.dialogs.release_lines import bulk_lines, refused_lines, release_lines
from lockdeck.tui.operations import Offer, offer_release
from lockdeck.tui.targets import Target
from lockdeck.tui.view.lines import Line, line, span


class ReleasesPlanned(Message):
    """The locks that were aimed at have been looked at; `remaining` are still to come."""

    def __init__(self, offers: tuple[Offer, ...], remaining: int) -> None:
        super().__init__()
        self.offers = offers
        self.remaining = remaining


class ReleaseDialog(AskDialog[Sequence[Offer]]):
    """Asks whether locks are to be released; dismissed with the offers that were confirmed, or None.

    It holds the plans of what was aimed at when the key was pressed. What the table behind does meanwhile
    does not matter: a plan names path and release id, and is proven again when it is done.
    """

    def __init__(self, targets: Sequence[Target], remarks: Sequence[Line] = ()) -> None:
        super().__init__(remarks)
        self._targets = tuple(targets)
        self._confirmed: tuple[Offer, ...] = ()

    @property
    def _deck_app(self) -> DeckApp:
        return cast("DeckApp", self.app)

    def look(self) -> None:
        """Look at each lock afresh, in a thread."""
        self._say_looking(len(self._targets))
        action_context, targets = self._deck_app.action_context, self._targets

        def work() -> None:
            offers: tuple[Offer, ...] = ()
            for target in targets:
                offers = (*offers, offer_release(target, action_context))
                post(self, ReleasesPlanned(offers, len(targets) - len(offers)))

        run_in_thread(work, self, "plan-release")

    def answer(self) -> Sequence[Offer]:
        """Return the offers that may be done."""
        return self._confirmed

    def on_releases_planned(self, message: ReleasesPlanned) -> None:
        """Ask, or say why nothing may be released."""
        message.stop()
        if message.remaining:
            self._say_looking(message.remaining)
            return
        offers, now, symbols = message.offers, self._deck_app.clock(), self._deck_app.symbols
        self._confirmed = tuple(offer for offer in offers if offer.plan.refusal is None)
        if len(offers) == 1:
            self._ask_for_one(offers[0], now)
        elif self._confirmed:
            count = len(self._confirmed)
            label = "Release 1 lock" if count == 1 else f"Release {count} locks"
            question = about_count(count, "locks are to be released")
            self.ask(bulk_lines(offers, now, symbols), question, label)
        else:
            self.refuse(bulk_lines(offers, now, symbols))

    def _ask_for_one(self, offer: Offer, now: float) -> None:
        release_id, symbols = offer.plan.release_id, self._deck_app.symbols
        if not self._confirmed or release_id is None:
            self.refuse(refused_lines(offer, now, symbols))
        else:
            self.ask(release_lines(offer, now, symbols), about_release(release_id), "Release")

    def _say_looking(self, remaining: int) -> None:
        subject = "the lock" if remaining == 1 else f"{remaining} locks"
        self.show([line(span(f"Looking at {subject} afresh {self._deck_app.symbols.ellipsis}", "dim"))])
