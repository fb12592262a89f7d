"""Questions: the word that must be typed before an action, in proportion to its danger. Pure."""

from __future__ import annotations

from msgspec import Struct

from lockdeck.backend.actions.cancel.ladder import Rung
from lockdeck.backend.model.words import times
from lockdeck.tui.operations import Ladder


class Question(Struct, frozen=True):
    """A question (`prompt`) and the word that answers it; without one, pressing the button is enough."""

    prompt: str
    word: str = ""

    def accepts(self, typed: str) -> bool:
        """Return whether what was typed is the answer, letter by letter."""
        return not self.word or typed.strip() == self.word


PRESS = Question("Right arrow and enter do it. Enter alone or escape: nothing is done.")
"""What loses nothing that can't be had again is confirmed by its button, beside the one that has the focus."""
WHEN_READY = Question("When the button is ready: right arrow and enter. Escape: nothing is done.")
"""PRESS while its button counts down."""


def about_override(path: str) -> Question:
    """Ask for the path of a lock that nothing proves to be dead."""
    return Question("Type the whole path of the lock to release it on your own word:", path)


def about_count(number: int, subject: str) -> Question:
    """Ask for how many things are hit."""
    return Question(f"Type how many {subject}: {number}", str(number))


def about_rung(rung: Rung, plan: Ladder) -> Question:
    """Ask for what a rung demands for a session: a press, its word, or the name of the process that it ends."""
    if rung.ends_process:
        more = len(plan.held)
        others = f" and {times(more, 'other session')}" if more else ""
        subject = f"the gateway, pid {plan.pid}," if plan.is_gateway else f"pid {plan.pid}"
        return Question(
            f"Type {plan.process_name} to end {subject} with the run of {plan.key}{others}:",
            plan.process_name,
        )
    if rung.danger == "confirm":
        return PRESS
    return Question(f"Type the word {rung.danger} to do this to {plan.key}:", rung.danger)
