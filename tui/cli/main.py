"""The command line as a process: its group of commands, its streams, and the exit code it ends with."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

import click

from lockdeck import __version__
from lockdeck.backend.system.folders import NoHomeError
from lockdeck.tui.cli.commands import DEFAULT, CommandGroup
from lockdeck.tui.cli.guide.examples import epilog_of
from lockdeck.tui.cli.options import Common, OtherHosts, common_options, hosts_option
from lockdeck.tui.cli.output import narrate, output_trouble, take_streams
from lockdeck.tui.cli.startup import Dashboard
from lockdeck.tui.exits import Exit


def run_command_line(dashboard: Dashboard) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    take_streams()
    code = _run(dashboard)
    trouble = output_trouble()
    # A reader that went away (`| head`) has what it wanted.
    if trouble is not None and not isinstance(trouble, ConnectionError):
        narrate(f"stdout can't be written: {trouble.strerror}; what is missing there is lost")
        code = Exit.ATTENTION
    gc.freeze()  # Python looks twice more for what nobody has, though all of it goes now
    sys.exit(code)


def _run(dashboard: Dashboard) -> int:
    """Run the command line and return its exit code."""
    try:
        code = cli.main(standalone_mode=False, obj=dashboard)
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
    cls=CommandGroup,
    invoke_without_command=True,
    epilog=epilog_of("lockdeck"),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__)
@click.option("--fresh", is_flag=True, help="Forget how the dashboard's tables and theme were left.")
@hosts_option
@common_options
def cli(common: Common, hosts: OtherHosts, fresh: bool) -> int | None:
    """Watch OpenClaw session locks live: who holds them, is the holder alive, what may be done.

    With ROOTs (or none: the usual places) and a terminal, `lockdeck [ROOT]...` opens the dashboard. A ROOT is an OpenClaw
    state directory, or the address of another host (ssh://HOST).
    """
    command = click.get_current_context().invoked_subcommand
    if fresh and command not in (None, DEFAULT):
        raise click.UsageError(f"--fresh is for the dashboard, {command} keeps nothing")
    if hosts.named and command not in (None, DEFAULT):
        raise click.UsageError(
            f"--hosts and --nats stand behind the command: lockdeck {command} --hosts FILE"
        )
    if command is not None:
        return None
    from lockdeck.tui.cli.dashboard import dashboard_or_status

    return dashboard_or_status((), common, hosts, fresh=fresh)
