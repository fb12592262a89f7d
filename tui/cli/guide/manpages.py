"""The man pages, made of click's own help: `python -m lockdeck.tui.cli.guide.manpages FOLDER` writes them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from lockdeck.tui.cli.commands import COMMANDS
from lockdeck.tui.cli.guide.examples import USAGES
from lockdeck.tui.cli.main import cli

SECTION = 1


def pages() -> Iterator[tuple[str, str]]:
    """Yield the file name and the roff text of each page: of lockdeck itself, then of its commands."""
    with click.Context(cli, info_name="lockdeck", **cli.context_settings) as context:
        names = [name for name in COMMANDS if not _command(context, name).hidden]
        yield f"lockdeck.{SECTION}", _page(context, cli, "lockdeck", [f"lockdeck-{name}" for name in names])
        for name in names:
            command = _command(context, name)
            with click.Context(command, parent=context, info_name=name) as of_command:
                yield (
                    f"lockdeck-{name}.{SECTION}",
                    _page(of_command, command, f"lockdeck-{name}", ["lockdeck"]),
                )


def _command(context: click.Context, name: str) -> click.Command:
    command = cli.get_command(context, name)
    assert command is not None
    return command


def _page(context: click.Context, command: click.Command, name: str, others: list[str]) -> str:
    return "\n".join(
        [
            f'.TH {name.upper()} {SECTION} "" lockdeck "lockdeck manual"',
            ".SH NAME",
            f"{_plain(name)} \\- {_plain(command.get_short_help_str(200).rstrip('.'))}",
            ".SH SYNOPSIS",
            f".B {_plain(' '.join((context.command_path, *command.collect_usage_pieces(context))))}",
            ".SH DESCRIPTION",
            *_paragraphs(command.help or ""),
            ".SH OPTIONS",
            *_records(command, context),
            *(_commands(command, context) if isinstance(command, click.Group) else ()),
            *_usage(name),
            ".SH SEE ALSO",
            ", ".join(f".BR {_plain(other)} ({SECTION})".removeprefix(".BR ") for other in others),
            "",
        ]
    )


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.replace("\b", "")):
        yield ".PP"
        yield _plain(" ".join(paragraph.split()))


def _records(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield ".TP"
            yield f".B {_plain(record[0])}"
            yield _plain(record[1])


def _commands(command: click.Group, context: click.Context) -> Iterator[str]:
    yield ".SH COMMANDS"
    for name in command.list_commands(context):
        of_group = command.get_command(context, name)
        if of_group is not None and not of_group.hidden:
            yield ".TP"
            yield f".B {_plain(name)}"
            yield _plain(of_group.get_short_help_str(200))


def _usage(name: str) -> Iterator[str]:
    usage = USAGES.get(name.removeprefix("lockdeck-"))
    if usage is None:
        return
    yield ".SH EXAMPLES"
    for example, words in usage.examples:
        yield from (".TP", f".B {_plain(example)}", _plain(words))
    yield ".SH EXIT STATUS"
    for code, words in sorted(usage.exits.items()):
        yield from (".TP", f".B {code.value}", _plain(words))


def _plain(text: str) -> str:
    """Return text in which roff finds no request and no escape."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main() -> None:
    """Write all pages into the folder that the command line names."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
