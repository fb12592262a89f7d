"""The columns of the hosts table. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from lockdeck.backend.model.hosts import HostView, Phase
from lockdeck.backend.model.words import duration, short_moment, times
from lockdeck.tui.table.column import CellContext, Column, Field, Width
from lockdeck.tui.table.hostrow import HostRow
from lockdeck.tui.view.hosts import PHASE_STYLE, clock_sign, phase_word
from lockdeck.tui.view.lines import EMPTY, Line, line, span


def _name_cell(row: HostRow, context: CellContext) -> Line:
    arrow = f"{context.symbols.arrow} " if row.folded else ""
    hosts = f" ({len(row.views)})" if row.folded else ""
    return line(span(arrow, "accent"), span(row.name), span(hosts, "dim"))


def _how_cell(row: HostRow, _context: CellContext) -> Line:
    worst = max((view.phase for view in row.views), key=list(Phase).index)
    words = f"{row.absent} lost" if row.folded and row.absent else phase_word(worst)
    return line(span(words, PHASE_STYLE[worst]))


def _heard_cell(row: HostRow, context: CellContext) -> Line:
    moments = [view.heard_at for view in row.views if view.heard_at is not None]
    if not moments:
        return line(span("never", "dim"))
    oldest = min(moments)
    if all(view.phase is Phase.LIVE for view in row.views):
        return line(span(f"{duration(int(max(0.0, context.now - oldest)))} ago", "dim"))
    return line(span(short_moment(oldest, context.now), "warning" if row.absent else "dim"))


def _number(value: int, style: str = "text") -> Line:
    return line(span(value, style if value else "dim"))


def _unseen(row: HostRow) -> str:
    if row.absent:
        return "all" if row.absent == len(row.views) else times(row.absent, "host")
    parts = [times(row.unseen_roots, "root")] if row.unseen_roots else []
    return ", ".join([*parts, *([times(row.withheld, "row")] if row.withheld else [])])


def _words(values: Iterable[str | None]) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value))


def _phase(row: HostRow) -> str:
    return _words(phase_word(view.phase) for view in row.views)


def _why(row: HostRow) -> str:
    return _words(view.problem for view in row.views)


def _clock_cell(row: HostRow, _context: CellContext) -> Line:
    signs = _words(map(clock_sign, row.views))
    return (
        line(span(signs, "notice" if any(view.apart_s for view in row.views) else "dim")) if signs else EMPTY
    )


def _role(view: HostView) -> str | None:
    return view.role


COLUMNS: tuple[Column[HostRow], ...] = (
    Column(
        name="host",
        title="HOST",
        meaning="the name that this deck has for the host, or the group whose hosts are folded",
        width=Width(17, flex=2, max_cells=36, brief_cells=10, full_from=76),
        cell=_name_cell,
        sort=None,
        field=Field("host", lambda row: row.name, quoted_whole=True, rank=0),
        names=True,
    ),
    Column(
        name="group",
        title="GROUP",
        meaning="the group that the host belongs to; z folds its hosts into one line",
        width=Width(8, flex=1, max_cells=16, from_table=90),
        cell=lambda row, _context: line(span(row.group, "dim")),
        sort=None,
        field=Field("group", lambda row: row.group, quoted_whole=True, rank=1),
    ),
    Column(
        name="seen",
        title="SEEN",
        meaning="whether it is seen: live, calling (no answer yet), lost, or refused (what came is not to be understood)",
        width=Width(7),
        cell=_how_cell,
        sort=None,
        field=Field("seen", _phase, rank=2),
    ),
    Column(
        name="heard",
        title="HEARD",
        meaning="when it was heard of last, by our clock",
        width=Width(11, from_table=56),
        cell=_heard_cell,
        sort=None,
        field=None,
    ),
    Column(
        name="sessions",
        title="SESSIONS",
        meaning="its sessions; of a host that is lost those that were seen last",
        width=Width(8),
        right=True,
        cell=lambda row, _context: _number(row.count.sessions),
        sort=None,
        field=None,
    ),
    Column(
        name="needs",
        title="NEEDS YOU",
        meaning="its sessions and locks that are a warning or worse",
        width=Width(9),
        right=True,
        cell=lambda row, _context: _number(row.count.urgent, "warning"),
        sort=None,
        field=None,
    ),
    Column(
        name="locks",
        title="LOCKS",
        meaning="its lock files, healthy ones too",
        width=Width(5, from_table=96),
        right=True,
        cell=lambda row, _context: _number(row.count.locks),
        sort=None,
        field=None,
    ),
    Column(
        name="unseen",
        title="NOT SEEN",
        meaning="what can't be seen of it: all, roots of which a source is missing, rows that were too long to be sent",
        width=Width(9),
        cell=lambda row, _context: line(span(_unseen(row), "warning")) if _unseen(row) else EMPTY,
        sort=None,
        field=None,
    ),
    Column(
        name="lockdeck",
        title="LOCKDECK",
        meaning="the version of lockdeck there",
        width=Width(8, from_table=84),
        cell=lambda row, _context: line(span(_words(view.lockdeck for view in row.views), "dim")),
        sort=None,
        field=Field("lockdeck", lambda row: _words(view.lockdeck for view in row.views)),
    ),
    Column(
        name="openclaw",
        title="OPENCLAW",
        meaning="the versions of OpenClaw there",
        width=Width(9, flex=1, max_cells=24, from_table=98),
        cell=lambda row, _context: line(span(", ".join(row.openclaw), "dim")),
        sort=None,
        field=Field("openclaw", lambda row: ", ".join(row.openclaw)),
    ),
    Column(
        name="role",
        title="ROLE",
        meaning="what it lets this deck do: viewer looks, operator cancels and releases, admin also ends processes",
        width=Width(8, from_table=110),
        cell=lambda row, _context: line(span(_words(map(_role, row.views)), "dim")),
        sort=None,
        field=Field("role", lambda row: _words(map(_role, row.views))),
    ),
    Column(
        name="clock",
        title="CLOCK",
        meaning="how far its clock is from ours; ages of its rows are by its own",
        width=Width(7, from_table=120),
        cell=_clock_cell,
        sort=None,
        field=None,
    ),
    Column(
        name="why",
        title="WHY",
        meaning="why it isn't live",
        width=Width(10, flex=9, from_table=50),
        cell=lambda row, _context: line(span(_why(row), "warning", 1000)) if _why(row) else EMPTY,
        sort=None,
        field=Field("why", _why),
    ),
)
