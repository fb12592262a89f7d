"""The command line: a thin layer that parses, calls the backend and renders; Textual is never imported here."""

from __future__ import annotations

import difflib
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from lockdeck import __version__
from lockdeck.backend.system.folders import NoHomeError
from lockdeck.tui.cli.exits import Exit
from lockdeck.tui.cli.options import Common, LockName, Named, RootsOrCommand, common_options
from lockdeck.tui.cli.output import emit, narrate, output_trouble, take_streams

if TYPE_CHECKING:
    from lockdeck.backend.model.fleet import FleetSnapshot
    from lockdeck.backend.settings.settings import Settings
    from lockdeck.backend.watch.collector import Collector
    from lockdeck.tui.operations import Hands
    from lockdeck.tui.preferences import Wishes

roots_argument = click.argument("roots", nargs=-1, type=Named(), metavar="[ROOT]...")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    take_streams()
    code = _run()
    trouble = output_trouble()
    # A reader that went away (`| head`) has what it wanted.
    if trouble is not None and not isinstance(trouble, ConnectionError):
        narrate(f"stdout can't be written: {trouble.strerror}; what is missing there is lost")
        code = Exit.ATTENTION
    sys.exit(code)


def _run() -> int:
    """Run the command line and return its exit code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = Exit.INTERRUPTED
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        _show(error)
        code = Exit.USAGE
    except NoHomeError as error:
        narrate(f"Error: {error}")
        code = Exit.USAGE
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    return int(code or 0)


def _show(error: click.ClickException) -> None:
    """Say on stderr what was wrong; words of the command line or of a file are made safe."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(error.ctx.get_usage(), err=True)
    for row in f"Error: {error.format_message()}".split("\n"):
        narrate(row)


@click.group(
    cls=RootsOrCommand, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__)
@common_options
def cli(common: Common) -> int | None:
    """Watch OpenClaw session locks live: who holds them, is the holder alive, what may be done.

    With ROOTs (or none: the usual places) and a terminal, `lockdeck [ROOT]...` opens the dashboard.
    """
    context = click.get_current_context()
    context.obj = common
    if context.invoked_subcommand is None:
        return int(open_dashboard((), common))
    return None


@cli.command(hidden=True)
@roots_argument
@common_options
def dashboard(common: Common, roots: tuple[str, ...]) -> int:
    """Open the dashboard; without a terminal the same as status."""
    return int(open_dashboard(roots, common))


@cli.command()
@roots_argument
@json_option
@common_options
def status(common: Common, roots: tuple[str, ...], as_json: bool) -> int:
    """Print one snapshot of the fleet."""
    return int(print_status(collector_for(roots, common), as_json))


