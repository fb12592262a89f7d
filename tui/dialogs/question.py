"""Questions: the word that must be typed before an action, in proportion to its danger. Pure."""

from __future__ import annotations

from msgspec import Struct

SHORT_ID = 6
"""So many first digits of a release id are enough."""


class Question(Struct, frozen=True):
    """A question (`prompt`) and the words that answer it; without words, pressing the button is enough."""

    prompt: str
    words: tuple[str, ...] = ()

    def accepts(self, typed: str) -> bool:
        """Return whether what was typed is the answer."""
        return not self.words or typed.strip().lower() in self.words


def about_release(release_id: str) -> Question:
    """Ask for the release id of the one hold."""
    return Question(
        f"Type the release id {release_id} (its first {SHORT_ID} digits are enough):",
        (release_id, release_id[:SHORT_ID]),
    )


def about_count(number: int, subject: str) -> Question:
    """Ask for how many things are hit."""
    return Question(f"Type how many {subject}: {number}", (str(number),))


def about_rung(danger: str, key: str) -> Question:
    """Ask for what a rung of the cancel ladder demands for a session: a press, or its word."""
    if danger == "confirm":
        return Question("")
    return Question(f"Type the word {danger} to do this to {key}:", (danger,))
