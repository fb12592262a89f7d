"""Asks whose connections are cut, and whose agents are killed, at every step: each is done once at most, and known."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts import claims as claiming
from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.asks import (
    END_NOT_KNOWN,
    NEVER_BEGUN,
    UNNAMED,
    Ask,
    AskAnswer,
    Operation,
    Recall,
    Role,
    Told,
)
from lockdeck.backend.hosts.conversation import Conversation
from lockdeck.backend.hosts.frames import HostHello
from lockdeck.backend.hosts.owner import HostOwner
from lockdeck.backend.hosts.state import HostState
from lockdeck.backend.model.hosts import Phase

DONE = "released"
CUTS = (
    "before it is sent",
    "on the way there",
    "on the way there, where it arrives after all, later",
    "when it has arrived, and the agent goes on",
    "when the agent is killed before it claims",
    "when the agent is killed before it acts",
    "when the agent is killed after it acted",
    "when the agent is killed before it answers",
    "on the way back",
)
KILLED = {cut for cut in CUTS if "killed" in cut}
ANSWERED = "not at all"


class KilledError(BaseException):
    """Stands for SIGKILL: nothing of ours may handle it."""


class CountingActs:
    """Acts by counting; dies where a cut says so."""

    role = Role.OPERATOR

    def __init__(self, journal, done, cut):
        self.journal, self._done, self._cut = journal, done, cut

    def perform(self, ask, tell):
        if self._cut == "when the agent is killed before it acts":
            raise KilledError
        tell("working")
        self._done[ask.nonce] += 1
        if self._cut == "when the agent is killed after it acted":
            raise KilledError
        return AskAnswer(ask.nonce, DONE)


class CutHost:
    """A host that is called again after every cut; each connection has an agent of its own."""

    def __init__(self, folder, cuts):
        self.journal = Journal(str(folder / "owner" / "journal.jsonl"))
        self.done = Counter()
        self.cuts = list(cuts)
        self.late = []
        self.going_on = []

    def agent(self, cut):
        return HostOwner(
            CountingActs(self.journal, self.done, cut), "10.0.0.9", wait=lambda _: time.sleep(0.001)
        )

    def deliver(self, frame, talk, cut):
        """One agent takes what was sent to it; whether its connection still stands afterwards."""
        if cut == "on the way there":
            return False
        if cut == "on the way there, where it arrives after all, later":
            self.late.append(frame)
            return False
        if cut == "when it has arrived, and the agent goes on":
            thread = threading.Thread(target=self.answer, args=(frame, lambda _: None, cut))
            thread.start()
            self.going_on.append(thread)
            return False
        steps = []
        answer = self.answer(frame, steps.append, cut)
        if answer is None or cut in ("on the way back", "when the agent is killed before it answers"):
            return False
        for step in steps:
            talk.take(Told(frame.nonce, step))
        talk.take(answer)
        return True

    def answer(self, frame, tell, cut):
        if cut == "when the agent is killed before it claims":
            return None
        try:
            if isinstance(frame, Recall):
                return self.agent(cut).recall(frame, lambda: True)
            return self.agent(cut).answer(frame, tell)
        except KilledError:
            return None


class CutLink:
    """A link whose connections are cut as the host says."""

    host: CutHost

    def __init__(self, address, wake, *, talk):
        self.state = HostState("alpha", Phase.CALLED)
        self._talk, self._stopped = talk, threading.Event()
        self._said = threading.Semaphore(0)
        self._frames = []
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stopped.set()
        self._said.release()

    def _follow(self):
        while not self._stopped.is_set():
            cut = self.host.cuts.pop(0) if self.host.cuts else ANSWERED
            hello = HostHello((1, 1), "9", "alpha", "operator", can=tuple(Operation), at=time.time())
            self._talk.greeted(hello, lambda frame, cut=cut: self._say(frame, cut))
            stands = True
            while stands and not self._stopped.is_set():
                self._said.acquire()
                stands = bool(self._frames) and self.host.deliver(self._frames.pop(), self._talk, cut)
            self._talk.lost()

    def _say(self, frame, cut):
        if cut != "before it is sent":
            self._frames.append(frame)
        self._said.release()
        if cut == "before it is sent":
            raise BrokenPipeError


def end_as_sigkill_does(monkeypatch):
    """A claim whose holder is killed is let go of by the kernel: no answer is written."""
    end = claiming.NonceClaim.end

    def end_unless_killed(claim, answer):
        if "unexpectedly" in "".join(answer.sentences):
            os.close(claim._file)
        else:
            end(claim, answer)

    monkeypatch.setattr(claiming.NonceClaim, "end", end_unless_killed)


def is_known(answer, count, cuts):
    """Whether what the deck was told is what is."""
    if answer.status == DONE:
        return count == 1
    if answer.status == NEVER_BEGUN:
        return count == 0
    return answer.status == END_NOT_KNOWN and count <= 1 and bool(KILLED & set(cuts))


@given(st.lists(st.lists(st.sampled_from(CUTS), max_size=3), min_size=1, max_size=4))
@example([[cut] for cut in CUTS])
@example([[first, then] for first in CUTS for then in CUTS])
def test_each_ask_is_done_once_at_most_and_known_wherever_its_connections_are_cut(scripts):
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        end_as_sigkill_does(patch)
        patch.setattr(os, "fsync", lambda _: None)  # the power stays on
        patch.setattr(claiming, "MOST_A_MINUTE", 10**9)
        deck = Journal(str(Path(folder) / "deck" / "journal.jsonl"))
        for cuts in scripts:
            host = CutHost(Path(folder), cuts)
            patch.setattr(CutLink, "host", host, raising=False)
            talk = Conversation(HostAddress("alpha", ()), deck, "ann", lambda _: None, CutLink)
            answer = talk.ask(Ask(UNNAMED, Operation.RELEASE, "/x.lock", release_id="h"))
            talk.close()
            for thread in host.going_on:
                thread.join()
            for frame in host.late:
                host.answer(frame, lambda _: None, ANSWERED)
            (asked, answered) = deck.read().entries[-2:]
            assert (asked["kind"], answered["kind"], answered["status"]) == (
                "asked",
                "answered",
                answer.status,
            )
            assert is_known(answer, host.done[answer.nonce], cuts), (answer, host.done, cuts)
            assert sum(host.done.values()) <= 1
