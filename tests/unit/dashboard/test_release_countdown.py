"""The dashboard tells how long a release waits for a process that has just started."""

from __future__ import annotations

import os

import pytest

from lockdeck.backend.actions.release.newcomers import Newcomer
from lockdeck.backend.system.text import safe
from lockdeck.tui.acting import local
from lockdeck.tui.acting.local import do_releases
from lockdeck.tui.operations import ActionContext, Offer
from tests.unit.releasing import NO_SUCH_PID, Root

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")


def test_the_countdown_stands_in_the_result_while_the_release_waits(tmp_path, monkeypatch):
    root = Root(tmp_path)
    root.write()
    ages = iter([7.0, 8.0])

    def look(_place):
        age = next(ages, None)
        return () if age is None else (Newcomer(NO_SUCH_PID, safe("openclaw"), age),)

    monkeypatch.setattr(local, "newcomers_at", look)
    heard = []
    context = ActionContext(journal=root.journal, wait=root.waits.append, watch_s=0)
    offer = Offer(None, root.plan(young=lambda _: ()))
    do_releases([offer], context, lambda _index, piece: heard.append((piece.word, piece.sentences)), print)
    words = [word for word, _ in heard]
    assert words == ["working", "working", "working", "released"]
    assert [sentences[0].split(":")[0] for _, sentences in heard[1:3]] == [
        "wait up to 23 s",
        "wait up to 22 s",
    ]
    assert "openclaw" in heard[1][1][0]
