"""Rows of the hosts table: a host with what is known of it, or the hosts of a group folded into one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from lockdeck.backend.model.fleet import FleetSnapshot, RootView, SessionView, Severity
from lockdeck.backend.model.hosts import HostView, Phase
from lockdeck.tui.table.rowchanges import RowChange, RowChanges
from lockdeck.tui.view.severity import row_severity


class HostCount(Struct, frozen=True):
    """How many sessions and locks a host has, and how many of its rows need a person."""

    sessions: int = 0
    urgent: int = 0
    locks: int = 0

    def __add__(self, other: HostCount) -> HostCount:
        return HostCount(self.sessions + other.sessions, self.urgent + other.urgent, self.locks + other.locks)


class HostRow(Struct, frozen=True):
    """One host, or, `folded`, all of a group: then `name` is the group's.

    `views` are the hosts, `unseen_roots` those of their roots of which something can't be seen, `openclaw` the versions there.
    """

    name: str
    group: str
    views: tuple[HostView, ...]
    count: HostCount = HostCount()
    unseen_roots: int = 0
    openclaw: tuple[str, ...] = ()
    folded: bool = False

    @property
    def withheld(self) -> int:
        """The rows that could not be sent."""
        return sum(view.withheld for view in self.views)

    @property
    def absent(self) -> int:
        """The hosts that are lost, or not to be spoken with."""
        return sum(view.phase in (Phase.LOST, Phase.REFUSED) for view in self.views)

    @property
    def severity(self) -> Severity:
        """How much it needs a person: what is not seen does."""
        if self.absent or self.withheld or self.unseen_roots or self.count.urgent:
            return Severity.WARNING
        return Severity.OK if all(view.seen for view in self.views) else Severity.NOTICE


def counted(
    before: Mapping[str, HostCount], changes: RowChanges, names: Collection[str]
) -> Mapping[str, HostCount]:
    """Count the rows of hosts on by what changed; those of hosts that are not followed any more are forgotten."""
    if not (names or before):
        return before
    counts = {name: before.get(name, HostCount()) for name in names}
    for host, step in (*_steps(changes.fleet, of_locks=False), *_steps(changes.locks, of_locks=True)):
        if host in counts:
            counts[host] += step
    return counts


def _steps(changes: Iterable[RowChange], *, of_locks: bool) -> Iterator[tuple[str, HostCount]]:
    for change in changes:
        for row, step in ((change.old, -1), (change.new, 1)):
            if row is not None and of_locks:
                yield row.host, HostCount(locks=step)
            elif row is not None:
                urgent = step if row_severity(row) >= Severity.WARNING else 0
                yield row.host, HostCount(step if isinstance(row, SessionView) else 0, urgent)


def host_rows(
    snapshot: FleetSnapshot, counts: Mapping[str, HostCount], folded: Collection[str]
) -> dict[tuple[str, str], HostRow]:
    """Return the hosts, by `host` and name; those of a folded group are one row, by `group` and its name."""
    rows: dict[tuple[str, str], HostRow] = {}
    of_host: dict[str, list[RootView]] = {}
    for root in snapshot.roots:
        of_host.setdefault(root.host, []).append(root)
    for view in snapshot.hosts:
        roots = of_host.get(view.name, [])
        versions = (root.version or (root.gateway.version if root.gateway else None) for root in roots)
        row = HostRow(
            view.name,
            view.group,
            (view,),
            counts.get(view.name, HostCount()),
            sum(root.unseen for root in roots),
            tuple(dict.fromkeys(version for version in versions if version)),
        )
        if view.group in folded:
            key = ("group", view.group)
            rows[key] = _together(rows[key], row) if key in rows else _as_group(row)
        else:
            rows["host", view.name] = row
    return rows


def _as_group(row: HostRow) -> HostRow:
    return HostRow(row.group, row.group, row.views, row.count, row.unseen_roots, row.openclaw, folded=True)


def _together(group: HostRow, row: HostRow) -> HostRow:
    return HostRow(
        group.name,
        group.group,
        (*group.views, *row.views),
        group.count + row.count,
        group.unseen_roots + row.unseen_roots,
        tuple(dict.fromkeys((*group.openclaw, *row.openclaw))),
        folded=True,
    )


def host_order(row: HostRow) -> tuple[int, str, str]:
    """Return what hosts are sorted by: those that need a person first, then by group and name."""
    return (-row.severity, row.group, row.name)
