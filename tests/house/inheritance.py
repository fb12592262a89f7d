"""What our classes inherit from libraries: such a method is called by the library."""

from __future__ import annotations

import ast
import builtins
import importlib
from collections import defaultdict

from tests.house.sources import FOLDERS, Source


class Inheritance:
    """The bases of every class by name, ours and the libraries'."""

    def __init__(self, sources: list[Source]) -> None:
        self._ours: dict[str, set[str]] = defaultdict(set)
        self._libraries: dict[str, object] = dict(vars(builtins))
        for source in sources:
            for node in ast.walk(source.tree):
                if isinstance(node, ast.ClassDef):
                    self._ours[node.name].update(_base_name(base) for base in node.bases)
                elif isinstance(node, ast.Import | ast.ImportFrom):
                    self._note_import(node)

    def from_library(self, class_name: str, method: str) -> bool:
        """Say whether a class of ours has a method of this name from a library's class."""
        waiting, visited = [class_name], set()
        while waiting:
            name = waiting.pop()
            if name in visited:
                continue
            visited.add(name)
            if name in self._ours:
                waiting += self._ours[name]
            elif name != "object" and hasattr(self._library_class(name), method):
                return True
        return False

    def _library_class(self, name: str) -> object:
        """Return a class by the name it has in our code: `Screen`, `click.ParamType`."""
        first, _, rest = name.partition(".")
        found = self._libraries.get(first)
        return getattr(found, rest, None) if rest else found

    def _note_import(self, node: ast.Import | ast.ImportFrom) -> None:
        modules = (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
        )
        for module in modules:
            if module.split(".")[0] in {"", "lockdeck", "__future__", *FOLDERS}:
                continue
            try:
                loaded = importlib.import_module(module)
            except ImportError:
                continue
            if isinstance(node, ast.Import):
                self._libraries[module] = loaded
            else:
                for alias in node.names:
                    self._libraries[alias.asname or alias.name] = getattr(loaded, alias.name, None)


def _base_name(base: ast.expr) -> str:
    return ast.unparse(base.value if isinstance(base, ast.Subscript) else base)
