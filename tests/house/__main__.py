"""Print the figures of the code and leave with 1 where one is over its goal: `python -m tests.house [CHECKOUT]`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.folders import REPOSITORY
from tests.house.circles import circles
from tests.house.measure import Measure
from tests.house.reach import entry_modules, unreached
from tests.house.repeats import repeats
from tests.house.sizes import largest_folder, long_functions
from tests.house.sources import read_sources
from tests.house.words import empty_words, shared_class_names


def measures(repository: Path) -> list[Measure]:
    """Take every figure of a checkout."""
    sources = read_sources(repository)
    package = read_sources(repository, ("lockdeck",))
    tests = read_sources(repository, ("tests",))
    return [
        largest_folder(sources),
        long_functions(sources),
        *circles(sources),
        empty_words(sources),
        shared_class_names(sources),
        repeats(sources),
        unreached([*package, *sources], tests, entry_modules(repository)),
    ]


def main() -> int:
    """Print each figure with its goal, and the places of every figure that is over it."""
    repository = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY
    figures = measures(repository)
    for figure in figures:
        print(figure.line())
        if not figure.kept:
            print("".join(f"        {detail}\n" for detail in figure.details), end="")
    return 0 if all(figure.kept for figure in figures) else 1


sys.exit(main())
