"""The functions, classes, methods and constants of a module, with the names that each mentions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.house.inheritance import Inheritance
from tests.house.sources import PACKAGE, Source, imported_modules

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PLAIN_DECORATORS = {
    "property", "staticmethod", "classmethod", "cached_property", "cache", "lru_cache", "override",
    "abstractmethod", "contextmanager", "asynccontextmanager", "setter", "dataclass", "total_ordering", "final",
}  # fmt: skip
_TEXTUAL = re.compile(r"_?(on|watch|validate|compute|key)_\w+")
_REFERENCE = re.compile(r"[A-Za-z_][\w.]*(\(.*\))?")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


@dataclass(eq=False)
class Definition:
    """A function, class, method or constant; a module itself, where `owner` is None."""

    source: Source
    name: str
    node: ast.stmt | ast.Module
    owner: Definition | None
    called_by_others: bool = False
    mentions: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    """Packages of which any module may be imported, by a name put together at run time."""

    @property
    def length(self) -> int:
        first = min([self.node.lineno, *(each.lineno for each in getattr(self.node, "decorator_list", ()))])
        return self.node.end_lineno - first + 1


def definitions(source: Source, inheritance: Inheritance | None = None) -> list[Definition]:
    """Return a module and all that it defines, methods of its classes included."""
    module = Definition(source, source.module, source.tree, None)
    collected = [module]
    for statement in source.tree.body:
        _define(statement, module, collected, inheritance)
    return collected


def _define(
    statement: ast.stmt, owner: Definition, collected: list[Definition], inheritance: Inheritance | None
) -> None:
    names = _defined_names(statement, owner)
    if not names:
        _mention(statement, owner)
    for name in names:
        each = Definition(owner.source, name, statement, owner)
        each.called_by_others = _is_registered(statement, name) or _is_inherited(name, owner, inheritance)
        collected.append(each)
        if isinstance(statement, ast.ClassDef):
            for part in (*statement.decorator_list, *statement.bases, *statement.keywords):
                _mention(part, each)
            for inner in statement.body:
                _define(inner, each, collected, inheritance)
        else:
            _mention(statement, each)


def _defined_names(statement: ast.stmt, owner: Definition) -> list[str]:
    """Return what a statement defines: constants of a module too, while the fields of a class are its own."""
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        return [statement.name]
    if owner.owner is not None:
        return []
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _is_registered(statement: ast.stmt, name: str) -> bool:
    """Say whether Python calls it by a name of its own, or a decorator hands it to somebody."""
    if name.startswith("__") and name.endswith("__"):
        return True
    return any(_last_name(each) not in _PLAIN_DECORATORS for each in getattr(statement, "decorator_list", ()))


def _is_inherited(name: str, owner: Definition, inheritance: Inheritance | None) -> bool:
    """Say whether a library calls it: a handler of Textual, or a method that its own class has too."""
    if inheritance is None or not isinstance(owner.node, ast.ClassDef):
        return False
    return bool(_TEXTUAL.fullmatch(name)) or inheritance.from_library(owner.name, name)


def _last_name(decorator: ast.expr) -> str:
    inner = decorator.func if isinstance(decorator, ast.Call) else decorator
    return inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")


def _mention(node: ast.AST, owner: Definition) -> None:
    """Note every name, attribute, import and string that may refer to something."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
            owner.mentions.add(inner.id)
        elif isinstance(inner, ast.Attribute):
            owner.mentions.add(inner.attr)
        elif isinstance(inner, ast.Import | ast.ImportFrom):
            owner.imports.update(imported_modules(inner))
            owner.mentions.update(alias.name for alias in inner.names if alias.asname)
        elif isinstance(inner, ast.JoinedStr):
            start = ast.unparse(inner)[2:].partition("{")[0]
            if start.startswith(PACKAGE) and start.endswith("."):
                owner.folders.add(start.removeprefix(PACKAGE).rstrip("."))
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            owner.mentions.update(_references(inner.value))


def _references(text: str) -> Iterator[str]:
    """Yield what a string may name: an attribute, an action of Textual, a command's method, a module."""
    if _REFERENCE.fullmatch(text):
        yield text
        for word in _IDENTIFIER.findall(text):
            yield word
            yield f"action_{word}"
            yield f"command_{word}"
