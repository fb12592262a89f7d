"""The shape of a transcript in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lockdeck.backend.model.words import times, zoned_time
from lockdeck.backend.openclaw.transcriptshape import Record, TranscriptShape
from lockdeck.tui.view.lines import EMPTY, Line, line, span

IN_DATABASE = (
    "The OpenClaw of this root keeps transcripts in its own database. lockdeck opens none: a mere reader of it has made "
    "OpenClaw's own clean-up refuse (openclaw#140467)."
)
NO_TRANSCRIPT = "No transcript is known for this session: the store names none."


def size_words(size: int) -> str:
    """Return a number of bytes as a person says it."""
    for unit, bytes_of in (("MB", 1 << 20), ("kB", 1 << 10)):
        if size >= bytes_of:
            return f"{size / bytes_of:.1f} {unit}"
    return f"{size} B"


def shape_state(shape: TranscriptShape | None, path: str | None, key: str) -> Iterator[Line]:
    """Yield what is shown of which file, and how to see more."""
    if shape is None or path is None:
        return
    yield line(
        span(f" The last {times(len(shape.records), 'record')} of {size_words(shape.size)}", "text"),
        span(f"   {key} shows what the selected one says; it is kept nowhere", "dim"),
    )
    yield line(span(f" {path}", "dim", 4096))


def record_lines(record: Record, text: str, now: float) -> Iterator[Line]:
    """Yield one record, with what it says."""
    when = "" if record.at is None else f", {zoned_time(record.at, now)}"
    yield line(span(record.role, "heading"), span(f"  {size_words(record.size)}{when}", "dim"))
    yield EMPTY
    rows = text.split("␊") if text else ["nothing that is text"]
    yield from (line(span(row, "text", len(row) + 1)) for row in rows)
