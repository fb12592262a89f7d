"""`lockdeck journal`: what lockdeck did and refused to do."""

from __future__ import annotations

from typing import Any

import click

from lockdeck.backend.actions.journal import default_journal
from lockdeck.backend.actions.release.recovery import recover
from lockdeck.backend.model.wire import SCHEMA, dumps
from lockdeck.backend.system.text import safe
from lockdeck.tui.cli.options import Common, NamedHost, common_options, host_option, json_option
from lockdeck.tui.cli.output import emit, narrate
from lockdeck.tui.cli.startup import settings_of
from lockdeck.tui.exits import Exit

_HEAD = ("at", "kind")
_HIDDEN = ("prev", "evidence", "lock", "schema", *_HEAD)


@click.command("journal")
@host_option
@json_option
@common_options
def command(common: Common, host: NamedHost | None, as_json: bool) -> int:
    """Print what lockdeck did and refused to do."""
    if host is not None:
        from lockdeck.backend.hosts.asks import Role
        from lockdeck.tui.cli.hosts.acting import journal_there
        from lockdeck.tui.cli.hosts.places import host_meant

        return journal_there(host_meant(host, common, Role.VIEWER), as_json)
    settings = settings_of(common)
    return print_journal(as_json, common.read_only or settings.read_only)


def print_journal(as_json: bool, read_only: bool) -> Exit:
    """Print all entries, oldest first; 1 when the chain of hashes is broken, 2 when it can't be read or written.

    A release that a crash left half done is put right first, unless `read_only`.
    """
    journal = default_journal()
    try:
        for sentence in () if read_only else recover(journal):
            narrate(f"recovered: {sentence}")
        reading = journal.read()
    except OSError as error:
        narrate(f"{journal.path}: can't be read or written: {error.strerror or error}")
        return Exit.USAGE
    if as_json:
        facts: dict[str, Any] = {"schema": SCHEMA, "path": journal.path, "entries": list(reading.entries)}
        facts |= {"brokenAt": reading.broken_at, "problem": reading.problem, "notes": list(reading.notes)}
        emit(dumps(facts, indent=2))
    else:
        for entry in reading.entries:
            emit(entry_line(entry))
        if not reading.entries:
            narrate(f"{journal.path}: no entries yet")
    for note in reading.notes:
        narrate(note)
    if reading.broken_at is not None:
        narrate(f"{journal.path}: the chain is broken at line {reading.broken_at}: {reading.problem}")
        return Exit.ATTENTION
    return Exit.OK


def entry_line(entry: Any) -> str:
    """Return an entry as one line."""
    head = "  ".join(str(entry.get(name, "-")) for name in _HEAD)
    rest = "  ".join(f"{name}={_value(value)}" for name, value in entry.items() if name not in _HIDDEN)
    return safe(f"{head}  {rest}", 2000)


def _value(value: object) -> str:
    return value if isinstance(value, str) else dumps(value)
