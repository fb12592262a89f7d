"""Labelled rows of text: broken to a terminal's width with their labels in a column, and whole where there is none."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from lockdeck.backend.system.text import SafeText


def labelled_lines(
    rows: Iterable[tuple[str, SafeText]], width: int | None, indent: int = 2
) -> Iterator[SafeText]:
    """Yield rows with their labels in a column, broken at blanks to `width` cells; None: nothing is cut or broken."""
    rows = tuple(rows)
    column = max((len(label) for label, _ in rows), default=0)
    for label, text in rows:
        head = f"{'':{indent}}{label:{column}}  "
        if width is None:
            yield SafeText(f"{head}{text}")
            continue
        for line in textwrap.wrap(
            text,
            max(width, len(head) + 20),
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_long_words=False,
            break_on_hyphens=False,
        ) or [head]:
            yield SafeText(line)
