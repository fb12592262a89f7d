"""A collector that looks at one directory whenever it is told to: `python -m tests.bench.looker ROOT LOG DIRECTORY`.

Its clock stands still: what only time changes is no part of an event, and valgrind takes its time.
"""

from __future__ import annotations

import gc
import sys
import time

from lockdeck.backend.settings.records import Settings
from lockdeck.backend.watch.collector import Collector
from lockdeck.backend.watch.directory import QUIET_S

PATIENCE_S = 3600.0
"""Under valgrind everything takes fifty times as long."""


def main() -> None:
    """Say how many sessions there are, and look once for each line that comes."""
    root, log, directory = sys.argv[1:]
    now = time.time() + QUIET_S
    collector = Collector.discover([root], Settings(), logs=[log], clock=lambda: now)
    collector._patience.seconds = PATIENCE_S
    collector.look()
    # What was just written is looked at again, and the second look asks how long what it builds stands.
    time.sleep(QUIET_S)
    count = len(collector.look().sessions)
    gc.freeze()
    print(count, flush=True)
    for _ in sys.stdin:
        collector._look({directory})
        print("looked", flush=True)
    collector.close()


if __name__ == "__main__":
    main()
