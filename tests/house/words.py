"""How many names say only that one has a value, not what it is; class names that mean two things."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.house.measure import Measure
from tests.house.sources import Source

_LIST = """
found told seen known named left given asked made kept shown heard chosen taken wanted held judged standing
fresh gone own others other one each here there again before after mine theirs ours what who when why how
whose whole least most next going late lately near apart aside
"""
EMPTY_WORDS = frozenset(_LIST.split())
GOAL_PERCENT = 2.5
WORST = 12


def empty_words(sources: list[Source]) -> Measure:
    """Return the share of bound names and parameters that are one of the empty words."""
    total = 0
    files: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for source in sources:
        for name in bound_names(source.tree):
            total += 1
            if name in EMPTY_WORDS:
                files[str(source.path)] += 1
                words[name] += 1
    share = 100 * words.total() / max(total, 1)
    often = ", ".join(f"{word} {count}" for word, count in words.most_common(WORST))
    details = (
        f"{words.total()} of {total} names",
        often,
        *(f"{count} in {path}" for path, count in files.most_common(WORST)),
    )
    return Measure("share of participles among bound names", share, GOAL_PERCENT, details, " %")


def bound_names(tree: ast.Module) -> Iterator[str]:
    """Yield every bound name and parameter, underscores stripped; neither `self` and `cls` nor `_`."""
    for node in ast.walk(tree):
        name = None
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.arg) and node.arg not in {"self", "cls"}:
            name = node.arg
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            name = node.name
        if name and name.strip("_"):
            yield name.strip("_")


def shared_class_names(sources: list[Source]) -> Measure:
    """Return the names that more than one class bears."""
    places: dict[str, list[str]] = defaultdict(list)
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{source.path}:{node.lineno}")
    details = [f"{name}: {', '.join(paths)}" for name, paths in sorted(places.items()) if len(paths) > 1]
    return Measure("class names used twice", len(details), 0, tuple(details))
