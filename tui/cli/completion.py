"""`lockdeck completion`: the script that a shell loads to complete commands, options, session keys and lock paths."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from lockdeck.tui.cli.output import emit
from lockdeck.tui.exits import Exit

SHELLS = ("bash", "zsh", "fish")
_WHOLE_KEYS = (
    "# Session keys have colons, at which bash would cut words.\nCOMP_WORDBREAKS=${COMP_WORDBREAKS//:}\n"
)


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> int:
    """Print the completion for a shell: live session keys, lock paths, release ids and rungs."""
    complete = get_completion_class(shell)
    assert complete is not None
    script = complete(
        click.get_current_context().find_root().command, {}, "lockdeck", "_LOCKDECK_COMPLETE"
    ).source()
    emit(f"{_WHOLE_KEYS if shell == 'bash' else ''}{script}".rstrip())
    return Exit.OK
