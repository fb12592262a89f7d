"""The lines that lead through the demo. Pure."""

from __future__ import annotations

from lockdeck.tui.tour.tour import STEPS, Tour
from lockdeck.tui.view.lines import Line, line, span


def tour_lines(tour: Tour, key: str, *, here: bool) -> list[Line]:
    """Return the step that is to be done and the keys of the tour; `key` is the step's own, and works `here` or not."""
    if tour.hidden:
        return []
    keys = span("  + next  - hide", "dim")
    if tour.step is None:
        return [
            line(
                span(" The story is told. ", "notice"),
                span("q leaves the demo; nothing of it is kept."),
                keys,
            )
        ]
    number = span(f" {tour.at + 1}/{len(STEPS)} ", "notice")
    back = "" if here else "(escape leads back to the fleet) "
    return [line(number, span(back), span(tour.step.sentence.format(key), limit=300), keys)]
