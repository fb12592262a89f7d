"""Record the log of a hang of all four agents: `python -m tests.live.record VERSION...`.

Writes `recordings/<version>-hang.log`: what OpenClaw wrote from the first hanging run to the end of the
last, without lines about tools and databases, machine paths replaced. The recordings are fixtures for the log parser.
"""

from __future__ import annotations

import socket
import sys
import tempfile
from pathlib import Path

from tests.live.install import install
from tests.live.instance import Instance
from tests.live.state import AGENTS

RECORDINGS = Path(__file__).with_name("recordings")
IDLE_SECONDS = 5
RUN_SECONDS = 300
NOISE = ("agents/tool-policy", "state/database-verify", "session-sqlite")
MAX_BYTES = 200 << 10


def record(version: str) -> Path:
    """Let all agents hang until every run has ended by itself, and write the recording."""
    release = install(version)
    with tempfile.TemporaryDirectory(prefix="record-") as name:
        folder = Path(name)
        with Instance(release, folder, run_timeout=RUN_SECONDS, idle_timeout=IDLE_SECONDS) as instance:
            for agent in AGENTS:
                instance.start_run(agent).wait(120)
            before = instance.log_file.stat().st_size
            instance.provider.mode("hang")
            for run in [instance.start_run(agent) for agent in AGENTS]:
                run.wait(RUN_SECONDS)
            text = instance.log_file.read_bytes()[before:].decode()
        return _write(version, scrubbed(text, folder, release.cache / version))


def scrubbed(text: str, folder: Path, installed: Path) -> str:
    """The log without noise and without anything that tells where it was made."""
    kept = (line for line in text.splitlines(keepends=True) if not any(word in line for word in NOISE))
    out = "".join(kept).replace(f'"hostname":"{socket.gethostname()}"', '"hostname":"host"')
    for here, there in (
        (f"{folder}/home", "/home/user"),
        (str(folder), "/home/user"),
        (str(installed), "/usr/lib"),
    ):
        out = out.replace(here, there)
    return out


def _write(version: str, text: str) -> Path:
    assert len(text) <= MAX_BYTES, f"{len(text)} bytes are too many for a fixture"
    RECORDINGS.mkdir(exist_ok=True)
    path = RECORDINGS / f"{version}-hang.log"
    path.write_text(text)
    return path


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        print(record(wanted))
