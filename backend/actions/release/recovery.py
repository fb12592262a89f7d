"""Recovery: restore every release that was begun and has not ended, whoever began it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.journal_chain import Entry
from lockdeck.backend.actions.release.entries import append_recovered, unfinished_actions
from lockdeck.backend.actions.release.proof import Search, holder_of
from lockdeck.backend.actions.release.quarantine import quarantined_lock
from lockdeck.backend.actions.release.restore import restore
from lockdeck.backend.actions.release.site import StepHook, no_hook, open_site
from lockdeck.backend.actions.turns import NotOurTurnError, turn
from lockdeck.backend.openclaw.locks.lockfile import work_folder_name
from lockdeck.backend.system.text import safe


def recover(
    journal: Journal,
    *,
    search: Search = holder_of,
    wait: Callable[[float], object] = time.sleep,
    step: StepHook = no_hook,
    turn_s: float = 0.0,
) -> list[str]:
    """Restore every release that was begun and not ended; what was done, as sentences.

    Cheap when there is nothing to do.  A release that another lockdeck is just doing is left to it (after
    waiting `turn_s` seconds for its end).  Raises OSError when the journal can't be read or written.
    """
    sentences: list[str] = []
    for begin in unfinished_actions(journal.walk()):
        path = str(begin.get("path"))
        try:
            with turn(journal.folder, os.path.dirname(path), turn_s):
                # It may have been ended while we waited for our turn.
                if any(entry["action"] == begin["action"] for entry in unfinished_actions(journal.walk())):
                    sentences.append(_recover_one(journal, begin, search, wait, step))
        except NotOurTurnError:
            sentences.append(f"another lockdeck is at work on {safe(path)}")
        except ValueError as error:  # what the entry names can't be a path
            sentences.append(f"{safe(path)}: an interrupted release could not be put right: {safe(error)}")
    return sentences


def recover_journal(path: str) -> None:
    """Recover after the lockdeck that we stood in for has died; waits until its locks are gone."""
    recover(Journal(path), turn_s=30.0)


def _recover_one(
    journal: Journal, begin: Entry, search: Search, wait: Callable[[float], object], step: StepHook
) -> str:
    path, action = begin["path"], begin["action"]
    try:
        with open_site(path, action, step) as site:
            restored = restore(site, begin, journal.folder, search, wait)
    except OSError as error:
        # Only our folder tells by its absence; a sessions directory may be away for a while (a home not mounted).
        if not (isinstance(error, FileNotFoundError) and error.filename == work_folder_name(action)):
            return f"{safe(path)}: an interrupted release could not be put right: {safe(error)}"
        return _without_work_folder(journal, begin)
    result = "the lock is off its name" if restored.released else "all is as before"
    sentence = "; ".join(restored.sentences or (result,))
    if restored.displaced:
        return f"{safe(path)}: {sentence}"
    return append_recovered(journal, begin, sentence, restored.quarantined)


def _without_work_folder(journal: Journal, begin: Entry) -> str:
    """End an action whose folder is gone: all that is left to find out is whether it released its lock."""
    quarantined = quarantined_lock(journal.folder, begin["action"])
    if quarantined:
        return append_recovered(journal, begin, "an interrupted release was done", quarantined)
    sentence = "an interrupted release had changed nothing, or was done"
    return append_recovered(journal, begin, sentence, None)
