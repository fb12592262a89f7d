"""The sources of a root or session in words: what is read, how fresh it is, what is lost. All pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockdeck.backend.model.sources import SourceKind, SourceState, SourceView
from lockdeck.tui.view.lines import Line, Span, line, span

_IN_HEADER = (SourceKind.LOG, SourceKind.GATEWAY)
"""The sources whose freshness is worth a place in the header: of the others the whole picture is."""


def header_parts(sources: Iterable[SourceView], now: float) -> Iterator[Line]:
    """Yield log and gateway of a root in a few words each, with their age at `now`; those not needed are left out."""
    for source in sources:
        if source.kind in _IN_HEADER and source.state is not SourceState.NOT_NEEDED:
            yield line(_short(source, now))


def source_rows(sources: Iterable[SourceView], now: float) -> Iterator[Line]:
    """Yield a line for each source: its state, place and age, and what is lost without it."""
    for source in sources:
        style = "text" if source.lost is None else "warning"
        yield line(
            span(f"{source.kind} ", style),
            span(f"{source.state}{source.age(now)}", style),
            span(f"  {source.where}" if source.where else "", "dim", 4096),
        )
        if source.lost is not None:
            yield line(span(f"  {source.lost}", "warning", 4096))


def _short(source: SourceView, now: float) -> Span:
    if source.lost is not None:
        return span(f"{source.kind} {source.state}", "critical")
    if source.state is SourceState.READ:
        return span(f"{source.kind}{source.age(now)}", "dim")
    return span(f"{source.kind} {source.state}", "notice")
