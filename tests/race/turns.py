"""Rates compared in many short turns: where OpenClaw's own processes rob each other, one number says nothing.

The turns of all releasers alternate in a shuffled order, so that whatever else the machine does meets them alike;
how far a mean may be off is told by resampling the turns.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections.abc import Sequence

from tests.race.contest import SCENARIOS, Result, run

RESAMPLES = 10_000


def main(options: argparse.Namespace) -> int:
    """Run the turns and print each; then the rate of every releaser and its difference to the first."""
    dice = random.Random(options.seed)
    for name in options.scenario or ("legacy, many per lock",):
        releasers = options.releaser or ["none", "lockdeck, by hand"]
        turns: dict[str, list[Result]] = {releaser: [] for releaser in releasers}
        for number in range(options.turns):
            for releaser in dice.sample(releasers, len(releasers)):
                turns[releaser].append(_turn(name, releaser, options, number))
                counts = turns[releaser][-1].counts
                print(
                    f"{number:3} {name:22} {releaser:22} acquired {counts['acquired']} robbed {counts['robbed']}",
                    flush=True,
                )
        first = [rate(result) for result in turns[releasers[0]]]
        for releaser in releasers:
            print(_summary(name, releaser, turns[releaser], first, dice), flush=True)
    return 0


def _turn(name: str, releaser: str, options: argparse.Namespace, number: int) -> Result:
    folder = tempfile.mkdtemp(prefix="lockdeck-race-", dir=options.folder)
    try:
        return run(SCENARIOS[name], releaser, folder, seconds=options.short, seed=options.seed + number)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def rate(result: Result) -> float:
    """Robbed holders per 100 acquisitions."""
    return 100 * result.counts["robbed"] / max(1, result.counts["acquired"])


def _summary(
    name: str, releaser: str, results: Sequence[Result], first: Sequence[float], dice: random.Random
) -> str:
    rates = [rate(result) for result in results]
    low, high = difference(rates, first, dice)
    total = {
        key: sum(result.counts[key] for result in results)
        for key in ("acquired", "robbed", "released", "lost", "attempts")
    }
    figures = " ".join(f"{key} {value}" for key, value in total.items())
    return (
        f"{name:22} {releaser:22} {len(rates)} turns: rate {sum(rates) / len(rates):.3f} per 100, "
        f"difference to the first {low:+.3f} to {high:+.3f} (95 %); {figures}"
    )


def difference(rates: Sequence[float], first: Sequence[float], dice: random.Random) -> tuple[float, float]:
    """Between which two values the difference of the means lies, by resampling both: 95 %."""

    def mean(values: Sequence[float]) -> float:
        return sum(dice.choices(values, k=len(values))) / len(values)

    found = sorted(mean(rates) - mean(first) for _ in range(RESAMPLES))
    return found[int(0.025 * RESAMPLES)], found[int(0.975 * RESAMPLES)]