@cli.command()
@roots_argument
@json_option
@click.option("--for", "seconds", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop after so long.")
@common_options
def watch(common: Common, roots: tuple[str, ...], as_json: bool, seconds: float | None) -> int:
    """Print one line per change until interrupted."""
    from lockdeck.tui.cli.watch import watch_fleet

    return int(watch_fleet(collector_for(roots, common), seconds, as_json))


@cli.command()
@click.argument("lock", type=LockName())
@json_option
@common_options
def explain(common: Common, lock: str, as_json: bool) -> int:
    """Print evidence, reasons and verdict of one lock."""
    from lockdeck.tui.cli.explain import explain_lock

    return int(explain_lock(lock, settings_of(common), as_json))


@cli.command()
@click.argument("lock", type=LockName())
@click.option("--release-id", metavar="ID", help="The hold to release, as status or explain names it.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
@click.option(
    "--override", type=click.Choice(["leaked"]), help="Release although the owner is alive (leaked only)."
)
@click.option(
    "--yes-i-checked",
    "checked_path",
    metavar="PATH",
    help="The full path, for --override without a terminal.",
)
@click.option(
    "--watch", "watch_s", default=30.0, type=click.FloatRange(0, 300), help="Seconds to watch afterwards."
)
@json_option
@common_options
def release(common: Common, as_json: bool, **asked: Any) -> int:
    """Release a stale lock safely: proven twice, exchanged, verified, journaled."""
    from lockdeck.tui.cli.release import Request, release_lock

    request = Request(as_json=as_json, read_only=common.read_only, **asked)
    return int(release_lock(request, settings_of(common)))


@cli.command()
@click.argument("keys", nargs=-1, metavar="SESSION_KEY...")
@click.option(
    "--root", type=Named(), metavar="ROOT", help="The root of the session, where several have the key."
)
@click.option("--all", "everything", is_flag=True, help="Every session that is running, rotating or stuck.")
@click.option(
    "--allow", multiple=True, metavar="RUNG", help="Only these rungs (repeatable), also the drastic ones."
)
@click.option("--url", metavar="URL", help="The gateway's address, where it is not the local one.")
@click.option("--fingerprint", metavar="SHA256", help="The gateway's TLS certificate, with a wss:// address.")
@click.option("--dry-run", is_flag=True, help="Print the ladder; do nothing.")
@json_option
@common_options
def cancel(common: Common, keys: tuple[str, ...], root: str | None, as_json: bool, **asked: Any) -> int:
    """Cancel the run of a session, and verify that it stopped."""
    from lockdeck.tui.cli.cancel import Request, cancel_sessions, check_words

    if bool(keys) == asked["everything"]:
        raise click.UsageError("name the session keys to cancel, or --all")
    once = tuple(dict.fromkeys(keys))
    request = Request(keys=once, as_json=as_json, read_only=common.read_only, logs=common.logs, **asked)
    check_words(request)
    return int(cancel_sessions(request, collector_for((root,) if root else (), common)))


@cli.command()
@click.argument("logs", nargs=-1, required=True, type=Named(), metavar="LOG...")
@json_option
@common_options
def replay(common: Common, logs: tuple[str, ...], as_json: bool) -> int:
    """Rebuild rotations from log files of the past."""
    from lockdeck.tui.cli.replay import replay_logs

    return int(replay_logs([*logs, *common.logs], as_json))


@cli.command()
@json_option
@common_options
def journal(common: Common, as_json: bool) -> int:
    """Print what lockdeck did and refused to do."""
    from lockdeck.tui.cli.journal import print_journal

    settings = settings_of(common)
    return int(print_journal(as_json, common.read_only or settings.read_only))


@cli.command()
@click.option("--for", "seconds", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop after so long.")
@common_options
def demo(common: Common, seconds: float | None) -> int:
    """Live through openclaw#62351 in fast motion: a simulated fleet with real processes and real locks."""
    from lockdeck.tui.cli.demo import run_demo

    return int(run_demo(seconds, common))


@cli.group()
def config() -> None:
    """Look at the configuration."""


@config.command(name="show")
@json_option
@common_options
def config_show(common: Common, as_json: bool) -> int:
    """Print every setting with its value and where it comes from; what is wrong ends with exit code 2."""
    from lockdeck.tui.cli.config import show_settings

    settings = settings_of(common)
    checked_wishes(settings)
    return int(show_settings(settings, common, as_json))


@cli.command()
@click.argument("version", required=False, metavar="[VERSION]")
@json_option
@common_options
def releases(common: Common, version: str | None, as_json: bool) -> int:  # noqa: ARG001 - as every command
    """Print what lockdeck knows of each OpenClaw release, and how it knows."""
    from lockdeck.tui.cli.releases import print_releases

    return int(print_releases(version, as_json))


@cli.command()
@json_option
@common_options
def locate(common: Common, as_json: bool) -> int:
    """Print where configuration, themes and journal are."""
    from lockdeck.backend.system.text import safe
    from lockdeck.tui.cli.locate import places

    found = places(common.config)
    if as_json:
        from lockdeck.backend.model.wire import dumps

        emit(dumps(found, indent=2))
    else:
        width = max(map(len, found))
        for name, path in found.items():
            emit(safe(f"{name.ljust(width)}  {path}", 4096))
    return Exit.OK


def settings_of(common: Common) -> Settings:
    """Load the settings; a bad configuration ends the process with a usage error.

    Whether a command has the keys that are wished for is known where the screens are loaded.
    """
    from lockdeck.backend.settings.settings import SettingsError, load_settings

    try:
        settings = load_settings(common.config)
        if settings.names_columns:
            from lockdeck.tui.configuration import check_columns

            check_columns(settings)
        return settings
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


def checked_wishes(settings: Settings) -> Wishes:
    """Check columns and keys; what is wrong with them ends the process with a usage error."""
    from lockdeck.backend.settings.settings import SettingsError
    from lockdeck.tui.configuration import wishes_of

    try:
        return wishes_of(settings)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


def collector_for(roots: tuple[str, ...], common: Common) -> Collector:
    """Discover the roots and build their collector; with nothing to watch, say where was looked and exit 4."""
    from lockdeck.backend.watch.collector import Collector

    settings = settings_of(common)
    collector = Collector.discover(roots, settings, logs=common.logs)
    for problem in collector.discovery_problems:
        narrate(problem)
    if not collector.roots:
        narrate("nothing to watch; looked at:")
        for place in collector.looked_at:
            narrate(f"  {place}")
        for word in roots:
            for near in difflib.get_close_matches(word, cli.commands, 1):
                narrate(f"{word} is no command; did you mean `lockdeck {near}`?")
        raise click.exceptions.Exit(Exit.NOTHING)
    return collector


def print_status(collector: Collector, as_json: bool) -> Exit:
    """Take one snapshot, print it, and say whether a person is needed."""
    from lockdeck.backend.model.wire import dumps, needs_person, snapshot_json

    snapshot = collector.look()
    if as_json:
        emit(dumps(snapshot_json(snapshot), indent=2))
    else:
        print_plain(snapshot)
        for note in snapshot.notes:
            narrate(note)
    return Exit.ATTENTION if needs_person(snapshot) else Exit.OK


def print_plain(snapshot: FleetSnapshot) -> None:
    """Print a snapshot as text."""
    from lockdeck.tui.view.plain import snapshot_lines

    for line in snapshot_lines(snapshot):
        emit(line)


def open_dashboard(roots: tuple[str, ...], common: Common) -> Exit:
    """Open the dashboard, or print the status where there is no terminal to draw on."""
    collector = collector_for(roots, common)
    if not has_screen():
        return print_status(collector, as_json=False)
    return run_dashboard(collector, common)


def run_dashboard(
    collector: Collector, common: Common, seconds: float | None = None, hands: Hands | None = None
) -> Exit:
    """Hand over to the Textual application (imported only here); it ends by itself after `seconds`."""
    from lockdeck.tui.operations import Hands
    from lockdeck.tui.run import run_dashboard as run

    settings = collector.settings
    wishes = checked_wishes(settings)
    logs = (*common.logs, *settings.logs)
    read_only = common.read_only or settings.read_only
    return Exit(
        run(
            collector,
            read_only=read_only,
            theme=settings.theme or None,
            no_color=common.no_color,
            mouse=settings.mouse and not common.no_mouse,
            seconds=seconds,
            hands=hands or Hands(settings=settings, logs=lambda: logs or collector.log_files),
            wishes=wishes,
        )
    )


def has_screen() -> bool:
    """Whether there is a terminal that a dashboard can be drawn on; Textual draws on stderr (8.2.8)."""
    terminals = all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    return terminals and os.environ.get("TERM", "dumb") not in ("", "dumb")
