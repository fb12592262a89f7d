"""How much stands in one place: modules of a folder, lines of a function."""

from __future__ import annotations

import ast
from collections import Counter

from tests.house.measure import Measure
from tests.house.sources import Source

MODULES_OF_A_FOLDER = 24
LINES_OF_A_FUNCTION = 40


def largest_folder(sources: list[Source]) -> Measure:
    """Count the modules of each folder, `__init__` aside."""
    folders = Counter(source.path.parent for source in sources if source.path.name != "__init__.py")
    largest = folders.most_common(3)
    details = tuple(f"{count} in {folder}" for folder, count in largest)
    return Measure("modules in the largest folder", largest[0][1], MODULES_OF_A_FOLDER, details)


def long_functions(sources: list[Source]) -> Measure:
    """Count the functions whose lines, signature and docstring included, are more than forty."""
    details = [
        f"{length} lines: {source.path}:{node.lineno} {node.name}"
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LINES_OF_A_FUNCTION
    ]
    name = f"functions over {LINES_OF_A_FUNCTION} lines"
    return Measure(name, len(details), 0, tuple(sorted(details, reverse=True)))
