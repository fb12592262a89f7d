"""The same lines in two places."""

from __future__ import annotations

import ast
from collections import defaultdict
from itertools import combinations

from tests.house.measure import Measure
from tests.house.sources import Source

LEAST_LINES = 6
GOAL_PAIRS = 7
Line = tuple[int, str]
"""Its number in the file, its text without indentation."""


def repeats(sources: list[Source]) -> Measure:
    """Count the pairs of places with six or more equal lines of code: blanks, comments, docstrings aside."""
    texts = {str(source.path): code_lines(source) for source in sources}
    places: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for path, lines in texts.items():
        for start in range(len(lines) - LEAST_LINES + 1):
            places[tuple(text for _, text in lines[start : start + LEAST_LINES])].append((path, start))
    pairs = []
    for equal in places.values():
        for (path, start), (second, position) in combinations(equal, 2):
            lines, others = texts[path], texts[second]
            if path == second and abs(start - position) < LEAST_LINES:
                continue
            if start and position and lines[start - 1][1] == others[position - 1][1]:
                continue
            length = _equal_lines(lines[start:], others[position:])
            pairs.append((length, f"{path}:{lines[start][0]} and {second}:{others[position][0]}"))
    details = tuple(f"{length} lines: {where}" for length, where in sorted(pairs, reverse=True))
    return Measure(f"pairs of {LEAST_LINES} or more equal lines", len(pairs), GOAL_PAIRS, details)


def code_lines(source: Source) -> list[Line]:
    """Return the lines that are neither blank nor comment nor docstring."""
    docstrings = {
        number
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    stripped = ((number, line.strip()) for number, line in enumerate(source.lines, 1))
    return [(at, text) for at, text in stripped if text and text[0] != "#" and at not in docstrings]


def _equal_lines(first: list[Line], second: list[Line]) -> int:
    count = 0
    for (_, text), (_, other) in zip(first, second, strict=False):
        if text != other:
            break
        count += 1
    return count
