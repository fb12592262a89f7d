"""`lockdeck explain`: evidence, reasons and verdict of one lock, or the answer about one session."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from lockdeck.backend.model.fleet import LockView
from lockdeck.backend.model.locks import Presence
from lockdeck.backend.model.needs import lock_needs_person
from lockdeck.backend.model.wire import SCHEMA, dumps, evidence_json, lock_json
from lockdeck.backend.openclaw.locks.examination import examine
from lockdeck.backend.openclaw.locks.lockfile import cut_off, cut_off_sentence, work_folders_among
from lockdeck.backend.openclaw.roots.discovery import place_of
from lockdeck.backend.openclaw.roots.layout import names_in
from lockdeck.backend.system.host import host_name
from lockdeck.backend.system.text import safe
from lockdeck.tui.cli.guide.values import locks_and_sessions
from lockdeck.tui.cli.options import (
    Common,
    LockPath,
    NamedHost,
    common_options,
    host_option,
    json_option,
    root_option,
)
from lockdeck.tui.cli.output import emit, narrate
from lockdeck.tui.cli.startup import collector_for, settings_of
from lockdeck.tui.exits import Exit
from lockdeck.tui.view.advice import advice
from lockdeck.tui.view.printed.plain import lock_lines

if TYPE_CHECKING:
    from lockdeck.backend.settings.records import Settings

NOTHING_THERE = "no such lock file, and no process has a deleted one open there"


@click.command("explain")
@click.argument("subject", type=LockPath(), metavar="LOCK|SESSION_KEY", shell_complete=locks_and_sessions)
@root_option
@host_option
@json_option
@common_options
def command(
    common: Common,
    subject: str,
    root: str | None,
    host: NamedHost | None,
    as_json: bool,
) -> int:
    """Print evidence, reasons and verdict of one lock, or the answer about one session.

    A LOCK is the path of a lock file (<session>.jsonl.lock), a SESSION_KEY the full key of a session
    (agent:<agent>:<rest>); `lockdeck status` prints both.
    """
    if host is not None:
        from lockdeck.backend.hosts.asks import Role
        from lockdeck.tui.cli.hosts.explain import explain_there
        from lockdeck.tui.cli.hosts.places import host_meant

        return explain_there(host_meant(host, common, Role.VIEWER), subject, root, as_json)
    if names_session(subject):
        from lockdeck.tui.cli.explain_session import explain_session

        return explain_session(subject, collector_for((root,) if root else (), common).look(), as_json)
    return explain_lock(subject, settings_of(common), as_json)


def names_session(word: str) -> bool:
    """Return whether a word is a session's key: no path of a lock that stands, or could."""
    return word.startswith("agent:") and not word.endswith(".lock") and not os.path.lexists(word)


def explain_lock(path: str, settings: Settings, as_json: bool) -> Exit:
    """Print all that is known about the lock at `path`; 0, 1 when it needs a person, 2 when there is none."""
    place = place_of(path, os.environ, settings.vouch_for)
    view = examine([place], time.time(), search=True)[0]
    cut_off_folders = tuple(_cut_off_beside(place.path))
    for folder in cut_off_folders:
        narrate(cut_off_sentence(folder))
    if nothing_there(view):
        narrate(f"{place.path}: {NOTHING_THERE}")
        return Exit.USAGE
    print_lock(view, host_name(), as_json)
    return Exit.ATTENTION if cut_off_folders or lock_needs_person(view) else Exit.OK


def print_lock(view: LockView, host: str, as_json: bool) -> None:
    """Print a lock with all its evidence."""
    if as_json:
        emit(dumps(_as_json(view, host), indent=2))
        return
    for line in lock_lines(view):
        emit(line)
    for name, value in evidence_json(view.evidence).items():
        emit(safe(f"    {name}: {dumps(value)}", 1000))


def _cut_off_beside(path: str) -> Iterator[str]:
    """Yield what releases that were cut off have left in the directory of a lock."""
    directory = os.path.dirname(path)
    try:
        folders = work_folders_among(directory, names_in(directory))
    except OSError:
        return
    yield from (folder for folder in folders if cut_off(folder, time.time()))


def nothing_there(view: LockView) -> bool:
    """Return whether there is nothing to speak of: no file at the path, and nobody who has a deleted one open."""
    return view.record.presence is Presence.ABSENT and not view.evidence.deleted_openers


def _as_json(view: LockView, host: str) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        **lock_json(view, host),
        "whatMayBeDone": advice(view),
        "evidence": evidence_json(view.evidence),
    }
