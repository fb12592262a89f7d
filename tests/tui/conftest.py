"""One time zone and no user's own settings in the tests of the dashboard."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _one_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        patch.delenv("NO_COLOR", raising=False)
        patch.setenv("LOCKDECK_STATE_DIR", str(tmp_path / "lockdeck-state"))
        time.tzset()
        yield
    time.tzset()
