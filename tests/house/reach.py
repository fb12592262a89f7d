"""Code that nothing outside the tests refers to.

Names are followed from the entry points: a definition is reached when code that is reached mentions its name
(any object's attribute of that name will do), in a module that is reached.  So what is listed is dead for
certain, or reached through a name that is put together at run time.
"""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from pathlib import Path

from tests.house.definitions import Definition, definitions
from tests.house.inheritance import Inheritance
from tests.house.measure import Measure
from tests.house.sources import PACKAGE, Source


def entry_modules(repository: Path) -> set[str]:
    """Return the package itself, `python -m lockdeck` and the modules of the installed commands."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    commands = {script.partition(":")[0].removeprefix(PACKAGE) for script in project["scripts"].values()}
    return {"lockdeck", "lockdeck.__main__", *commands}


def unreached(sources: list[Source], tests: list[Source], entries: set[str]) -> Measure:
    """Return what only the tests reach, and what nothing reaches at all."""
    inheritance = Inheritance(sources)
    modules = {source.module for source in sources}
    everything = [definition for source in sources for definition in definitions(source, inheritance)]
    programs = {source.module for source in sources if _is_program(source)}
    reached = _follow(everything, modules, entries | programs)
    dead = [each for each in everything if each.owner is not None and each not in reached]
    outer = [each for each in dead if each.owner not in dead]
    mentioned = {name for source in tests for each in definitions(source) for name in each.mentions}
    lines: Counter[str] = Counter()
    for each in outer:
        lines[str(each.source.path)] += each.length
    details = (
        *(f"{count} of {_length(sources, path)} lines of {path}" for path, count in lines.most_common(12)),
        *(_sentence(each, mentioned) for each in outer),
    )
    return Measure("lines that no code outside the tests reaches", lines.total(), 0, details)


def _is_program(source: Source) -> bool:
    """Say whether a module does something when it is started itself (`python -m`)."""
    return any(isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in source.tree.body)


def _follow(everything: list[Definition], modules: set[str], entries: set[str]) -> set[Definition]:
    """Return the definitions that are reached from the entry points."""
    reached: set[Definition] = set()
    names: set[str] = set()
    loaded = set(entries)
    while True:
        fresh = [
            each for each in everything if each not in reached and _is_reached(each, reached, names, loaded)
        ]
        if not fresh:
            return reached
        for each in fresh:
            reached.add(each)
            names |= each.mentions
            loaded |= each.imports
            loaded |= {module for module in modules if module.rpartition(".")[0] in each.folders}
            loaded |= {name.removeprefix(PACKAGE) for name in each.mentions} & modules


def _is_reached(each: Definition, reached: set[Definition], names: set[str], loaded: set[str]) -> bool:
    if each.owner is None:
        return each.source.module in loaded or _is_package_of(each.source.module, loaded)
    return each.owner in reached and (each.called_by_others or each.name in names)


def _is_package_of(module: str, loaded: set[str]) -> bool:
    return any(name.startswith(module + ".") for name in loaded)


def _length(sources: list[Source], path: str) -> int:
    return next(len(source.lines) for source in sources if str(source.path) == path)


def _sentence(each: Definition, mentioned: set[str]) -> str:
    by = "tests only" if each.name in mentioned else "nothing"
    return f"{each.source.path}:{each.node.lineno} {each.name} ({by})"
