"""The story of the demo in steps: what to look at, which key to press, and when a step is done. Pure."""

from __future__ import annotations

from itertools import takewhile

from msgspec import Struct

CANCELLED, RELEASED = "cancelled", "released"
"""What the person has had done; all other deeds are the ids of commands they have run."""
_CHANGES = frozenset({CANCELLED, RELEASED})
GO_ON_KEY, HIDE_KEY = "plus", "minus"


class TourStep(Struct, frozen=True):
    """One step: the sentence, the command whose key it names (`{}` in the sentence), and the deed that it asks for."""

    sentence: str
    command: str
    deed: str


STEPS = (
    TourStep(
        "In a moment four agents hang on one provider: the line above the table says so. "
        "Press {} to see what that is known from.",
        "cause",
        "cause",
    ),
    TourStep(
        "Select a stuck or rotating row and press {}: why it hangs, who holds it, when it is over.",
        "open",
        "open",
    ),
    TourStep(
        "End that run: press {} on such a row, then right arrow and enter; it is seen to stay free.",
        "cancel",
        CANCELLED,
    ),
    TourStep(
        "The row cron:nightly-digest has a dead lock: press {} on it, read the proof, then right arrow and enter.",
        "release",
        RELEASED,
    ),
    TourStep(
        "A lock that is not proven dead asks for more: press {} on discord:channel:ops, read, and leave by escape.",
        "release",
        "release",
    ),
    TourStep(
        "Press {}: all that was done and refused stands in the journal, with its proof.", "journal", "journal"
    ),
)


class Tour:
    """Where the person is in the story: at a step, at its end, or without it (`hidden`)."""

    def __init__(self) -> None:
        self.at = 0
        self.hidden = False
        self._done: set[str] = set()

    @property
    def step(self) -> TourStep | None:
        """The step that is to be done; None at the end."""
        return STEPS[self.at] if self.at < len(STEPS) else None

    def go_on(self) -> None:
        """Skip the step; after the last one the story is over."""
        if self.step is None:
            self.hidden = True
        else:
            self._pass()

    def did(self, deed: str) -> None:
        """Go on where that was what the step asks for; who has changed the world already need not look first, nor do it again."""
        if deed in _CHANGES:
            looks_before = takewhile(lambda step: step.deed not in _CHANGES, STEPS)
            self._done |= {deed, *(step.deed for step in looks_before)}
            self._skip_done()
        elif self.step is not None and self.step.deed == deed:
            self._pass()

    def _pass(self) -> None:
        self.at += 1
        self._skip_done()

    def _skip_done(self) -> None:
        while self.step is not None and self.step.deed in self._done:
            self.at += 1
