"""Releases that decks on two hosts ask of a third for, over a real ssh, against acquirers that live there: nobody is robbed."""

from __future__ import annotations

import json
import random
import shlex
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.address import HostAddress, ssh_address
from lockdeck.backend.hosts.conversation import Conversation
from tests.folders import REPOSITORY
from tests.hosts.network import Deck
from tests.hosts.sshd import SshDeck
from tests.race.contest import SCENARIOS
from tests.race.wire import ask_for_a_release
from tests.unit.fleetdir import environment

SCENARIO = "patient"
SECONDS = 40
ENOUGH = 10
"""Fewer releases from one deck prove nothing."""
CONTEST = """
import json, sys
from tests.race.contest import SCENARIOS, run
folder, scenario, seconds = sys.argv[1:4]
print(json.dumps(run(SCENARIOS[scenario], "none", folder, seconds=float(seconds)).counts))
"""


def contest(folder, host):
    """Start agents that take, leave and lose the locks of a root on a machine; they say at their end how it went."""
    words = (sys.executable, "-c", CONTEST, str(folder), SCENARIO, str(SECONDS), "openclaw")
    env = environment({"HOME": str(folder), "TMPDIR": str(folder)})
    return subprocess.Popen((*host.machine.enter, *words), cwd=REPOSITORY, env=env, stdout=subprocess.PIPE)


def owner(folder):
    """Return the command of the lockdeck that owns that root: the real one, whose waits are on the race's clock."""
    config = folder / "config.toml"
    config.write_text(f"[[roots]]\npath = {json.dumps(str(folder))}\nown_namespace = true\n")
    serve = ("serve", "--stdio", "--role", "operator", "--config", str(config), str(folder))
    return shlex.join((sys.executable, "-m", "tests.race.wire", *serve))


class Decks:
    """Decks that ask until the agents have ended, each from a machine of its own."""

    def __init__(self, folder: Path) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self._folder, self._over = folder, threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, name: str, address: HostAddress, paths: list[str]) -> None:
        """Let a deck ask."""
        thread = threading.Thread(target=self._ask, args=(name, address, paths))
        self._threads.append(thread)
        thread.start()

    def end(self) -> None:
        """Let them all end."""
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def _ask(self, name: str, address: HostAddress, paths: list[str]) -> None:
        count, dice = self.counts.setdefault(name, Counter()), random.Random(name)
        talk = Conversation(address, Journal(str(self._folder / name / "journal")), name, lambda _: None)
        try:
            while not self._over.is_set():
                ask_for_a_release(talk, dice.choice(paths), count)
        finally:
            talk.close()


@pytest.mark.timeout(300)
def test_decks_on_two_hosts_that_ask_a_third_for_releases_rob_nobody(hosts, tmp_path):
    folder = tmp_path / "contest"
    folder.mkdir()
    alpha, beta = hosts.alpha, hosts.beta
    there = SshDeck(tmp_path / "there", Deck(beta.machine.enter, (alpha.machine, beta.machine)), [alpha])
    decks = Decks(tmp_path)
    paths = [
        str(folder / "agents" / f"agent-{number}" / "sessions" / "race.jsonl.lock")
        for number in range(SCENARIOS[SCENARIO].locks)
    ]
    with contest(folder, alpha) as agents:
        try:
            for name, deck in (("deck", hosts.deck), ("beta", there)):
                deck.admit(alpha, "race", forced=owner(folder))
                address = ssh_address("ssh://race").asking
                ssh = (str(deck.path / "ssh"), *address.command[1:])
                decks.start(name, replace(address, command=ssh), paths)
            told = Counter(json.loads(agents.communicate(timeout=SECONDS + 60)[0]))
        finally:
            decks.end()
            agents.kill()
    print(told, decks.counts, flush=True)
    assert min(count["released"] for count in decks.counts.values()) >= ENOUGH
    assert told["robbed"] == told["double"] == 0
