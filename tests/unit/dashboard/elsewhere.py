"""What is done on another host must not be done here: for tests of a deck of hosts."""

from __future__ import annotations

import pytest

from lockdeck.backend.actions.cancel import plan
from lockdeck.tui.acting import local

_HERE = ("plan_release", "release", "offer_release", "do_releases", "offer_cancel", "do_cancels")


def forbid_local_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every function that plans or acts on this machine fail."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("local code was reached")

    for name in _HERE:
        monkeypatch.setattr(local, name, never)
    monkeypatch.setattr(plan, "plan_cancel", never)
