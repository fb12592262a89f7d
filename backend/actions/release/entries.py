"""The journal entries of a release: how one begins, how it ends, and which have not ended."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
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
ENDS = frozenset({"released", "refused", "failed", "recovered"})


def append_begin(
    journal: Journal, action: str, plan: ReleasePlan, view: LockView, identity: LockIdentity
) -> Entry:
    """Journal that an action begins, with all that its recovery needs to know. OSError."""
    digest = hashlib.sha256(identity.raw).hexdigest()
    original = {"dev": identity.dev, "ino": identity.ino, "size": len(identity.raw), "sha256": digest}
    return journal.append(
        BEGIN,
        action=action,
        path=plan.path,
        releaseId=view.release_id,
        original=original,
        verdict=view.judgement.verdict.value,
        reasons=list(view.judgement.reasons),
        override=plan.override.verdict if plan.override else None,
        operator={"uid": os.getuid(), "pid": os.getpid(), "host": os.uname().nodename},
        evidence=evidence_json(view.evidence),
    )


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


def unfinished_actions(entries: Iterable[Entry]) -> list[Entry]:
    """Return the begin entries that no later entry ends, oldest first."""
    begins: dict[str, Entry] = {}
    for entry in entries:
        action = entry.get("action")
        if not isinstance(action, str) or not action.isalnum() or not isinstance(entry.get("kind"), str):
            continue
        if entry.get("kind") == BEGIN and isinstance(entry.get("path"), str):
            begins[action] = entry
        elif entry.get("kind") in ENDS:
            begins.pop(action, None)
    return list(begins.values())
