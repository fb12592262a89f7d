"""The dialogs of a release: a dead lock by one press, one on a person's word by its path, marked ones by their count."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import cast

from textual.message import Message

from lockdeck.tui.background import post, run_in_thread
from lockdeck.tui.deckapp import DeckApp
from lockdeck.tui.dialogs.ask import AskDialog
from lockdeck.tui.dialogs.question import PRESS, WHEN_READY, Question, about_count, about_override
from lockdeck.tui.dialogs.release_lines import bulk_lines, refused_lines, release_lines
from lockdeck.tui.operations import Acts, Offer
from lockdeck.tui.targets import Target
from lockdeck.tui.view.lines import Line, line, span

Holds = tuple[tuple[str, str | None], ...]
"""Paths and release ids."""


class ReleasesPlanned(Message):
    """The locks that were aimed at have been looked at.

    `waits`: a young process of OpenClaw must end or grow older first, and then follows another look.
    """

    def __init__(self, offers: tuple[Offer, ...], *, waits: bool = False) -> None:
        super().__init__()
        self.offers = offers
        self.waits = waits


class ReleasesCounted(Message):
    """So many locks are still to be looked at."""

    def __init__(self, remaining: int) -> None:
        super().__init__()
        self.remaining = remaining


class QuietAwaited(Message):
    """A release has to wait for at most so many seconds more."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class ReleaseDialog(AskDialog[Sequence[Offer]]):
    """Asks whether locks are to be released; dismissed with the offers that were confirmed, or None.

    It holds the plans of what was aimed at when the key was pressed. What the table behind does meanwhile
    does not matter: a plan names path and release id, and is proven again when it is done.
    """

    NOTHING = "Not now"

    def __init__(self, targets: Sequence[Target], acts: Acts, remarks: Sequence[Line] = ()) -> None:
        super().__init__(remarks)
        self._acts = acts
        self._targets = tuple(targets)
        self._confirmed: tuple[Offer, ...] = ()
        self._seen: Holds = ()
        self._is_over = threading.Event()

    @property
    def _deck_app(self) -> DeckApp:
        return cast("DeckApp", self.app)

    def look(self) -> None:
        """Look at each lock afresh, in a thread."""
        self._say_looking(len(self._targets))
        acts, targets = self._acts, self._targets

        def work() -> None:
            offers = acts.offer_releases(targets, self._count)
            waiting = [offer for offer in offers if not offer.reasons and offer.plan.newcomers]
            post(self, ReleasesPlanned(offers, waits=bool(waiting)))
            if waiting:
                # Who starts after that is waited for by the release itself: the question comes up in any case.
                acts.wait_until_quiet(waiting, self._count_down, self._is_over)
                if not self._is_over.is_set():
                    post(self, ReleasesPlanned(acts.offer_releases(targets, lambda _remaining: None)))

        run_in_thread(work, self, "plan-release")

    def _count(self, remaining: int) -> None:
        post(self, ReleasesCounted(remaining))

    def _count_down(self, seconds: float) -> None:
        post(self, QuietAwaited(seconds))

    def on_unmount(self) -> None:
        """End the wait."""
        self._is_over.set()

    def on_quiet_awaited(self, message: QuietAwaited) -> None:
        """Count down on the button."""
        message.stop()
        self.label(_countdown(message.seconds))

    def answer(self) -> Sequence[Offer]:
        """Return the offers that may be done."""
        return self._confirmed

    def on_releases_counted(self, message: ReleasesCounted) -> None:
        """Say how many are still to come."""
        message.stop()
        if message.remaining:
            self._say_looking(message.remaining)

    def on_releases_planned(self, message: ReleasesPlanned) -> None:
        """Ask, or say why nothing may be released."""
        message.stop()
        offers, now, symbols = message.offers, self._deck_app.clock(), self._deck_app.symbols
        self._seen = _holds(self._confirmed)
        self._confirmed = tuple(offer for offer in offers if not offer.reasons)
        if len(offers) == 1:
            self._ask_for_one(offers[0], now, waits=message.waits)
        elif self._confirmed:
            count = len(self._confirmed)
            label = "Release 1 lock" if count == 1 else f"Release {count} locks"
            question = about_count(count, "locks are to be released")
            self._ask(bulk_lines(offers, now, symbols), question, label, waits=message.waits)
        else:
            self.refuse(bulk_lines(offers, now, symbols))

    def _ask_for_one(self, offer: Offer, now: float, *, waits: bool) -> None:
        plan, symbols = offer.plan, self._deck_app.symbols
        if not self._confirmed or plan.release_id is None:
            self.refuse(refused_lines(offer, now, symbols))
            return
        question = PRESS if plan.override is None else about_override(plan.path)
        self._ask(release_lines(offer, now, symbols), question, "Release", waits=waits)

    def _ask(self, rows: Sequence[Line], question: Question, label: str, *, waits: bool) -> None:
        seconds = max(offer.plan.wait_s for offer in self._confirmed)
        same = self._seen == _holds(self._confirmed)  # what was typed meanwhile is about the very same locks
        question = WHEN_READY if waits and question is PRESS else question
        self.ask(rows, question, _countdown(seconds) if waits else label, live=not waits, keep_typed=same)

    def _say_looking(self, remaining: int) -> None:
        subject = "the lock" if remaining == 1 else f"{remaining} locks"
        self.show([line(span(f"Looking at {subject} afresh {self._deck_app.symbols.ellipsis}", "dim"))])


def _holds(offers: Sequence[Offer]) -> Holds:
    return tuple((offer.plan.path, offer.plan.release_id) for offer in offers)


def _countdown(seconds: float) -> str:
    return f"Release in {math.ceil(seconds)} s"
