"""The text of `lockdeck releases`: the table, one release, and the failover policy with its fix."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator
from typing import Any

from lockdeck.backend.model.policy import Action
from lockdeck.backend.model.policytable import Steps, TruthRow, policy_rows, truth_table
from lockdeck.backend.model.releases.exposure import exposure_notes
from lockdeck.backend.model.releases.lookup import Coverage, coverage_of, nearest_below, traits_of
from lockdeck.backend.model.releases.table import RELEASES, TRAITS
from lockdeck.backend.model.releases.trait import CAREFUL, Basis, Reading, in_words
from lockdeck.backend.model.releases.version import Version

_WIDTH = 80
_VALUE_COLUMN = 42
_STEPS_COLUMN = 40
_BASES = {
    Basis.SEEN: "a real release was run and did it",
    Basis.READ: "its source says so",
    Basis.REPORTED: "somebody reports it",
}
_COVERAGE = {
    Coverage.RUN: "{version} was run.",
    Coverage.READ: "{version} was read and not run.",
    Coverage.PARTLY_READ: "{version} was read for single points: the rest is what is known of those before it.",
    Coverage.BETWEEN: "{version} itself was not looked at: this is what is known of {nearest} and before.",
    Coverage.NEWER: "{version} is newer than {nearest}, the newest that was looked at: this is what is known of that.",
    Coverage.OLDER: "{version} is older than {nearest}, the oldest that was looked at: this is what is known of that.",
}
_LETTERS = {
    Action.ROTATE: "R",
    Action.FALLBACK: "F",
    Action.SURFACE: "S",
    Action.CONTINUE: "C",
    Action.ERROR_PAYLOAD: "E",
}


def table_lines() -> Iterator[str]:
    """Yield the whole table: each trait with its value from each release on, and how that is known."""
    run = [str(release.version) for release in RELEASES if release.basis is Basis.SEEN]
    read = [str(release.version) for release in RELEASES if release.basis is not Basis.SEEN]
    yield from _wrapped(f"Run: {', '.join(run)}.")
    yield from _wrapped(f"Read, some of them in part: {', '.join(read)}.")
    yield "How a fact is known:"
    yield from (f"  {basis.ljust(10)}{words}" for basis, words in _BASES.items())
    for group, traits in itertools.groupby(TRAITS.items(), key=lambda item: item[1].group):
        yield from ("", group)
        for name, trait in traits:
            yield from _wrapped(f"{trait.title}: {trait.meaning}", "  ")
            for reading in trait.readings:
                yield from _reading_lines(name, reading)
    yield ""
    yield from _policy_lines(CAREFUL)


def _reading_lines(name: str, reading: Reading[Any]) -> Iterator[str]:
    head = f"    from {str(reading.since).ljust(10)} "
    yield from _wrapped(f"{value_words(name, reading)} ({reading.basis})", head, " " * len(head))


def release_lines(version: Version) -> Iterator[str]:
    """Yield what holds in one release."""
    yield from _wrapped(f"OpenClaw {coverage_sentence(version)}")
    yield from (line for note in exposure_notes(version) for line in _wrapped(note, "! ", "  "))
    for group, traits in itertools.groupby(TRAITS.items(), key=lambda item: item[1].group):
        yield from ("", group)
        for name, trait in traits:
            reading = trait.reading_in(version)
            head = f"  {trait.title}".ljust(_VALUE_COLUMN)
            words = f"{value_words(name, reading)} ({trait.source_in(version)})"
            yield from _wrapped(words, head, " " * _VALUE_COLUMN)
    yield ""
    yield from _policy_lines(version)


def coverage_sentence(version: Version) -> str:
    """Say how well a release is known itself."""
    return _COVERAGE[coverage_of(version)].format(version=version, nearest=nearest_below(version))


def _policy_lines(version: Version) -> Iterator[str]:
    yield f"The failover policy of {version}, before and after the fix of openclaw#62351"
    yield "  R rotate_profile, F fallback_model, S surface_error, C continue_normal,"
    yield "  E return_error_payload"
    yield "  P: a profile is left; M: only another model is left; -: nothing is left"
    yield f"{' ' * _STEPS_COLUMN}before    after"
    yield f"{' ' * _STEPS_COLUMN}P M -     P M -"
    rows = policy_rows(traits_of(version))
    for stage, rows_of_stage in itertools.groupby(rows, key=lambda row: row.stage):
        yield f"  When {stage}:"
        for row in rows_of_stage:
            ending = f"    {row.ending}".ljust(_STEPS_COLUMN)
            yield f"{ending}{_letters(row.shipped)}     {_letters(row.fixed)}"
    yield ""
    yield from _truth_lines(version)


def _truth_lines(version: Version) -> Iterator[str]:
    yield from _wrapped(
        f"Truth table: R where an attempt rotates in {version}, with the fix, and with a sketch that circulates "
        "with the report and does not fix it. In each column: without and with a failure of failover; then the "
        "same two for an attempt that was aborted.",
        "  ",
    )
    yield f"    {'timed out':12}{'compacting':13}{'reason':13}{'before':10}{'fix':10}sketch"
    for inputs, rows in itertools.groupby(truth_table(traits_of(version)), key=_inputs):
        by_variant = zip(*((row.shipped, row.fix, row.sketch) for row in rows), strict=True)
        cells = (" ".join("R" if rotates else "." for rotates in column) for column in by_variant)
        yield f"    {inputs[0]:12}{inputs[1]:13}{inputs[2]:13}{'   '.join(cells)}"


def _inputs(row: TruthRow) -> tuple[str, str, str]:
    ending = row.ending
    return (_yes(ending.timed_out), _yes(ending.during_compaction), ending.reason or "none")


def _letters(steps: Steps) -> str:
    return " ".join(_LETTERS[step] for step in (steps.profile_left, steps.model_left, steps.nothing_left))


def value_words(name: str, reading: Reading[Any]) -> str:
    """Return the value of a trait's reading as people read it."""
    return reading.words or in_words(name, reading.value)


def _yes(value: bool) -> str:
    return in_words("", value)


def _wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_on_hyphens=False,
    )
