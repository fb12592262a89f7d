"""A machine of its own for every test: no home, settings, temporary files or processes but what it makes."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockdeck.backend.system import procfs
from tests.ownprocesses import family_of

_PREFIXES = ("LOCKDECK_", "OPENCLAW_", "CLAWDBOT_", "XDG_")
_VARIABLES = {"NO_COLOR", "COLORTERM", "COLUMNS", "LINES", "USERPROFILE", "SSH_CONNECTION", "SSH_TTY", "TMUX"}
_OPTIONS = {"LOCKDECK_UPDATE_FRAMES"}
_FOLDERS = {
    "HOME": "home",
    "TMPDIR": "tmp",
    "XDG_CONFIG_HOME": "home/.config",
    "XDG_STATE_HOME": "home/.local/state",
    "XDG_RUNTIME_DIR": "run",
    "LOCKDECK_CONFIG_DIR": "lockdeck-config",
    "LOCKDECK_STATE_DIR": "lockdeck-state",
}


@pytest.fixture(scope="session", autouse=True)
def own_processes() -> Iterator[None]:
    """Narrow the process table to what this run has started, also for the fixtures that many tests share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(procfs, "list_pids", family_of(os.getpid()))
        for name in os.environ:
            if name in _VARIABLES or (name.startswith(_PREFIXES) and name not in _OPTIONS):
                patch.delenv(name)
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give a test a home, a folder for temporary files and lockdeck's folders, beside its `tmp_path`."""
    place = tmp_path.with_name(f"{tmp_path.name}-machine")
    for name, folder in _FOLDERS.items():
        monkeypatch.setenv(name, str(place / folder))
    for folder in ("home", "tmp"):
        (place / folder).mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", None)
