"""What keeps an instance to itself: environment, a log folder of its own, a lifeline to the test run."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.live.install import Release

GUARD = Path(__file__).with_name("loopback_only.cjs")
# Every OpenClaw process of a uid writes here; 2026.4.5 ignores logging.file.
SHARED_LOGS = Path("/tmp/openclaw")
TURNED_OFF = (
    "OPENCLAW_NO_RESPAWN",
    "OPENCLAW_SKIP_CHANNELS",
    "OPENCLAW_SKIP_CRON",
    "OPENCLAW_SKIP_GMAIL_WATCHER",
    "OPENCLAW_SKIP_CANVAS_HOST",
    "OPENCLAW_SKIP_BROWSER_CONTROL_SERVER",
    "OPENCLAW_DISABLE_BONJOUR",
)


def environment(release: Release, home: Path, root: Path, refused: Path) -> dict[str, str]:
    """The whole environment of an instance's processes: nothing of the test run's own gets in.

    Connections that would leave this machine are refused and noted in the file `refused`.
    """
    return {
        "PATH": f"{release.node.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "OPENCLAW_STATE_DIR": str(root),
        "OPENCLAW_CONFIG_PATH": str(root / "openclaw.json"),
        "NODE_OPTIONS": f"--require {GUARD}",
        "NPM_CONFIG_OFFLINE": "true",
        "LOCKDECK_REFUSED": str(refused),
        **dict.fromkeys(TURNED_OFF, "1"),
    }


@cache
def can_mount() -> bool:
    """Whether this user may give a process mounts of its own (Linux, root, not a locked-down container)."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    SHARED_LOGS.mkdir(mode=0o700, exist_ok=True)
    tried = subprocess.run(
        ("unshare", "--mount", "--propagation", "private", "mount", "--bind", SHARED_LOGS, SHARED_LOGS),
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0


def with_own_logs(logs: Path, command: list[str]) -> list[str]:
    """The command with `logs` in place of the shared log folder; every step execs, so the pid stays.

    Without the right to mount the command comes back unchanged and writes to the shared folder.
    """
    if not can_mount():
        return command
    logs.mkdir(mode=0o700, exist_ok=True)
    script = f'mount --bind "$0" {SHARED_LOGS} && exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(logs), *command]


def log_folder(logs: Path) -> Path:
    """Where the log files of such a command are, seen from here."""
    return logs if can_mount() else SHARED_LOGS
