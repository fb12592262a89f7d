"""Every way into lockdeck, in this process: what each command says and does of one root."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import NamedTuple

import click
from click.testing import CliRunner

from lockdeck.backend.model.fleet import FleetSnapshot
from lockdeck.backend.model.wire import dumps, snapshot_json
from lockdeck.backend.settings.load import load_settings
from lockdeck.backend.watch.collector import Collector
from lockdeck.tui import entry
from lockdeck.tui.cli.main import cli
from tests.unit.fleetdir import FleetDir

KEY = "agent:main:main"


class Answer(NamedTuple):
    """What one way in came to: its exit code, and all that it wrote."""

    code: int
    text: str


def invoke(*words: object, env: Mapping[str, str]) -> Answer:
    """Run one command line in this process."""
    result = CliRunner().invoke(
        cli, [str(word) for word in words], env=dict(env), standalone_mode=False, obj=entry.dashboard()
    )
    if isinstance(result.exception, click.ClickException):
        return Answer(result.exception.exit_code, result.output + result.exception.format_message())
    if result.exception is not None:
        raise result.exception
    return Answer(int(result.return_value or 0), result.output)


def dashboard(root: FleetDir, env: Mapping[str, str], owners: frozenset[int] = frozenset()) -> Answer:
    """Look as the dashboard does, until its second snapshot."""
    settings = load_settings(None, owners)
    collector = Collector.discover([str(root.root)], settings, env=env)
    stop, snapshots = threading.Event(), list[FleetSnapshot]()

    def publish(snapshot: FleetSnapshot) -> None:
        snapshots.append(snapshot)
        if len(snapshots) == 2:
            stop.set()

    collector.run(publish, stop)
    return Answer(0, dumps(snapshot_json(snapshots[-1])))


LOOKS: dict[str, tuple[str, ...]] = {
    "status": ("status",),
    "status --json": ("status", "--json"),
    "status --read-only": ("status", "--read-only"),
    "no command": ("dashboard",),
    "watch": ("watch", "--for", "0.3"),
    "explain": ("explain", "{lock}"),
}
"""Ways in that only look; of those without a lock or root in them the root is the last word."""
ACTS: dict[str, tuple[str, ...]] = {
    "cancel --dry-run": ("cancel", KEY, "--dry-run", "--root", "{root}"),
    "cancel": ("cancel", KEY, "--root", "{root}"),
    "cancel --allow restart": ("cancel", KEY, "--allow", "restart", "--root", "{root}"),
    "cancel --url": ("cancel", KEY, "--dry-run", "--url", "ws://127.0.0.1:{port}", "--root", "{root}"),
    "release --dry-run": ("release", "{lock}", "--dry-run"),
    "release": ("release", "{lock}", "--no-wait"),
    "cancel --read-only": ("cancel", KEY, "--read-only", "--root", "{root}"),
    "release --read-only": ("release", "{lock}", "--read-only"),
}
"""Ways in that would act."""


def walk(
    way: str,
    root: FleetDir,
    env: Mapping[str, str],
    *,
    port: int,
    lock: object,
    options: tuple[object, ...] = (),
) -> Answer:
    """Go one of the ways by its name."""
    words = {**LOOKS, **ACTS}[way]
    named = any(word in ("{lock}", "{root}") for word in words)
    filled = [
        word.format(root=root.root, port=port, lock=lock)
        for word in (*words, *(() if named else ("{root}",)))
    ]
    return invoke(*filled, *options, env=env)


EVERY_WAY: tuple[str, ...] = (*LOOKS, *ACTS)
