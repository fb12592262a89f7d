"""A deck of made-up hosts that says what it cost, as JSON: `python -m tests.bench.hostdeck links|frames|slow …`."""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable

import psutil
from msgspec.structs import replace

from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.board import Board
from lockdeck.backend.hosts.frames import FrameReader
from lockdeck.backend.hosts.merged import MergedHosts
from lockdeck.backend.hosts.source import GATHER_S, HostsSource
from lockdeck.backend.hosts.state import HostRecord
from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.model.hosts import Phase
from tests.bench.hostrows import change, hello, picture, session

PATIENCE_S = 120.0
SETTLING_S = 2.0


def links(folder: str, hosts: int, seconds: float, silent: bool) -> dict[str, object]:
    """Follow hosts that tell into named pipes, one of which hangs half-way."""
    addresses = [HostAddress(str(number), ("cat", f"{folder}/{number}")) for number in range(hosts)]
    live, stop, late = threading.Event(), threading.Event(), []

    def publish(fleet: FleetSnapshot) -> None:
        now = time.monotonic()
        if all(host.phase is Phase.LIVE for host in fleet.hosts) and fleet.hosts:
            live.set()
        changes = fleet.delta.sessions if fleet.delta is not None and live.is_set() else ()
        late.extend(now - each.new.transcript_at for each in changes if _counts(each.new))

    before = _used(children=True)
    thread = threading.Thread(target=HostsSource(addresses).run, args=(publish, stop))
    thread.start()
    if not live.wait(PATIENCE_S):
        raise RuntimeError("the hosts did not become live")
    idle_from, began = _used(), time.monotonic()
    first: list[float] = []
    time.sleep(SETTLING_S)
    late.clear()  # what changed while they were being connected
    time.sleep(seconds)
    share = (_used() - idle_from) / (time.monotonic() - began)
    if not silent:
        first, late[:] = list(late), []
        time.sleep(seconds)
    stop.set()
    thread.join()
    _await_children()
    connected = idle_from - before + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    connected += resource.getrusage(resource.RUSAGE_CHILDREN).ru_stime
    return {"connected_s": connected, "share": share, "late": first, "late_beside_a_hung_one": list(late)}


def _counts(row: object) -> bool:
    """Whether a row is one that changed, and not one of a host that was lost."""
    return row is not None and row.last_seen is None and row.reasons != ()  # type: ignore[attr-defined]


def frames(hosts: int, sessions: int, changes: int, seconds: int) -> dict[str, object]:
    """Take in the frames of very many hosts, and make a picture of all after each GATHER_S of changes."""
    before = _memory()
    records = [HostRecord(f"host-{number}") for number in range(hosts)]
    readers = [FrameReader() for _ in records]
    merged = MergedHosts({})

    def take(number: int, data: bytes) -> None:
        for frame in readers[number].feed(data):
            records[number].take(frame, time.time())  # type: ignore[arg-type]

    for number in range(hosts):
        take(number, hello(f"host-{number}") + picture(sessions))
    _picture(merged, records)
    memory = _memory() - before
    told, used = 0, 0.0
    for step in range(int(seconds / GATHER_S)):
        batch = []
        while told < (step + 1) * GATHER_S * changes:
            told += 1
            batch.append((told % hosts, change(told % sessions, time.monotonic(), busy=bool(told % 2))))
        began = time.process_time()
        for number, data in batch:
            take(number, data)
        _picture(merged, records)
        used += time.process_time() - began
    return {"memory_mb": memory / 1e6, "share": used / seconds, "memory_after_mb": (_memory() - before) / 1e6}


def _picture(merged: MergedHosts, records: list[HostRecord]) -> None:
    merged.picture(tuple(record.state for record in records), time.time())


def slow(sessions: int, rounds: int) -> dict[str, object]:
    """Let every row of an owner change again and again, before a viewer that takes nothing."""
    board = Board()
    rows = tuple(map(session, range(sessions)))
    row_bytes = _growth(lambda: [replace(row, since=1.0, transcript=f"{row.transcript}.") for row in rows])
    board.take(FleetSnapshot(0.0, "host", sessions=rows, sequence=1))
    with board.outbox():

        def change_all() -> list[object]:
            for number in range(rounds):
                fresh = tuple(replace(row, since=float(number)) for row in rows)
                board.take(FleetSnapshot(float(number), "host", sessions=fresh, sequence=number + 2))
            return []

        grown = _growth(change_all)
    return {"rows": grown / row_bytes}


def _growth(work: Callable[[], object]) -> int:
    tracemalloc.start()
    kept = work()
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return grown


def _used(*, children: bool = False) -> float:
    of = [resource.RUSAGE_SELF, *([resource.RUSAGE_CHILDREN] if children else [])]
    usages = [resource.getrusage(who) for who in of]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _memory() -> int:
    return int(psutil.Process().memory_info().rss)


def _await_children() -> None:
    """Wait until all that were started have ended, so that their time is told."""
    psutil.wait_procs(psutil.Process().children(recursive=True), 30)
    try:
        while True:
            os.waitpid(-1, os.WNOHANG)
            time.sleep(0.05)
    except ChildProcessError:
        return


def main() -> None:
    """Do what the words say."""
    mode, *words = sys.argv[1:]
    match mode:
        case "links":
            folder, hosts, seconds, silent = words
            facts = links(folder, int(hosts), float(seconds), silent == "silent")
        case "frames":
            facts = frames(*map(int, words))
        case _:
            facts = slow(*map(int, words))
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
