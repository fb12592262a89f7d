"""The commands: each is a module of its own here that bears the command's name, imported when it is used."""

from __future__ import annotations

from importlib import import_module

import click

from lockdeck.tui.cli.guide.examples import epilog_of

COMMANDS = (
    "cancel",
    "completion",
    "config",
    "dashboard",
    "demo",
    "explain",
    "journal",
    "locate",
    "release",
    "releases",
    "replay",
    "serve",
    "status",
    "watch",
)
"""The modules, each with its click command as `command`, in the order in which `--help` lists them."""
DEFAULT = "dashboard"
"""The command that takes the roots where no command stands; `--help` doesn't list it."""


class CommandGroup(click.Group):
    """A group that imports its commands late, and whose first word may be a root: then the dashboard is meant."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's own signature
        """Import a command; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"lockdeck.tui.cli.{cmd_name}").command
        command.epilog = epilog_of(cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as usual; a first word that is no command is a root for the default command."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            return DEFAULT, self.get_command(ctx, DEFAULT), args
        return super().resolve_command(ctx, args)
