"""Facts that name no run but share its trace, and which run a trace belongs to (2026.7 and later).

2026.9.6 writes the retries of a hanging run without any run id.  Such facts are a run of their own, called
after the trace, until exactly one run id is told in the same trace.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from lockdeck.backend.model.runs.events import Event, SameModelRetry
from lockdeck.backend.model.runs.sorted_facts import TOLD_AGAIN_S, is_record, is_retelling

MAX_RETRIES = 256
SAME_RETRY_S = 5.0
"""One retry is told by the log and by the event stream within this many seconds."""
MAX_OWNERS = 2
"""Two run ids in one trace are one too many; further ones change nothing."""
_PREFIX = "trace:"


class Trace(Struct, frozen=True):
    """Facts told under one trace id. `owners`: the run ids that its lines name, at most two.

    `facts` are the events without a run id, sorted; `at` is when it was last heard of, epoch seconds.
    """

    owners: tuple[str, ...] = ()
    facts: tuple[Event, ...] = ()
    at: float = 0.0

    @property
    def owner(self) -> str | None:
        """The one run that this trace belongs to; None where none or several are named."""
        return self.owners[0] if len(self.owners) == 1 else None

    def owned_by(self, run_id: str, at: float) -> Trace:
        """Return the trace with one more run id told in it."""
        owners = tuple(sorted({*self.owners, run_id})[:MAX_OWNERS])
        return replace(self, owners=owners, at=max(self.at, at))


def run_id_of(trace_id: str) -> str:
    """Return the id under which the facts of a trace stand while no run id is known."""
    return _PREFIX + trace_id


def is_of_trace(run_id: str) -> bool:
    """Return whether a run is known by its trace only."""
    return run_id.startswith(_PREFIX)


def touched_runs(traces: Mapping[str, Trace], ids: Iterable[str]) -> set[str]:
    """Return the runs whose facts change with these traces, the traces' own included."""
    runs: set[str] = set()
    for trace_id in ids:
        runs.add(run_id_of(trace_id))
        runs.update(traces[trace_id].owners)
    return runs


def same_retry(first: SameModelRetry, second: SameModelRetry) -> bool:
    """Return whether two tellings are of one retry: equal number and equal delay, which is random to the millisecond."""
    marks = [(retry.index, retry.total, retry.delay_ms) for retry in (first, second)]
    return None not in marks[0] and marks[0] == marks[1] and abs(first.at - second.at) <= SAME_RETRY_S


def with_retry(retries: tuple[SameModelRetry, ...], event: SameModelRetry) -> tuple[SameModelRetry, ...]:
    """Add a retry, once; the newest are kept."""
    if event in retries:
        return retries
    return tuple(sorted((*retries, event), key=lambda retry: (retry.at, repr(retry))))[-MAX_RETRIES:]


def named_by_retries(traces: Mapping[str, Trace], retries: Iterable[SameModelRetry]) -> dict[str, Trace]:
    """Return the traces of which one retry was also told with a run id, with that id as an owner."""
    owned: dict[str, Trace] = {}
    for retry in retries:
        twins = [
            trace_id
            for trace_id, trace in traces.items()
            if any(isinstance(fact, SameModelRetry) and same_retry(fact, retry) for fact in trace.facts)
        ]
        if len(twins) == 1 and retry.run_id is not None:
            trace = owned.get(twins[0], traces[twins[0]])
            owned[twins[0]] = trace.owned_by(retry.run_id, retry.at)
    return owned


def facts_by_run(traces: Mapping[str, Trace]) -> dict[str, list[Event]]:
    """Return the facts without a run id by the run they belong to."""
    facts: dict[str, list[Event]] = {}
    for trace_id, trace in traces.items():
        if trace.facts:
            facts.setdefault(trace.owner or run_id_of(trace_id), []).extend(trace.facts)
    return facts


def unnamed(waiting: Iterable[Event], traces: Mapping[str, Trace]) -> tuple[Event, ...]:
    """Return the events that name no run, without the console's words for what a record with a trace tells.

    From 2026.7 on these words lack the trace that ties a record to its run.
    """
    records: dict[type[Event], list[Event]] = {}
    for trace in traces.values():
        for fact in trace.facts:
            records.setdefault(type(fact), []).append(fact)
    for of_class in records.values():
        of_class.sort(key=_at)
    return tuple(event for event in waiting if not _is_retold(event, records.get(type(event), [])))


def _is_retold(event: Event, records: list[Event]) -> bool:
    if is_record(event):
        return False
    low = bisect_left(records, event.at - TOLD_AGAIN_S, key=_at)
    high = bisect_right(records, event.at + TOLD_AGAIN_S, key=_at)
    return any(is_retelling(event, record) for record in records[low:high])


def _at(event: Event) -> float:
    return event.at
