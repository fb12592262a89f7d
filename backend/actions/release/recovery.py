"""Recovery: restore every release that was begun and has not ended, whoever began it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from lockdeck.backend.actions.journal import Journal
from lockdeck.backend.actions.journal_chain import Entry
from lockdeck.backend.actions.release.entries import (
    append_recovered,
    has_ended,
    owners_of,
    unfinished_actions,
)
from lockdeck.backend.actions.release.proof import Search, holder_of
from lockdeck.backend.actions.release.quarantine import quarantined_lock
from lockdeck.backend.actions.release.restore import restore
from lockdeck.backend.actions.release.site import StepHook, no_hook, open_site
from lockdeck.backend.actions.turns import NotOurTurnError, turn
from lockdeck.backend.openclaw.locks.lockfile import work_folder_name
from lockdeck.backend.system.clocks import steady_time
from lockdeck.backend.system.text import safe

WATCHMAN_S = 3600.0
"""So long (seconds) a watchman tries to put right what fails."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0


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
    waiting `turn_s` seconds for its end).  Raises OSError when the journal can't be read or written, or is not ours.
    """
    return [sentence for sentence, _ in _recover_all(journal, search, wait, step, turn_s)]


def _recover_all(
    journal: Journal, search: Search, wait: Callable[[float], object], step: StepHook, turn_s: float
) -> Iterator[tuple[str, bool]]:
    """Yield what was done about each action, and whether all that can be done was done."""
    before = journal.size
    begins, count = unfinished_actions(journal.walk)
    for begin in begins:
        path = str(begin["path"])
        try:
            with turn(journal.folder, os.path.dirname(path), turn_s):
                # It may have been ended while we waited for our turn.
                if not has_ended(begin["action"], journal.walk(before)):
                    yield _recover_one(journal, begin, search, wait, step)
        except NotOurTurnError:
            yield f"another lockdeck is at work on {safe(path)}", False
        except ValueError as error:  # what the entry names can't be a path
            yield f"{safe(path)}: an interrupted release could not be put right: {safe(error)}", True
    if count > len(begins):
        yield f"{count - len(begins)} more interrupted releases are left for the next start", True


def recover_journal(path: str) -> None:
    """Recover after the lockdeck that we stood in for has died; waits until its locks are gone.

    What fails is tried again, for WATCHMAN_S at most: a live lock may be displaced, and as long as we live the lock
    that stands in for it names a live process.
    """
    journal, until, pause = Journal(path), steady_time() + WATCHMAN_S, FIRST_PAUSE_S
    while True:
        try:
            tries = list(_recover_all(journal, holder_of, time.sleep, no_hook, 30.0))
            if all(done for _, done in tries):
                return
        except OSError:
            pass  # the journal itself can't be read or written now
        if steady_time() > until:
            return
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


def _recover_one(
    journal: Journal, begin: Entry, search: Search, wait: Callable[[float], object], step: StepHook
) -> tuple[str, bool]:
    path, action = begin["path"], begin["action"]
    try:
        with open_site(path, action, step, owners=owners_of(begin)) as site:
            restored = restore(site, begin, journal.folder, search, wait)
    except OSError as error:
        # Only our folder tells by its absence; a sessions directory may be away for a while (a home not mounted).
        if not (isinstance(error, FileNotFoundError) and error.filename == work_folder_name(action)):
            return f"{safe(path)}: an interrupted release could not be put right: {safe(error)}", False
        return _without_work_folder(journal, begin), True
    result = "the lock is off its name" if restored.released else "all is as before"
    sentence = "; ".join(restored.sentences or (result,))
    if restored.displaced:
        return f"{safe(path)}: {sentence}", True
    return append_recovered(journal, begin, sentence, restored.quarantined), True


def _without_work_folder(journal: Journal, begin: Entry) -> str:
    """End an action whose folder is gone: all that is left to find out is whether it released its lock."""
    quarantined = quarantined_lock(journal.folder, begin["action"])
    if quarantined:
        return append_recovered(journal, begin, "an interrupted release was done", quarantined)
    sentence = "an interrupted release had changed nothing, or was done"
    return append_recovered(journal, begin, sentence, None)
