"""`python -m tests.hosts.cuts`: asks whose connections are cut at every step; 1 where one was done twice or is not known."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.asks import END_NOT_KNOWN, NEVER_BEGUN, UNNAMED, Ask, AskAnswer, Operation
from lockdeck.backend.hosts.conversation import Conversation
from tests.hosts.cuts.agents import DONE, DONE_LOG, Agents
from tests.hosts.cuts.deck import Cut, CutLink, cuts

ASKS = 10_000
A_HOST = 250
"""So many asks are made of one host: it remembers each for a day, and looks at all of them for each."""
WORKERS = 4


def main() -> int:
    """Make so many asks, and say how they ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--asks", type=int, default=ASKS)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    counts = run(options.asks, options.seed)
    wrong = counts["wrong"]
    print(
        f"{counts['asks']} asks over {counts['connections']} connections in {time.monotonic() - began:.0f} s:"
    )
    for name, count in sorted(counts.items()):
        print(f"  {name:24} {count}")
    return 1 if wrong or counts["asks"] != options.asks else 0


def run(asks: int, seed: int) -> Counter[str]:
    """Make asks in some processes at the same time; how they ended."""
    with tempfile.TemporaryDirectory(prefix="lockdeck-cuts-") as folder:
        shares = [asks // WORKERS + (number < asks % WORKERS) for number in range(WORKERS)]
        pids = [
            _fork(Path(folder) / str(number), share, seed + number) for number, share in enumerate(shares)
        ]
        for pid in pids:
            os.waitpid(pid, 0)
        reports = Path(folder).glob("*/report.json")
        return sum((Counter(json.loads(report.read_text())) for report in reports), Counter())


def _fork(folder: Path, asks: int, seed: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    folder.mkdir()
    counts: Counter[str] = Counter()
    try:
        os.fsync = lambda _: None  # type: ignore[assignment]  # the power stays on
        agents, dice = Agents(), random.Random(seed)
        while counts["asks"] < asks:
            counts += _ask_one_host(
                agents, folder / f"host-{counts['asks']}", min(A_HOST, asks - counts["asks"]), dice
            )
        agents.close()
        (folder / "report.json").write_text(json.dumps(counts))
    except BaseException as error:
        print(f"a worker ended: {error!r}", file=sys.stderr)
        os._exit(1)
    os._exit(0)


def _ask_one_host(agents: Agents, folder: Path, asks: int, dice: random.Random) -> Counter[str]:
    """Ask a host many times, and judge when all that it began has ended."""
    (folder / "owner").mkdir(parents=True, mode=0o700)
    journal = Journal(str(folder / "deck" / "journal.jsonl"))
    counts: Counter[str] = Counter()
    answers: list[tuple[AskAnswer, list[Cut]]] = []
    for _ in range(asks):
        where = cuts(dice)
        links: list[CutLink] = []

        def link_to(_address, _wake, *, talk, where=where, links=links):  # type: ignore[no-untyped-def]
            links.append(CutLink(agents, str(folder), where, talk))
            return links[0]

        talk = Conversation(HostAddress("alpha", ()), journal, "ann", lambda _: None, link_to)
        answers.append((talk.ask(Ask(UNNAMED, Operation.RELEASE, "/x.lock", release_id="h")), where))
        talk.close()
        counts["connections"] += links[0].made
    agents.await_ends()
    done_log = folder / DONE_LOG
    done = Counter(done_log.read_text().split()) if done_log.exists() else Counter()
    for answer, where in answers:
        counts[answer.status] += 1
        if not is_known(answer, done[answer.nonce], where):
            counts["wrong"] += 1
            print(f"wrong: {answer} was done {done[answer.nonce]} times: {where}", file=sys.stderr)
    counts["asks"] += len(answers)
    counts["done"] += sum(done.values())
    journaled = [entry["kind"] for entry in journal.read().entries]
    counts["wrong"] += journaled != ["asked", "answered"] * asks
    return counts


def is_known(answer: AskAnswer, count: int, where: list[Cut]) -> bool:
    """Return whether what the deck was told is what is; that it is not known only where an agent was killed."""
    if answer.status == DONE:
        return count == 1
    if answer.status == NEVER_BEGUN:
        return count == 0
    return answer.status == END_NOT_KNOWN and count <= 1 and any(cut.dies_at is not None for cut in where)


if __name__ == "__main__":
    sys.exit(main())
