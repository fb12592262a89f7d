"""Which modules import each other in a circle, with the imports for types and at run time."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.measure import Measure
from tests.house.sources import Source, imported_modules

Graph = dict[str, set[str]]
IMPORTS = (ast.Import, ast.ImportFrom)


def circles(sources: list[Source]) -> list[Measure]:
    """Return the largest circle of all imports, and of those that run when a module is loaded."""
    every = _largest_circle(_graph(sources, ast.walk))
    loaded = _largest_circle(_graph(sources, _run_on_loading))
    return [
        Measure("files in the largest import circle, types included", len(every), 3, tuple(every)),
        Measure("files in the largest import circle at run time", len(loaded), 0, tuple(loaded)),
    ]


def _graph(sources: list[Source], statements) -> Graph:
    modules = {source.module for source in sources}
    graph: Graph = {}
    for source in sources:
        imports = (node for node in statements(source.tree) if isinstance(node, IMPORTS))
        named = {name for node in imports for name in imported_modules(node)}
        graph[source.module] = (named & modules) - {source.module}
    return graph


def _run_on_loading(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs when a module is loaded: no function's body, nothing under `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _run_on_loading(node)


def _largest_circle(graph: Graph) -> list[str]:
    """Return the largest set of modules that all reach each other; empty when no two do."""
    reachable = {module: _reachable(graph, module) for module in graph}
    groups = [
        sorted(other for other in reached if module in reachable[other])
        for module, reached in reachable.items()
    ]
    return max(groups, key=len, default=[])


def _reachable(graph: Graph, start: str) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        for module in graph[waiting.pop()] - reached:
            reached.add(module)
            waiting.append(module)
    return reached
