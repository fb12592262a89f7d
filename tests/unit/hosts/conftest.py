"""Every host here has all the patience that a busy machine needs."""

from __future__ import annotations

import pytest

from lockdeck.backend.hosts import link


@pytest.fixture(autouse=True)
def patient_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call a host silent much later than for a person."""
    monkeypatch.setattr(link, "CONNECT_S", 100.0)
    monkeypatch.setattr(link, "SILENT_S", 100.0)
