"""How many rows of the fleet say what, counted on by what changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from lockdeck.backend.model.fleet import LockView, SessionView, Severity, State
from lockdeck.backend.model.locks import Verdict
from lockdeck.tui.view.severity import STATE_ORDER, told_as, verdict_severity

Saying = tuple[bool, State | Verdict, Severity]
"""Whether it is a lock's, what a row says first, and how urgent it is."""
Row = SessionView | LockView
_ORDER: list[State | Verdict] = [*sorted(Verdict), *STATE_ORDER]
_RANK = {told: rank for rank, told in enumerate(_ORDER)}


class FleetCounts(Struct, frozen=True):
    """The number of rows by what they say, and of the callers that are blocked on all of them.

    Rows of a host that is lost say nothing any more: they are `unseen`.
    """

    rows: Mapping[Saying, int] = field(default_factory=dict)
    blocked: int = 0
    unseen: int = 0

    def after(self, pairs: Iterable[tuple[Row | None, Row | None]]) -> FleetCounts:
        """Count on: each old row is one less, each new one is one more."""
        rows, blocked, unseen = dict(self.rows), self.blocked, self.unseen
        for pair in pairs:
            for row, step in zip(pair, (-1, 1), strict=True):
                if row is not None and row.last_seen is not None:
                    unseen += step
                elif row is not None:
                    saying = _saying(row)
                    rows[saying] = rows.get(saying, 0) + step
                    blocked += step * _blocked(row)
        return FleetCounts({saying: number for saying, number in rows.items() if number}, blocked, unseen)

    def by_word(self) -> dict[State | Verdict, tuple[int, Severity]]:
        """Return for what rows say first how many say so, and how urgent the worst of them is; no locks that are well."""
        words: dict[State | Verdict, tuple[int, Severity]] = {}
        for (of_lock, told, severity), number in sorted(self.rows.items(), key=_place):
            if not of_lock or severity is not Severity.OK:
                before, worst = words.get(told, (0, severity))
                words[told] = (before + number, max(worst, severity))
        return words


def _saying(row: Row) -> Saying:
    of_lock = isinstance(row, LockView)
    return (of_lock, told_as(row), verdict_severity(row) if isinstance(row, LockView) else row.severity)


def _blocked(row: Row) -> int:
    return 0 if isinstance(row, LockView) else row.blocked.count


def _place(count: tuple[Saying, int]) -> tuple[bool, int, Severity]:
    of_lock, told, severity = count[0]
    return (of_lock, _RANK[told], severity)
