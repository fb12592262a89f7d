"""Releases that are asked for over the wire: each releaser is a deck, with a lockdeck of its own at the other end of a pipe.

`python -m tests.race.wire serve …` is that lockdeck: `lockdeck serve`, whose waits are on the race's clock.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from collections.abc import Sequence
from functools import cache, partial

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.release import newcomers
from lockdeck.backend.actions.release import release as release_module
from lockdeck.backend.hosts import claims
from lockdeck.backend.hosts.address import HostAddress
from lockdeck.backend.hosts.asks import PLANNED, UNNAMED, Ask, Operation
from lockdeck.backend.hosts.conversation import Conversation
from lockdeck.tui import entry
from tests.folders import REPOSITORY


def over_the_wire(paths: Sequence[str], journal: str, count: Counter[str], dice: random.Random) -> None:
    """Ask the owner of the locks for the release of one of them; what it does not offer is held, or was not seen yet."""
    ask_for_a_release(_conversation(journal, os.getpid()), dice.choice(paths), count)


def ask_for_a_release(talk: Conversation, path: str, count: Counter[str]) -> None:
    """Ask for the plan of a release, and for the release that it offers."""
    plan = talk.ask(Ask(UNNAMED, Operation.PLAN_RELEASE, path))
    if plan.status != PLANNED or not plan.body["allowed"]:
        return
    evidence = tuple(plan.body["evidence"])
    body = plan.body
    done = talk.ask(
        Ask(UNNAMED, Operation.RELEASE, body["path"], release_id=body["releaseId"], evidence=evidence)
    )
    count[done.status] += 1
    count["lost"] += any("lost the race" in sentence for sentence in done.sentences)


@cache
def _conversation(journal: str, deck: int) -> Conversation:
    """Return the conversation of this process with the owner of the folder above a journal."""
    state = os.path.dirname(journal)
    root = os.path.dirname(state)
    config = os.path.join(root, f"config-{deck}.toml")
    with open(config, "w") as file:
        file.write(f"[[roots]]\npath = '{root}'\nown_namespace = true\n")
    env = {"LOCKDECK_STATE_DIR": state, "HOME": root, "PYTHONPATH": str(REPOSITORY)}
    pairs = [f"{name}={value}" for name, value in env.items()]
    serve = ["serve", "--stdio", "--role", "operator", "--config", config, root]
    address = HostAddress("owner", ("env", *pairs, sys.executable, "-m", __name__, *serve))
    own = Journal(os.path.join(root, f"deck-{deck}", "journal.jsonl"))
    return Conversation(address, own, f"deck {deck}", lambda _: None)


def main() -> None:
    """Be the lockdeck of the owner."""
    from tests.race.releasers import hurried

    claims.MOST_A_MINUTE = 10**9
    newcomers.newcomers_at = lambda *_, **__: ()
    release_module.release = partial(release_module.release, wait=hurried)
    entry.main()


if __name__ == "__main__":
    main()
