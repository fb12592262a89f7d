"""The code that is measured: every module of the three folders, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDERS = ("backend", "tui", "themes")
PACKAGE = "lockdeck."
"""Stands before the name of a folder in imports; a checkout that has no such package is measured as well."""


@dataclass(frozen=True)
class Source:
    """One module: its path inside the repository and its text."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def module(self) -> str:
        """The dotted name without `lockdeck.`; a package's name for its `__init__`."""
        return ".".join(self.path.with_suffix("").parts).removesuffix(".__init__")

    def __hash__(self) -> int:
        return hash(self.path)


def read_sources(repository: Path, folders: tuple[str, ...] = FOLDERS) -> list[Source]:
    """Return every module of the folders, in the order of their paths."""
    paths = sorted(path for folder in folders for path in (repository / folder).rglob("*.py"))
    return [Source(path.relative_to(repository), path.read_text()) for path in paths]


def imported_modules(statement: ast.AST) -> Iterator[str]:
    """Yield every module name that an import statement may load, without `lockdeck.`."""
    if isinstance(statement, ast.Import):
        yield from (alias.name.removeprefix(PACKAGE) for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom):
        base = (statement.module or "").removeprefix(PACKAGE).removeprefix("lockdeck")
        if base:
            yield base
        yield from (f"{base}.{alias.name}".lstrip(".") for alias in statement.names)
