"""The journal entries of a release: how one begins, how it ends, and which have not ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from msgspec.structs import replace

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.journal_chain import Entry
from lockdeck.backend.actions.release.records import ReleaseOutcome, ReleasePlan
from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import LockIdentity
from lockdeck.backend.model.wire import evidence_json
from lockdeck.backend.system.text import safe

BEGIN = "release-begin"
MOST_AT_ONCE = 100
"""No more actions than this are put right in one go: a lockdeck leaves one behind, and a journal may be anybody's."""
ENDS = frozenset({"released", "refused", "failed", "recovered"})


def append_begin(
    journal: Journal, action: str, plan: ReleasePlan, view: LockView, identity: LockIdentity
) -> Entry:
    """Journal that an action begins, with all that its recovery needs to know. OSError."""
    original = {
        "dev": identity.dev,
        "ino": identity.ino,
        "size": identity.size,
        "sha256": identity.digest.hex(),
    }
    return journal.append(
        BEGIN,
        action=action,
        path=plan.path,
        releaseId=view.release_id,
        original=original,
        verdict=view.judgement.verdict.value,
        reasons=list(view.judgement.reasons),
        override=plan.override.verdict if plan.override else None,
        trustedOwners=sorted(plan.place.owners) if plan.place else [],
        operator={"uid": os.getuid(), "pid": os.getpid(), "host": os.uname().nodename},
        evidence=evidence_json(view.evidence),
    )


def owners_of(begin: Entry) -> frozenset[int]:
    """Return the accounts that the user vouched for when an action began; our own journal says so."""
    owners = begin.get("trustedOwners")
    return frozenset(uid for uid in (owners if isinstance(owners, list) else ()) if type(uid) is int)


def append_end(
    journal: Journal, outcome: ReleaseOutcome, action: str | None = None, *, unfinished: bool = False
) -> ReleaseOutcome:
    """Journal how a release ended, and say so in the outcome where that can't be done.

    Without `action` the entry ends nothing: whoever recovers next goes on.  The same holds for one that is
    `unfinished`, because it left somebody's lock displaced.
    """
    kind = "unfinished" if unfinished else outcome.status.value
    facts: dict[str, Any] = {} if action is None else {"action": action}
    try:
        journal.append(
            kind,
            **facts,
            path=outcome.path,
            releaseId=outcome.release_id,
            sentences=list(outcome.sentences),
            quarantined=outcome.quarantined,
            evidence=dict(outcome.evidence),
        )
    except OSError as error:
        return replace(outcome, sentences=(*outcome.sentences, f"this can't be journaled: {safe(error)}"))
    return outcome


def append_recovered(journal: Journal, begin: Entry, sentence: str, quarantined: str | None) -> str:
    """Journal the end of a recovered action and return it as a sentence; what was done is told in any case."""
    result = f"{safe(begin['path'])}: {sentence}"
    try:
        journal.append(
            "recovered", action=begin["action"], path=begin["path"], result=sentence, quarantined=quarantined
        )
    except OSError as error:
        return f"{result}; this can't be journaled: {safe(error)}"
    return result


def unfinished_actions(walk: Callable[[], Iterable[Entry]]) -> tuple[list[Entry], int]:
    """Return the begin entries that no later entry ends, oldest first and at most MOST_AT_ONCE, and how many there are.

    `walk` goes through the journal anew at each call: what is only counted is not kept.
    """
    begun: dict[str, None] = {}
    for entry in walk():
        action = _action_begun(entry)
        if action is not None:
            begun[action] = None
        elif _ends(entry):
            begun.pop(entry["action"], None)
    oldest = set(islice(begun, MOST_AT_ONCE))
    begins = {action: entry for entry in walk() if oldest and (action := _action_begun(entry)) in oldest}
    return list(begins.values()), len(begun)


def has_ended(action: str, entries: Iterable[Entry]) -> bool:
    """Return whether one of these entries ends an action."""
    return any(_ends(entry) and entry["action"] == action for entry in entries)


def _action_begun(entry: Entry) -> str | None:
    """Return the action that an entry begins; None for any other, and for what no lockdeck has written."""
    action = entry.get("action")
    named = isinstance(action, str) and action.isalnum() and isinstance(entry.get("path"), str)
    return action if named and entry.get("kind") == BEGIN else None


def _ends(entry: Entry) -> bool:
    kind, action = entry.get("kind"), entry.get("action")
    return isinstance(kind, str) and kind in ENDS and isinstance(action, str)
