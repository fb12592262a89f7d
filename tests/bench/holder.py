"""The process behind `children.Holder`: takes and releases locks in OpenClaw's way, one order a line."""

from __future__ import annotations

import os
import sys
import time

from lockdeck.backend.simulate.lockfile import release, write_payload

_FLAGS = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC


def main() -> None:
    held: dict[str, int] = {}
    for order in sys.stdin:
        what, _, path = order.rstrip("\n").partition(" ")
        moment = time.monotonic()
        if what == "take":
            held[path] = os.open(path, _FLAGS, 0o666)
            write_payload(held[path])
        else:
            release(path, held.pop(path))
        print(moment, flush=True)


if __name__ == "__main__":
    main()
